"""The section of the line that Asterisk's WebSocket channel connects to."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.asterisk_websocket_model import AsteriskWebSocketConfig


def test_a_line_is_off_and_on_this_machine_only() -> None:
    """Who turns it on need not say more."""
    config = AsteriskWebSocketConfig()
    assert not config.enabled
    assert (config.host, config.port, config.path) == ("127.0.0.1", 8093, "/asterisk")
    assert config.username_env is config.password_env is config.allowed_peers is None


def test_user_and_password_are_named_together() -> None:
    """By variables, with networks besides."""
    config = AsteriskWebSocketConfig(
        username_env="WS_USER",
        password_env="WS_PASSWORD",  # noqa: S106 - a variable's name
        allowed_peers=("192.0.2.0/24",),
    )
    assert (config.username_env, config.password_env) == ("WS_USER", "WS_PASSWORD")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"username_env": "USER"}, "password_env: null"),
        ({"password_env": "PASSWORD"}, "username_env: null"),
        ({"username_env": "not a name", "password_env": "P"}, "username_env: "),
        ({"allowed_peers": ()}, "allowed_peers: is empty"),
        ({"allowed_peers": ("asterisk.example",)}, "allowed_peers: "),
        ({"path": "/"}, "path: "),
        ({"host": "999.1.1.1"}, "host: "),
        ({"port": 65_536}, "port: 65536 is not in"),
        ({"max_connections": 0}, "max_connections: 0 is not in"),
        ({"start_timeout_s": 0.0}, "start_timeout_s: 0.0 is not in"),
    ],
)
def test_what_can_not_be_meant_is_refused(fields: dict[str, Any], problem: str) -> None:
    """By the key, and in words."""
    with pytest.raises(ValueError, match=problem):
        AsteriskWebSocketConfig(**fields)
