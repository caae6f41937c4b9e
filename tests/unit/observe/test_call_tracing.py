"""Tracing as a part of what an operator sees."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from voxgate.config.models import AppConfig
from voxgate.config.tracing_model import TracingConfig
from voxgate.engine import AIEngine
from voxgate.errors import ConfigError
from voxgate.observe.call_tracing import CallTracing

_AWAY = "http://127.0.0.1:9/v1/traces"


def tracing(environ: dict[str, str] | None = None, **section: Any) -> CallTracing:
    config = TracingConfig(**{"enabled": True, "endpoint": _AWAY, **section})
    return CallTracing(AIEngine(AppConfig(tracing=config)), environ=environ or {})


def observers(traced: CallTracing) -> int:
    return len(traced._engine._observer._observers)


async def test_nothing_is_traced_unless_it_is_enabled() -> None:
    """And nothing has to be stopped."""
    traced = tracing(enabled=False)
    await traced.start()
    assert observers(traced) == 0
    await traced.stop()
    assert (traced.exported, traced.lost, traced.notices) == (0, 0, ())


async def test_calls_are_traced_between_start_and_stop() -> None:
    """Stopping twice is fine."""
    traced = tracing({"HEADERS": "a=b"}, headers_env="HEADERS")
    await traced.start()
    assert observers(traced) == 1
    await traced.stop()
    await traced.stop()
    assert observers(traced) == 0
    assert (traced.exported, traced.lost) == (0, 0)


@pytest.mark.parametrize(
    ("environ", "rule"),
    [({}, "is not set"), ({"H": " "}, "is not set"), ({"H": "k-1"}, "holds no")],
)
async def test_headers_that_can_not_be_had_are_an_error(environ: dict[str, str], rule: str) -> None:
    """Named by their variable, without what is in it."""
    traced = tracing(environ, headers_env="H")
    with pytest.raises(ConfigError, match=f"^H: {rule}") as info:
        await traced.start()
    assert "k-1" not in str(info.value)
    assert observers(traced) == 0
    await traced.stop()


async def test_who_asks_for_traces_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the extra is missing."""
    monkeypatch.setitem(sys.modules, "voxgate.observe.call_spans", None)
    with pytest.raises(ConfigError, match=r"pip install 'voxgate\[otel\]'"):
        await tracing().start()
