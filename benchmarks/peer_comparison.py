"""What voxgate and its peers came to, and what of it was promised.

Invariant: pure; what others disturbed has no result, and is never taken for one.
"""

from __future__ import annotations

__all__ = [
    "CONDITIONS_DB",
    "FULL_CORE",
    "Comparison",
    "Promise",
    "full_core_calls",
    "held_calls",
    "promises",
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voxgate.lab.load import LATE_MS, LoadFigures, engine_limits, rig_limits

CONDITIONS_DB: tuple[float | None, ...] = (None, 12.0, 30.0)
"""Echo return loss of the telephones; None: no echo."""
FULL_CORE = 0.97
"""Share of a core from which it counts as full."""


@dataclass(slots=True)
class Comparison:
    """What was measured."""

    alike: dict[str, dict[float | None, LoadFigures]] = field(default_factory=dict)
    """The same few calls, by peer and echo return loss."""
    ramps: dict[str, list[LoadFigures]] = field(default_factory=dict)
    """More and more calls, by peer."""

    @property
    def steps(self) -> list[LoadFigures]:
        """All that was measured."""
        alike = [step for by in self.alike.values() for step in by.values()]
        return alike + [step for ramp in self.ramps.values() for step in ramp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """How many times another's calls a core holds, and how many times it ought to."""

    ours: str
    theirs: str
    at_least: float | None
    """None: told, and not judged."""
    times: float | None
    """None: no result."""

    @property
    def is_missed(self) -> bool:
        """It was measured, and is not held."""
        return self.times is not None and self.at_least is not None and self.times < self.at_least


def full_core_calls(ramp: Sequence[LoadFigures]) -> float | None:
    """Return how many calls fill a core, by what they cost at the last step that did not.

    None: at that step others had the core, or callers and server were the limit.
    """
    below = [step for step in ramp if step.core_share is not None and step.core_share < FULL_CORE]
    if not below or rig_limits(below[-1]):
        return None
    share = below[-1].core_share
    return below[-1].calls / share if share else None


def held_calls(ramp: Sequence[LoadFigures], *, may_be_late: bool) -> int:
    """Return the most calls that were held: nothing lost, the core not full, frames in time.

    Args:
        ramp: The steps.
        may_be_late: Whether lateness does not count: of an engine that is late by design.
    """
    held = 0
    for step in ramp:
        limits = engine_limits(step)
        late = step.line_to_provider.p99_ms
        n_late = int(may_be_late and late is not None and late > LATE_MS)
        if len(limits) > n_late:
            break
        held = step.calls
    return held


def promises(ramps: Mapping[str, Sequence[LoadFigures]]) -> list[Promise]:
    """Return what a core holds, against the others."""
    calls = {name: full_core_calls(ramp) for name, ramp in ramps.items()}

    def promise(ours: str, theirs: str, at_least: float | None) -> Promise:
        our, their = calls.get(ours), calls.get(theirs)
        times = None if our is None or their is None else our / their
        return Promise(ours=ours, theirs=theirs, at_least=at_least, times=times)

    return [
        promise("voxgate vad", "Pipecat", 2.0),
        promise("voxgate vad", "Pipecat, Silero", 5.0),
        promise("voxgate echo_aware", "Pipecat, Silero", 5.0),
        promise("voxgate echo_aware", "Pipecat", None),
    ]
