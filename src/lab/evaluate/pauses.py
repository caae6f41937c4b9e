"""The pauses of playout that a gate's events ask for, and which of them became a barge-in.

Invariant: every commitment is in exactly one pause, in the order of time.
"""

from __future__ import annotations

__all__ = ["PlayoutPause", "playout_pauses"]

from collections.abc import Iterable
from dataclasses import dataclass

from ...core.gate_decision import GateEvent, GateEventType


@dataclass(frozen=True, slots=True)
class PlayoutPause:
    """One pause; times are stream time in ms."""

    start_ms: float
    """The candidate, or the commitment where there was no candidate."""
    committed_ms: float | None
    """When the gate opened over the agent; None if the candidate was dropped."""


def playout_pauses(events: Iterable[GateEvent]) -> tuple[PlayoutPause, ...]:
    """Return the pauses among the events of a recording."""
    pauses: list[PlayoutPause] = []
    candidate_ms: float | None = None
    for event in events:
        if event.type is GateEventType.CANDIDATE_STARTED:
            candidate_ms = event.t_ms
        elif event.type is GateEventType.BARGE_IN_COMMITTED:
            start_ms = event.t_ms if candidate_ms is None else candidate_ms
            pauses.append(PlayoutPause(start_ms, event.t_ms))
            candidate_ms = None
        elif event.type is GateEventType.CANDIDATE_DROPPED and candidate_ms is not None:
            pauses.append(PlayoutPause(candidate_ms, None))
            candidate_ms = None
    if candidate_ms is not None:
        pauses.append(PlayoutPause(candidate_ms, None))
    return tuple(pauses)
