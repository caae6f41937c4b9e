"""Unit tests have no network: a socket opened in one of them is an error."""

from __future__ import annotations

import pytest
from pytest_socket import disable_socket


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Turn the network off for one test; the plugin turns it on again afterwards."""
    # An event loop wakes itself through a socket pair of the Unix kind.
    disable_socket(allow_unix_socket=True)
