"""What an orchestrator is told of an engine: whether it is alive, and whether to send it calls.

Invariant: an engine that drains is alive and not ready, so that nobody ends it before its calls do;
neither answer says anything of a call.
"""

from __future__ import annotations

__all__ = ["HealthAnswer", "answer_alive", "answer_ready"]

import json
from dataclasses import dataclass

from ..engine import AIEngine, EnginePhase

_OK = 200
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthAnswer:
    """What an HTTP server answers with."""

    status: int
    """200, or 503 for no."""
    body: bytes
    """A JSON object that says why."""
    content_type: str = "application/json"
    """Of the body."""


def answer_alive(engine: AIEngine) -> HealthAnswer:
    """Return the answer of ``/healthz``: yes, since the event loop that serves the calls runs.

    Whoever hears no answer has found a process that hangs.
    """
    return _answer(_OK, "alive", engine)


def answer_ready(engine: AIEngine) -> HealthAnswer:
    """Return the answer of ``/readyz``: whether a call that came now would be taken.

    Not while the engine starts or drains, and not at ``engine.max_calls``: the caller would be hung
    up on, where another engine may have room.
    """
    if engine.phase is not EnginePhase.RUNNING:
        return _answer(_UNAVAILABLE, engine.phase.value, engine)
    if engine.running_calls >= engine.config.engine.max_calls:
        return _answer(_UNAVAILABLE, "full", engine)
    return _answer(_OK, "ready", engine)


def _answer(status: int, word: str, engine: AIEngine) -> HealthAnswer:
    told = {
        "status": word,
        "phase": engine.phase.value,
        "running_calls": engine.running_calls,
        "max_calls": engine.config.engine.max_calls,
    }
    return HealthAnswer(status=status, body=json.dumps(told).encode() + b"\n")
