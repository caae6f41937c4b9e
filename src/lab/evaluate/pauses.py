"""The pauses of playout that a gate's events ask for, and which of them became a barge-in.

Invariant: every commitment is in exactly one pause, in the order of time.
"""

from __future__ import annotations

__all__ = ["PlayoutPause", "playout_pauses"]

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...core.gate_decision import GateEvent, GateEventType


@dataclass(frozen=True, slots=True)
class PlayoutPause:
    """One pause; times are stream time in ms."""

    start_ms: float
    """The candidate, or the commitment where there was no candidate."""
    committed_ms: float | None
    """When the gate opened over the agent; None if the candidate was dropped."""
    resumed_ms: float | None = None
    """When playout went on, or the recording ended; None if the turn was cut off."""

    @property
    def delay_ms(self) -> float:
        """By how much the agent was delayed; 0 where its turn was cut off."""
        return 0.0 if self.resumed_ms is None else self.resumed_ms - self.start_ms


def playout_pauses(events: Iterable[GateEvent], *, end_ms: float) -> tuple[PlayoutPause, ...]:
    """Return the pauses among the events of a recording.

    Args:
        events: The gate's, in the order of time.
        end_ms: End of the recording: what is still paused there counts up to it.
    """
    pauses: list[PlayoutPause] = []
    pause: PlayoutPause | None = None
    for event in events:
        if event.type in _BEGINNING:
            is_commitment = event.type is GateEventType.BARGE_IN_COMMITTED
            committed_ms = event.t_ms if is_commitment else None
            if pause is not None and is_commitment and pause.committed_ms is None:
                pause = replace(pause, committed_ms=committed_ms)
                continue
            pauses += [] if pause is None else [pause]
            pause = PlayoutPause(event.t_ms, committed_ms)
        elif pause is not None and event.type in _ENDING:
            goes_on = event.type is not GateEventType.INTERRUPTED
            pauses.append(replace(pause, resumed_ms=event.t_ms if goes_on else None))
            pause = None
    return tuple(pauses if pause is None else [*pauses, replace(pause, resumed_ms=end_ms)])


_BEGINNING = frozenset({GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED})
_ENDING = frozenset(
    {
        GateEventType.CANDIDATE_DROPPED,
        GateEventType.RESUMED,
        GateEventType.GATE_OPENED,
        GateEventType.INTERRUPTED,
    }
)
"""What ends a pause: all but the last let playout go on."""
