"""The section of the browser line."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.browser_line_model import BrowserLineConfig


def test_a_line_is_off_and_on_this_machine_only() -> None:
    """Who turns it on need not say more."""
    config = BrowserLineConfig()
    assert not config.enabled
    assert (config.host, config.port, config.path) == ("127.0.0.1", 8092, "/browser")
    assert config.token_env is None


@pytest.mark.parametrize(
    "origin",
    ["https://voice.example.com", "http://10.0.0.7:8000", "http://[::1]:80", "https://localhost"],
)
def test_origins_as_browsers_send_them(origin: str) -> None:
    """Scheme, host, and a port that is not the scheme's own."""
    assert BrowserLineConfig(allowed_origins=(origin,)).allowed_origins == (origin,)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"allowed_origins": ("https://a.example/",)}, "allowed_origins: .* is not an origin"),
        ({"allowed_origins": ("https://A.example",)}, "allowed_origins: .* in lower case"),
        ({"allowed_origins": ("a.example",)}, "is not an origin"),
        ({"allowed_origins": ("*",)}, "is not an origin"),
        ({"allowed_origins": ("null",)}, "is not an origin"),
        ({"allowed_origins": (7,)}, "is not text"),
        ({"allowed_origins": "https://a.example"}, "is not a list"),
        ({"path": "/browser/"}, "path: "),
        ({"path": "/"}, "path: "),
        ({"host": "999.1.1.1"}, "host: "),
        ({"token_env": "not a name"}, "token_env: "),
        ({"max_connections": 0}, "max_connections: 0 is not in"),
        ({"start_timeout_s": 0.0}, "start_timeout_s: 0.0 is not in"),
    ],
)
def test_what_can_not_be_meant_is_refused(fields: dict[str, Any], problem: str) -> None:
    """By the key, and in words."""
    with pytest.raises(ValueError, match=problem):
        BrowserLineConfig(**fields)
