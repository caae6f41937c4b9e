"""Whether an engine is alive, and whether it is to be sent calls."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from voxgate.config.models import AppConfig, EngineConfig
from voxgate.engine import AIEngine, EnginePhase
from voxgate.observe.health import answer_alive, answer_ready


def engine(phase: EnginePhase, running_calls: int = 0) -> AIEngine:
    config = AppConfig(engine=EngineConfig(max_calls=3))
    facts = SimpleNamespace(phase=phase, running_calls=running_calls, config=config)
    return cast("AIEngine", facts)


def told(body: bytes) -> Any:
    return json.loads(body)


@pytest.mark.parametrize("phase", EnginePhase)
def test_an_engine_that_answers_is_alive(phase: EnginePhase) -> None:
    """Draining too: it must not be ended before its calls."""
    answer = answer_alive(engine(phase, 3))
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert told(answer.body) == {
        "status": "alive",
        "phase": phase.value,
        "running_calls": 3,
        "max_calls": 3,
    }


@pytest.mark.parametrize(
    "phase", [phase for phase in EnginePhase if phase is not EnginePhase.RUNNING]
)
def test_calls_are_taken_only_while_it_runs(phase: EnginePhase) -> None:
    """Neither before its start is complete nor while it drains."""
    answer = answer_ready(engine(phase))
    assert (answer.status, told(answer.body)["status"]) == (503, phase.value)


@pytest.mark.parametrize(("running", "status", "word"), [(2, 200, "ready"), (3, 503, "full")])
def test_a_full_engine_is_not_ready(running: int, status: int, word: str) -> None:
    """A further call would be hung up at once."""
    answer = answer_ready(engine(EnginePhase.RUNNING, running))
    assert (answer.status, told(answer.body)["status"]) == (status, word)
