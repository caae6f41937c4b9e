"""The decisions that a caller notices, and how those of two runs of one call are matched.

A decision point is a gate event that changes what caller or provider hear: the gate closes or
opens, a candidate begins or is dropped, a barge-in is committed, interrupts or is taken back. Two
points are *the same decision* if they are of one type, for one reason, and at most
:data:`TOLERANCE_MS` apart. Of several that would fit, those at the very same time are matched
first, the others in the order of time, so that as many as can be find a partner.

Invariant: every point of either run is in exactly one of the pairs, and swapping the runs swaps
the sides of each pair, nothing else.
"""

from __future__ import annotations

__all__ = ["POINT_TYPES", "TOLERANCE_MS", "PointChange", "PointPair", "match_points"]

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...core.gate_decision import GateEvent, GateEventType

POINT_TYPES: frozenset[GateEventType] = frozenset(
    {
        GateEventType.GATE_CLOSED,
        GateEventType.GATE_OPENED,
        GateEventType.CANDIDATE_STARTED,
        GateEventType.CANDIDATE_DROPPED,
        GateEventType.BARGE_IN_COMMITTED,
        GateEventType.INTERRUPTED,
        GateEventType.RESUMED,
    }
)
"""Gate events that are decision points; the others tell what came of one, or of the line."""

TOLERANCE_MS = 100.0
"""How far apart two points may be and still be one decision: five frames. A pause or an opening
that comes so much sooner or later is below what a talker notices as delay (ITU-T G.114: 150 ms)."""


class PointChange(StrEnum):
    """What became of a decision from the first run to the second."""

    SAME = "same"
    """Of the same type, reason and time."""
    SHIFTED = "shifted"
    """The same decision, up to :data:`TOLERANCE_MS` sooner or later."""
    GONE = "gone"
    """Only the first run has it."""
    ADDED = "added"
    """Only the second run has it."""


@dataclass(frozen=True, slots=True)
class PointPair:
    """One decision as both runs have it; one side may be missing, not both."""

    first: GateEvent | None
    second: GateEvent | None

    @property
    def either(self) -> GateEvent:
        """The first run's point, or else the second's."""
        point = self.first or self.second
        if point is None:
            raise ValueError("a pair has a point on one side at least")
        return point

    @property
    def t_ms(self) -> float:
        """When it was: in the first run, or else in the second."""
        return self.either.t_ms

    @property
    def shift_ms(self) -> float:
        """How much later it comes in the second run; 0 where one side is missing."""
        if self.first is None or self.second is None:
            return 0.0
        return self.second.t_ms - self.first.t_ms

    @property
    def change(self) -> PointChange:
        """What became of it."""
        if self.first is None:
            return PointChange.ADDED
        if self.second is None:
            return PointChange.GONE
        return PointChange.SHIFTED if self.shift_ms else PointChange.SAME

    @property
    def differs(self) -> bool:
        """Only one of the runs has it."""
        return self.first is None or self.second is None


def match_points(first: Iterable[GateEvent], second: Iterable[GateEvent]) -> tuple[PointPair, ...]:
    """Return the decision points of two runs in pairs, in the order of time.

    Args:
        first: Events of one run; those that are no points are left out. A gate that takes over
            is shown what happened before, so that they need not be in the order of time.
        second: The same of the other.
    """
    kinds = _by_kind(first), _by_kind(second)
    pairs = [
        pair
        for kind in sorted(kinds[0].keys() | kinds[1].keys())
        for pair in _match_kind(kinds[0].get(kind, ()), kinds[1].get(kind, ()))
    ]
    return tuple(sorted(pairs, key=_place))


def _place(pair: PointPair) -> tuple[float, str, str]:
    times_ms = [point.t_ms for point in (pair.first, pair.second) if point is not None]
    return min(times_ms), pair.either.type, pair.either.reason


def _by_kind(events: Iterable[GateEvent]) -> dict[tuple[str, str], list[GateEvent]]:
    kinds: dict[tuple[str, str], list[GateEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.t_ms):
        if event.type in POINT_TYPES:
            kinds[event.type, event.reason].append(event)
    return kinds


def _match_kind(first: Sequence[GateEvent], second: Sequence[GateEvent]) -> Iterator[PointPair]:
    """Yield the pairs of points of one type and reason."""
    lone_first, lone_second = [], []
    for pair in _match_within(0.0, first, second):
        if pair.first is not None and pair.second is not None:
            yield pair
        elif pair.first is not None:
            lone_first.append(pair.first)
        elif pair.second is not None:
            lone_second.append(pair.second)
    yield from _match_within(TOLERANCE_MS, lone_first, lone_second)


def _match_within(
    tolerance_ms: float, first: Sequence[GateEvent], second: Sequence[GateEvent]
) -> Iterator[PointPair]:
    """Walk both runs; of two neighbours too far apart the earlier one has no partner."""
    at_first = at_second = 0
    while at_first < len(first) and at_second < len(second):
        one, other = first[at_first], second[at_second]
        if abs(one.t_ms - other.t_ms) <= tolerance_ms:
            yield PointPair(one, other)
            at_first, at_second = at_first + 1, at_second + 1
        elif one.t_ms < other.t_ms:
            yield PointPair(one, None)
            at_first += 1
        else:
            yield PointPair(None, other)
            at_second += 1
    yield from (PointPair(event, None) for event in first[at_first:])
    yield from (PointPair(None, event) for event in second[at_second:])
