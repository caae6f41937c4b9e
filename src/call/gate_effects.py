"""What becomes of playout where something happens at the gate.

Invariant: a kind of event has one effect, and most have none.
"""

from __future__ import annotations

__all__ = ["PlayoutEffect", "effect_of", "is_paused_after"]

from collections.abc import Iterable, Mapping
from enum import Enum, auto

from ..core.gate_decision import GateEvent, GateEventType


class PlayoutEffect(Enum):
    """What is done to playout."""

    PAUSE = auto()
    """It stands still, until one of the others."""
    RESUME = auto()
    """It goes on where it stopped."""
    FLUSH = auto()
    """What was not heard is forgotten."""


_EFFECTS: Mapping[GateEventType, PlayoutEffect] = {
    GateEventType.CANDIDATE_STARTED: PlayoutEffect.PAUSE,
    GateEventType.BARGE_IN_COMMITTED: PlayoutEffect.PAUSE,
    GateEventType.CANDIDATE_DROPPED: PlayoutEffect.RESUME,
    GateEventType.RESUMED: PlayoutEffect.RESUME,
    GateEventType.GATE_OPENED: PlayoutEffect.RESUME,
    GateEventType.INTERRUPTED: PlayoutEffect.FLUSH,
}


def effect_of(event: GateEvent) -> PlayoutEffect | None:
    """Return what an event does to playout; None for nothing."""
    return _EFFECTS.get(event.type)


def is_paused_after(events: Iterable[GateEvent]) -> bool:
    """Return whether playout stands still after events, if it did not before."""
    effects = [effect for event in events if (effect := effect_of(event)) is not None]
    return bool(effects) and effects[-1] is PlayoutEffect.PAUSE
