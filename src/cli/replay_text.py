"""What came of a replay, for people and for programs.

Invariant: what is named as different is marked by a sign too, not by its colour alone.
"""

from __future__ import annotations

__all__ = ["ReplayReport"]

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..core.gate_decision import GateAction, GateEvent
from ..lab.call_time import call_time
from ..lab.replay import Comparison, FrameSpan, PointChange, PointPair, version_differences
from ..lab.replay.replayed_call import OPEN_LOOP
from ..lab.report.words import EVENT_WORDS, REASON_WORDS
from ..lab.shown_text import shown_text
from ..recordings import RecordedCall, RecordedDecision

_SPANS_SHOWN = 8
"""Stretches of frames that a person is shown; ``--json`` has them all."""
_MARKS = {
    PointChange.SAME: (" ", ""),
    PointChange.SHIFTED: ("~", "yellow"),
    PointChange.GONE: ("-", "red"),
    PointChange.ADDED: ("+", "green"),
}
"""Sign and colour of what became of a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """A call, and two runs of it side by side."""

    recorded: RecordedCall
    against: str | None
    """The configuration of the replay that is compared with; None: what was recorded."""
    config: str
    """The configuration of the replay."""
    is_other_config: bool
    """Something else than the recorded configuration was asked for."""
    config_changes: int = 0
    """How often it was changed during the call."""
    comparison: Comparison

    def show(self, console: Console, *, only_differences: bool) -> None:
        """Print all of it."""
        for line in self._introduction():
            console.print(Text(line))
        points = [
            pair
            for pair in self.comparison.points
            if pair.change is not PointChange.SAME or not only_differences
        ]
        if points:
            console.print(self._table(points))
        for line in self._frames():
            console.print(Text(line))
        if self.is_other_config and not self.comparison.is_identical:
            console.print(Text(f"note: {OPEN_LOOP}", style="dim"))

    def as_json(self) -> dict[str, Any]:
        """Return the same as a tree; times are in ms since the call began."""
        header, comparison = self.recorded.header, self.comparison
        return {
            "call": {
                "call_id": header.call_id,
                "started_at": header.started_at.isoformat(),
                "provider": header.provider,
                "line": header.line,
                "is_complete": self.recorded.is_complete,
                "damage": self.recorded.damage,
                "config_changes": self.config_changes,
            },
            "against": self.against,
            "config": self.config,
            "summary": str(comparison),
            "identical": comparison.is_identical,
            "inputs": comparison.inputs,
            "inputs_differ": comparison.inputs_differ,
            "outcomes_differ": comparison.outcomes_differ,
            "frames": comparison.frames,
            "frames_differ": comparison.frames_differ,
            "decisions": [self._point_json(pair) for pair in comparison.points],
            "decisions_differ": comparison.points_differ,
            "decisions_shifted": comparison.points_shifted,
            "spans": [self._span_json(span) for span in comparison.spans],
            "versions": [str(each) for each in version_differences(header)],
            "note": OPEN_LOOP if self.is_other_config else None,
        }

    def _introduction(self) -> Iterator[str]:
        header, comparison = self.recorded.header, self.comparison
        yield (
            f"call {shown_text(header.call_id)}, {header.started_at:%Y-%m-%d %H:%M:%S} UTC, line "
            f"{shown_text(header.line)}, provider {shown_text(header.provider)}"
        )
        yield f"replayed with the configuration {self.config}"
        if self.against is not None:
            yield f"compared with a replay with {self.against}"
        yield from (f"note: {each}" for each in self._gaps())
        for difference in version_differences(header):
            yield f"note: {difference}: what is measured may differ"
        if comparison.is_identical:
            so_far = "" if self.recorded.is_complete else ", as far as it is recorded"
            yield f"identical, bit for bit{so_far}: {comparison.inputs} answers of the gate"
        else:
            yield _sentence(comparison)

    def _gaps(self) -> Iterator[str]:
        """Yield what of the call is not compared, and what is not as it was."""
        if self.recorded.damage is not None:
            yield self.recorded.damage
        elif not self.recorded.is_complete:
            yield "the recording breaks off before the end of the call"
        if self.config_changes and self.is_other_config:
            times = "once" if self.config_changes == 1 else f"{self.config_changes} times"
            yield (
                f"the configuration was changed {times} during the call; here the one that it "
                "began with is turned, and holds for all of it"
            )

    def _table(self, points: list[PointPair]) -> Table:
        table = Table()
        table.add_column("")
        table.add_column("time", justify="right")
        table.add_column("decision")
        table.add_column("reason")
        table.add_column("recorded" if self.against is None else "against")
        table.add_column("replayed")
        for pair in points:
            mark, style = _MARKS[pair.change]
            table.add_row(
                mark,
                call_time(self._since_start(pair.t_ms)),
                EVENT_WORDS[pair.either.type].name,
                REASON_WORDS[pair.either.reason],
                _side(pair.first),
                _side(pair.second, pair.shift_ms),
                style=style,
            )
        return table

    def _frames(self) -> Iterator[str]:
        comparison = self.comparison
        if not comparison.frames_differ:
            return
        yield f"{comparison.frames_differ} of {comparison.frames} captured frames differ:"
        spans = [span for span in comparison.spans if span.is_other_verdict]
        for span in spans[:_SPANS_SHOWN]:
            from_ms, to_ms = self._since_start(span.from_ms), self._since_start(span.to_ms)
            yield (
                f"  {call_time(from_ms)} to {call_time(to_ms)}, {span.frames} x "
                f"{_verdict(span.first)} -> {_verdict(span.second)}"
            )
        if len(spans) > _SPANS_SHOWN:
            yield f"  and {len(spans) - _SPANS_SHOWN} more stretches; --json has them"
        alike = sum(span.frames for span in comparison.spans if not span.is_other_verdict)
        if alike:
            yield f"  and {alike} frames decided alike, of which other audio or events came"

    def _since_start(self, t_ms: float) -> float:
        return t_ms - self.recorded.header.started_ms

    def _point_json(self, pair: PointPair) -> dict[str, Any]:
        times_ms = [
            None if point is None else self._since_start(point.t_ms)
            for point in (pair.first, pair.second)
        ]
        return {
            "type": pair.either.type.value,
            "reason": pair.either.reason.value,
            "change": pair.change.value,
            "first_ms": times_ms[0],
            "second_ms": times_ms[1],
        }

    def _span_json(self, span: FrameSpan) -> dict[str, Any]:
        return {
            "from_ms": self._since_start(span.from_ms),
            "to_ms": self._since_start(span.to_ms),
            "frames": span.frames,
            "first": _verdict(span.first),
            "second": _verdict(span.second),
        }


def _sentence(comparison: Comparison) -> str:
    shifted = comparison.points_shifted
    verb = "comes" if shifted == 1 else "come"
    more = f", {shifted} more {verb} sooner or later" if shifted else ""
    if comparison.outcomes_differ == 0:
        more += f"; {comparison.inputs_differ} answers are alike but for their measurements"
    elif comparison.frames_differ == 0:
        more += f"; {comparison.outcomes_differ} answers between the frames differ"
    return f"{comparison}{more}"


def _side(point: GateEvent | None, shift_ms: float = 0.0) -> str:
    if point is None:
        return "no"
    if not shift_ms:
        return "yes"
    return f"{abs(shift_ms):.0f} ms {'later' if shift_ms > 0 else 'sooner'}"


def _verdict(decision: RecordedDecision) -> str:
    action = "let through" if decision.action is GateAction.FORWARD else "kept back"
    return f"{action} ({REASON_WORDS[decision.reason]}, gate {_words(decision.state)})"


def _words(name: str) -> str:
    return str(name).replace("_", " ")
