"""What mistakes of the gate cost, so that settings can be compared by one number.

The unit is one false barge-in. Invariant: a cost is a sum over calls, and never below zero but for
latencies of found labels, whose onsets may be late.
"""

from __future__ import annotations

__all__ = ["WEIGHT_MEANINGS", "Weights", "cost_of"]

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite

from .measures import CallMeasures


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What one of each costs; the operator may set them.

    Raises:
        ValueError: a weight is below zero, or not finite.
    """

    false: float = 1.0
    """An agent turn in which the gate opened without the caller: the unit."""
    missed: float = 1.0
    """An interruption that was not let in within a second: the caller says it again, as the agent
    does after a false one."""
    late: float = 0.5
    """A second between the caller's onset and the opening of the gate: up to half a miss, so that
    late is always better than never."""
    lost: float = 0.5
    """A second of caller speech that never reached the provider: two of them are a phrase, which
    has to be said again."""
    pause: float = 0.25
    """A second by which needless pauses delay the agent, who goes on afterwards: a gap of four
    seconds is as bad as being cut off."""
    echo: float = 0.25
    """A second of the agent's own sound that reached the provider, who may take it for words of the
    caller: less bad than lost words, as most of it is no turn."""
    noise: float = 0.05
    """A second of other sound that reached the provider, who mostly knows it for what it is: it
    costs money, and a turn now and then."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isfinite(value) and value >= 0.0):
                raise ValueError(f"{field.name}: {value} is no weight: it is below 0 or not finite")


WEIGHT_MEANINGS: Mapping[str, str] = {
    "false": "false barge-in, by agent turn",
    "missed": "interruption not let in within 1 s",
    "late": "second from onset to open",
    "lost": "second of caller speech lost",
    "pause": "second of needless pause",
    "echo": "second of the agent's echo let through",
    "noise": "second of other sound let through",
}
"""What each weight is for, in a few words."""


def cost_of(measures: CallMeasures, weights: Weights) -> float:
    """Return what a gate's mistakes cost, in false barge-ins."""
    seconds = 0.001
    return (
        weights.false * measures.false_turns
        + weights.missed * (measures.interruptions - measures.right)
        + weights.late * seconds * sum(measures.latencies_ms)
        + weights.lost * seconds * measures.lost_ms
        + weights.pause * seconds * measures.pause_ms
        + weights.echo * seconds * measures.echo_ms
        + weights.noise * seconds * measures.noise_ms
    )
