"""What a report counts: how the call went, and what became of the caller's audio."""

from __future__ import annotations

__all__ = ["Figure", "ReasonRow", "call_figures", "counter_rows", "reason_rows"]

from collections.abc import Iterator
from dataclasses import dataclass, fields

from ...core.audio import FRAME_MS
from ...core.call_stats import CallStats
from ...core.gate_decision import GateAction, GateEventType, GateState
from ..call_time import call_time
from .call_data import STATES, CallData
from .words import REASON_WORDS

_E = GateEventType
_LONG_S = 100.0
"""From here on a length is told in minutes and seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a call."""

    value: str
    name: str
    meaning: str = ""
    is_alarming: bool = False
    """An operator should look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRow:
    """What became of some of the caller's audio, and why."""

    action: GateAction
    reason: str
    seconds: float
    share: float
    """Of all captured audio, 0..1."""


def call_figures(data: CallData) -> tuple[Figure, ...]:
    """Return the numbers that tell how a call went, the most telling first."""
    counts = dict.fromkeys(_E, 0)
    for moment in data.moments:
        counts[moment.event.type] += 1
    alarms = tuple(_alarms(data, counts[_E.DETECTOR_DEGRADED]))
    if not data.is_gated:
        return (*_ungated_figures(data, counts[_E.INTERRUPTED]), *alarms)
    closed_ms = FRAME_MS * int((data.slots.state == STATES.index(GateState.CLOSED)).sum())
    figures = [
        Figure(
            value=str(counts[_E.INTERRUPTED]),
            name="interruptions",
            meaning="The caller took the turn from the agent.",
        ),
        Figure(
            value=str(counts[_E.CANDIDATE_DROPPED] + counts[_E.RESUMED]),
            name="pauses for nothing",
            meaning=f"The agent stopped and went on: {counts[_E.CANDIDATE_DROPPED]} candidates "
            f"dropped, {counts[_E.RESUMED]} barge-ins not confirmed.",
        ),
        Figure(
            value=_length(_sent_s(data)),
            name="heard by the provider",
            meaning=f"Of {_length(_captured_s(data))} that the line delivered; silence went out in "
            "place of the rest.",
        ),
        Figure(
            value=_length(closed_ms / 1000),
            name="gate closed",
            meaning="The agent was audible, its echo was kept back.",
        ),
    ]
    return (*figures, *alarms)


def _ungated_figures(data: CallData, times_heard: int) -> tuple[Figure, ...]:
    return (
        Figure(
            value=str(times_heard),
            name="times the caller was heard",
            meaning="The provider said that the caller speaks.",
        ),
        Figure(
            value=_length(_sent_s(data)),
            name="passed to the provider",
            meaning="All that the line delivered, as it came.",
        ),
    )


def _alarms(data: CallData, lost_detectors: int) -> Iterator[Figure]:
    """Yield the numbers that should be 0, where they are not."""
    end = data.end
    stats = None if end is None else end.gate
    for value, name, meaning in (
        (lost_detectors, "detectors lost", "A simpler one served the rest of the call."),
        (
            0 if stats is None else stats.malformed_chunks,
            "malformed chunks",
            "The line delivered what was not audio of its format.",
        ),
        (
            0 if end is None else end.playout_underruns,
            "playout underruns",
            "The agent fell silent within a sentence.",
        ),
        (
            0 if end is None else end.skipped_slots,
            "skipped slots",
            "Slots of 20 ms in which nothing could be sent in time.",
        ),
    ):
        if value:
            yield Figure(value=str(value), name=name, meaning=meaning, is_alarming=True)


def reason_rows(data: CallData) -> tuple[ReasonRow, ...]:
    """Return what became of the captured audio, most of it first."""
    total_ms = max(1.0, sum(data.reasons.values()))
    return tuple(
        ReasonRow(
            action=action,
            reason=REASON_WORDS[reason],
            seconds=length_ms / 1000,
            share=length_ms / total_ms,
        )
        for (action, reason), length_ms in sorted(data.reasons.items(), key=lambda item: -item[1])
    )


def counter_rows(stats: CallStats | None) -> tuple[tuple[str, int], ...]:
    """Return the gate's counters by their names, those that are 0 left out."""
    if stats is None:
        return ()
    counts = ((field.name, getattr(stats, field.name)) for field in fields(stats))
    return tuple((name.replace("_", " "), count) for name, count in counts if count)


def _captured_s(data: CallData) -> float:
    return sum(data.reasons.values()) / 1000


def _sent_s(data: CallData) -> float:
    forwarded_ms = sum(
        length_ms for (action, _), length_ms in data.reasons.items() if action is GateAction.FORWARD
    )
    return (forwarded_ms + data.released * FRAME_MS) / 1000


def _length(seconds: float) -> str:
    """Return a length in seconds, or in minutes where that reads better."""
    return f"{seconds:.1f} s" if seconds < _LONG_S else f"{call_time(1000 * seconds, digits=0)} min"
