"""Integration tests talk to peers on this machine only: any other host is an error."""

from __future__ import annotations

import pytest
from pytest_socket import socket_allow_hosts

_LOOPBACK_HOSTS = ["127.0.0.1", "::1", "localhost"]
_ADDRESSES_OF_HOSTS: dict[str, set[str]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep one test's connections on the loopback; the plugin lifts that afterwards."""
    socket_allow_hosts(
        _LOOPBACK_HOSTS, allow_unix_socket=True, resolution_cache=_ADDRESSES_OF_HOSTS
    )
