"""The hooks before anything is asked; what they ask and how, the integration tests say."""

from __future__ import annotations

import sys

import pytest

from voxgate.config.hook_models import CallHooksConfig
from voxgate.errors import ConfigError
from voxgate.transports.call_hooks import CallHooks

SECTION = "lines.x.hooks"


async def test_without_addresses_nothing_is_asked_and_nothing_transferred() -> None:
    """The agent is told that the line can't transfer, not that it failed."""
    hooks = CallHooks(CallHooksConfig(), {}, section=SECTION)
    assert await hooks.fetch_metadata("a") == {}
    assert hooks.transfer_of("a") is None
    await hooks.close()


@pytest.mark.parametrize("environ", [{}, {"T": ""}, {"T": " "}, {"T": "a\nb: c"}, {"T": "ü"}])
def test_a_token_that_is_none_stops_the_start(environ: dict[str, str]) -> None:
    """It can't be a header; the error names the variable and the key, never the token."""
    config = CallHooksConfig(token_env="T")  # noqa: S106 - a variable's name
    with pytest.raises(
        ConfigError, match=r"^T: is not set, or is no token; lines\.x\.hooks\.token"
    ):
        CallHooks(config, environ, section=SECTION)


def test_without_aiohttp_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, and only where a hook is wanted."""
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert CallHooks(CallHooksConfig(), {}, section=SECTION)
    with pytest.raises(ConfigError, match=r"^lines\.x\.hooks: .*pip install 'voxgate\[server\]'"):
        CallHooks(CallHooksConfig(transfer_url="http://h/"), {}, section=SECTION)
