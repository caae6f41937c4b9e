"""What the engine is made of and how it does."""

from __future__ import annotations

from typing import Any

import pytest

from support.asgi_client import application, ask
from support.desk_calls import ended, roster_with
from voxgate.config.load import parse_config
from voxgate.engine import AIEngine
from voxgate.observe.desk.call_roster import CallRoster
from voxgate.observe.desk.lateness import Lateness
from voxgate.observe.desk.overview_api import OverviewApi, health_checks


def engine_of(text: str = "") -> AIEngine:
    return AIEngine(parse_config(text, "test.yaml", {}).config)


async def overview(engine: AIEngine, roster: CallRoster | None = None, **more: Any) -> Any:
    usual = {"keeper": None, "lateness": Lateness(), "has_phone": True, **more}
    api = OverviewApi(engine, roster or roster_with(), **usual)
    return (await ask(application(api.routes()), "/api/overview")).json


async def test_an_engine_that_was_not_started_says_so() -> None:
    """With what it is made of, by the names of the configuration."""
    shown = await overview(engine_of())
    assert shown["state"] == "starting"
    assert shown["calls"] == {"running": 0, "max": 100, "accepted": 0, "refused": 0, "ended": {}}
    assert {"name": "audiosocket", "enabled": True, "address": None} in shown["lines"]
    (provider,) = shown["providers"]
    assert provider == {
        "name": "embedded",
        "kind": "openai_realtime",
        "gated": True,
        "mode": "echo_aware",
        "is_default": True,
    }
    assert shown["features"]["config"] is False
    assert shown["phone"] == {"available": True, "path": "/phone/call", "missing": None}


async def test_calls_that_are_over_are_counted_by_reason() -> None:
    """Since the start."""
    roster = roster_with("one", "two")
    roster.on_call_ended(ended("one"))
    roster.on_call_ended(ended("two"))
    shown = await overview(engine_of(), roster)
    assert shown["calls"]["ended"] == {"caller_hangup": 2}


async def test_no_name_of_a_secret_is_shown() -> None:
    """Nor the secret; the page says what is missing for the phone."""
    text = "desk: {token_env: MY_TOKEN_NAME}"
    shown = await overview(engine_of(text), has_phone=False)
    assert "MY_TOKEN_NAME" not in str(shown)
    assert shown["phone"]["missing"] == "The phone is off: see desk.phone."


async def test_recording_is_shown_where_it_is_on() -> None:
    """And with it what can be done with recorded calls."""
    shown = await overview(engine_of("recording: {calls: all, audio: true, folder: calls}"))
    assert shown["recording"] == {
        "calls": "all",
        "audio": True,
        "folder": "calls",
        "is_encrypted": False,
    }
    assert shown["features"]["report"] is True
    off = await overview(engine_of())
    assert (off["recording"]["folder"], off["features"]["report"]) == (None, False)


@pytest.mark.parametrize(("late_ms", "is_fine"), [(1.0, True), (50.0, False)])
def test_health_is_said_in_sentences(late_ms: float, *, is_fine: bool) -> None:
    """Each with whether it is well."""
    lateness = Lateness()
    lateness.receive(late_ms)
    checks = {check["name"]: check for check in health_checks(engine_of(), lateness)}
    assert checks["event_loop"]["ok"] is is_fine
    assert checks["engine"] == {"name": "engine", "ok": False, "text": "It is starting."}
    assert checks["calls"]["text"] == "0 of 100 at a time; 0 refused so far."
    assert checks["observers"]["ok"] is True
