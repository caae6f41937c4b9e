"""Two runs of one call side by side: which frames were decided otherwise, and which decisions.

Invariant: both runs are of the same inputs in the same order; what is compared is what the gate
made of each.
"""

from __future__ import annotations

__all__ = ["Comparison", "FrameSpan", "RunDecision", "compare_runs"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from ...core.gate_decision import GateEvent
from ...recordings import RecordedDecision
from .decision_points import PointPair, match_points

_SPANS_KEPT = 2000
"""Stretches of frames decided otherwise that are listed; all are counted."""


@dataclass(frozen=True, slots=True)
class RunDecision:
    """What a gate made of one input, in one run of a call."""

    t_ms: float
    """``now_ms`` of the input."""
    is_frame: bool
    """The input was a captured chunk; else a slot went by, or the provider said something."""
    decision: RecordedDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSpan:
    """Captured chunks one after the other that both runs decided about, but not alike."""

    from_ms: float
    to_ms: float
    """When the first and the last of them came."""
    frames: int
    first: RecordedDecision
    second: RecordedDecision
    """What either run made of the first of them."""

    @property
    def is_other_verdict(self) -> bool:
        """Action, state or reason differ; else only what went out does, or what was told of it."""
        return _verdict(self.first) != _verdict(self.second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two runs of one call."""

    inputs: int
    """Inputs that the gate decided about: captured chunks, slots, words of the provider."""
    inputs_differ: int
    """Those with a difference of any kind, to the last bit of what was measured."""
    outcomes_differ: int
    """Those of which something else became: action, state, reason, events, or what went out."""
    frames: int
    """The captured chunks among the inputs."""
    frames_differ: int
    """Those of them of which something else became."""
    spans: tuple[FrameSpan, ...]
    """Those chunks in stretches, at most 2000 of them."""
    points: tuple[PointPair, ...]
    """The decision points of both runs."""

    @property
    def is_identical(self) -> bool:
        """Nothing differs, bit for bit."""
        return self.inputs_differ == 0

    @property
    def points_differ(self) -> int:
        """Decision points that only one of the runs has."""
        return sum(pair.differs for pair in self.points)

    @property
    def points_shifted(self) -> int:
        """Decision points that both have, at another time."""
        return sum(bool(pair.shift_ms) for pair in self.points)

    def __str__(self) -> str:
        """Return ``2 of 14 decisions differ``."""
        if not self.points:
            return "there was nothing to decide"
        verb = "differs" if self.points_differ == 1 else "differ"
        return f"{self.points_differ} of {len(self.points)} decisions {verb}"


def compare_runs(first: Iterable[RunDecision], second: Iterable[RunDecision]) -> Comparison:
    """Compare two runs of one call, each in the order of its inputs.

    A run that is longer than the other one differs in all that the other lacks.
    """
    counts = _Counts()
    spans = _Spans()
    events: tuple[list[GateEvent], list[GateEvent]] = [], []
    for one, other in zip_longest(first, second):
        for side, run in zip(events, (one, other), strict=True):
            side.extend(run.decision.events if run else ())
        counts.take(one, other, spans)
    return Comparison(
        inputs=counts.inputs,
        inputs_differ=counts.inputs_differ,
        outcomes_differ=counts.outcomes_differ,
        frames=counts.frames,
        frames_differ=counts.frames_differ,
        spans=tuple(spans.closed()),
        points=match_points(*events),
    )


class _Counts:
    """How many inputs there were, and of how many something else became."""

    def __init__(self) -> None:
        self.inputs = self.inputs_differ = self.outcomes_differ = 0
        self.frames = self.frames_differ = 0

    def take(self, one: RunDecision | None, other: RunDecision | None, spans: _Spans) -> None:
        """Take what both runs made of an input, which the shorter one may lack."""
        is_frame = any(run.is_frame for run in (one, other) if run is not None)
        self.inputs += 1
        self.frames += is_frame
        if one is not None and other is not None and one.decision == other.decision:
            return
        self.inputs_differ += 1
        if one is None or other is None:
            self.outcomes_differ += 1
            self.frames_differ += is_frame
        elif _outcome(one.decision) != _outcome(other.decision):
            self.outcomes_differ += 1
            self.frames_differ += is_frame
            if is_frame:
                spans.take(self.frames, one, other)


def _outcome(decision: RecordedDecision) -> tuple[object, ...]:
    """Return what became of a chunk, apart from what was measured on it."""
    return (*_verdict(decision), decision.n_released, decision.events, decision.audio_digest)


def _verdict(decision: RecordedDecision) -> tuple[object, ...]:
    return decision.action, decision.state, decision.reason


class _Spans:
    """Joins chunks that follow each other and differ in the same way."""

    def __init__(self) -> None:
        self._closed: list[FrameSpan] = []
        self._open: FrameSpan | None = None
        self._last = 0
        """Number of the last chunk taken."""

    def take(self, number: int, one: RunDecision, other: RunDecision) -> None:
        """Take a chunk that differs, by its number among the chunks."""
        span, follows = self._open, number == self._last + 1
        self._last = number
        if span is not None and follows and _is_alike(span, one.decision, other.decision):
            self._open = replace(span, to_ms=one.t_ms, frames=span.frames + 1)
            return
        self._close()
        self._open = FrameSpan(
            from_ms=one.t_ms,
            to_ms=one.t_ms,
            frames=1,
            first=one.decision,
            second=other.decision,
        )

    def closed(self) -> Sequence[FrameSpan]:
        """Return all stretches; nothing can be taken any more."""
        self._close()
        return self._closed

    def _close(self) -> None:
        if self._open is not None and len(self._closed) < _SPANS_KEPT:
            self._closed.append(self._open)


def _is_alike(span: FrameSpan, one: RecordedDecision, other: RecordedDecision) -> bool:
    return _verdict(span.first) == _verdict(one) and _verdict(span.second) == _verdict(other)
