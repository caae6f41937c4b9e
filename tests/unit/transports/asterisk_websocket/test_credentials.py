"""User and password: who shows them, and what is missing where they can't be asked for."""

from __future__ import annotations

import base64

import pytest

from voxgate.config.asterisk_websocket_model import AsteriskWebSocketConfig
from voxgate.errors import ConfigError
from voxgate.transports.asterisk_websocket.credentials import (
    BasicCredentials,
    make_credentials,
)

CONFIG = AsteriskWebSocketConfig(
    enabled=True,
    username_env="WS_USER",
    password_env="WS_PASSWORD",  # noqa: S106 - a variable's name
)
SECRET = "caf\u00e9 au lait"  # noqa: S105 - nobody's


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_who_shows_user_and_password_is_let_in():
    """As Asterisk writes them; the scheme in any case."""
    credentials = make_credentials(CONFIG, {"WS_USER": "voxgate", "WS_PASSWORD": f" {SECRET}\n"})
    assert credentials is not None
    assert credentials.admit(basic(f"voxgate:{SECRET}"))
    assert credentials.admit(basic(f"voxgate:{SECRET}").replace("Basic", "basic "))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ?",
        "Basic voxgate:secret",
        basic("voxgate:"),
        basic(":secret"),
        basic("voxgate:secre"),
        basic("voxgate:secrets"),
        basic("Voxgate:secret"),
        basic("voxgate:secret").replace("Basic", "Bearer"),
        basic("voxgate:secret")[:-1],
        "Basic \u00e9",
        "Basic " + "A" * 100_000,
    ],
)
def test_nobody_else_is(header: str | None):
    """Whatever the header is."""
    assert not BasicCredentials("voxgate", "secret").admit(header)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "WS_USER: is not set"),
        ({"WS_USER": "voxgate"}, "WS_PASSWORD: is not set"),
        ({"WS_USER": "voxgate", "WS_PASSWORD": "  "}, "WS_PASSWORD: is not set"),
        ({"WS_USER": "a:b", "WS_PASSWORD": "c"}, "WS_USER: has a colon"),
    ],
)
def test_a_line_that_can_not_ask_is_an_error(environ: dict[str, str], problem: str):
    """It names the variable, and never what is in one."""
    with pytest.raises(ConfigError, match=problem) as raised:
        make_credentials(CONFIG, environ)
    assert "a:b" not in str(raised.value)


def test_a_line_that_is_to_ask_for_nothing_asks_for_nothing():
    """The default."""
    assert make_credentials(AsteriskWebSocketConfig(), {}) is None
