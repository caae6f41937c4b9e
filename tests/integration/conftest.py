"""Integration tests talk to peers on this machine only: any other host is an error.

And the embedded server of a configuration that is read from a file says its sentences: a test that
wants speech models loaded says so.
"""

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


@pytest.fixture(autouse=True)
def no_speech_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the default configuration from loading what this environment has installed."""
    monkeypatch.setenv("VOXGATE__REALTIME_SERVER__ANSWERED_BY", "scripted")
