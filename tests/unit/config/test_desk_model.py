"""The section of the operator's desk."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.desk_model import DeskConfig


def test_the_desk_is_on_and_on_this_machine_only() -> None:
    """Whoever starts the engine has a desk, and nobody else reaches it."""
    config = DeskConfig()
    assert config.enabled
    assert (config.host, config.port) == ("127.0.0.1", 8094)
    assert config.token_env is None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "desk.example.com"])  # noqa: S104
def test_others_reach_no_desk_without_a_token(host: str) -> None:
    """Beyond loopback a token must be named; with one, the same address is fine."""
    with pytest.raises(ValueError, match="token_env: is null, and others"):
        DeskConfig(host=host)
    assert DeskConfig(host=host, token_env="DESK_TOKEN").host == host  # noqa: S106 - a name


def test_a_name_of_a_proxy_means_others_too() -> None:
    """Behind a proxy the desk listens on loopback, and is reached from anywhere."""
    with pytest.raises(ValueError, match="token_env: is null, and allowed_hosts"):
        DeskConfig(allowed_hosts=("desk.example.com",))
    config = DeskConfig(allowed_hosts=("desk.example.com",), token_env="DESK_TOKEN")  # noqa: S106
    assert config.allowed_hosts == ("desk.example.com",)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"allowed_hosts": ("https://a.example",)}, "allowed_hosts: .* is not a host name"),
        ({"allowed_hosts": ("A.example",)}, "allowed_hosts: .* in lower case"),
        ({"allowed_hosts": ("a.example:8094",)}, "without a port"),
        ({"allowed_hosts": ("*",)}, "is not a host name"),
        ({"host": "999.1.1.1"}, "host: "),
        ({"port": 70_000}, "port: 70000 is not in"),
        ({"token_env": "not a name"}, "token_env: "),
        ({"max_watchers": 0}, "max_watchers: 0 is not in"),
        ({"session_hours": 0.0}, "session_hours: 0.0 is not in"),
    ],
)
def test_what_can_not_be_meant_is_refused(fields: dict[str, Any], problem: str) -> None:
    """By the key, and in words."""
    with pytest.raises(ValueError, match=problem):
        DeskConfig(**fields)
