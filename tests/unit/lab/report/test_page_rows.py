"""The rows of a report's tables."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from support.taped_calls import START_MS, eventful_call
from voxgate.core.config import BargeInConfig, GatingConfig
from voxgate.core.gate_decision import GateEventType, GateMeasurements
from voxgate.lab.replay.decision_points import POINT_TYPES
from voxgate.lab.report import page_rows as module
from voxgate.lab.report.call_data import CallData, gather_call
from voxgate.lab.report.page_rows import config_texts, happened_rows, marks, moment_rows
from voxgate.recordings import CallEvent


@cache
def data() -> CallData:
    return gather_call(eventful_call())  # type: ignore[arg-type]


def test_every_moment_has_a_row_with_its_reason() -> None:
    """What is no decision is marked as minor."""
    rows = moment_rows(data())
    assert len(rows) == len(data().moments)
    for row, moment in zip(rows, data().moments, strict=True):
        assert row.seconds == pytest.approx(moment.t_ms / 1000, abs=0.001)
        assert row.is_minor == (moment.event.type not in POINT_TYPES)
        assert row.name
        assert row.meaning
        assert row.reason


def test_a_barge_in_shows_what_was_measured() -> None:
    """The evidence and since when, the echo, the levels."""
    rows = {row.name: row for row in reversed(moment_rows(data()))}
    measured = rows["barge-in"].measured
    assert "log odds of the caller +" in measured
    assert "ms since 0:0" in measured
    assert "dBFS" in measured
    assert "frames (" in rows["onset released"].measured


def test_what_was_not_measured_is_not_shown() -> None:
    """Without a detector that knows the echo, voice activity is."""
    moment = next(m for m in data().moments if m.event.type is GateEventType.CANDIDATE_STARTED)
    bare = GateMeasurements(capture_rms=328.0, vad_confidence=0.8, agent_audible=True)
    told = replace(moment, measurements=bare, event=replace(moment.event, detail="half_duplex"))
    (row,) = moment_rows(replace(data(), moments=(told,)))
    assert row.measured == "half duplex, voice activity 0.8, capture -40 dBFS"


def test_a_table_has_an_end_and_decisions_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows from them, and summaries, are left out before them."""
    monkeypatch.setattr(module, "MAX_ROWS", 14)
    rows = moment_rows(data())
    assert len(rows) == 14
    assert sum(not row.is_minor for row in rows) == 12
    monkeypatch.setattr(module, "MAX_ROWS", 5)
    assert [row.is_minor for row in moment_rows(data())] == [False] * 5


def test_marks_are_where_the_decisions_are() -> None:
    """In percent of the call; that the gate opens and closes is no mark."""
    rows = moment_rows(data())
    drawn = marks(data(), rows)
    assert {mark.kind for mark in drawn} == {"candidate", "barge_in", "interrupted", "undone"}
    assert all(0 < mark.left < 100 for mark in drawn)
    interrupted = next(mark for mark in drawn if mark.kind == "interrupted")
    at_ms = next(m.t_ms for m in data().moments if m.event.type is GateEventType.INTERRUPTED)
    assert interrupted.left == pytest.approx(100 * at_ms / data().duration_ms, abs=0.01)


def test_what_else_happened_is_told_with_its_fields() -> None:
    """As far as the table goes."""
    event = CallEvent(
        now_ms=START_MS + 1500.0, name="provider.ready", fields={"code": None, "n": 2}
    )
    (row,) = happened_rows([event], START_MS)
    assert (row.seconds, row.time) == (1.5, "0:01.50")
    assert (row.name, row.details) == ("provider.ready", "code: None, n: 2")
    assert len(happened_rows([event] * 3000, START_MS)) == 2000


def test_configurations_are_told_once_and_by_what_differs() -> None:
    """With the defaults beside it, and all of it as a file would have it."""
    turned = GatingConfig(barge_in=BargeInConfig(min_ms=200))
    first, second = config_texts([(0.0, GatingConfig()), (5.0, GatingConfig()), (900.0, turned)])
    assert (first.since, first.changed) == ("from the start", ())
    assert second.since == "from 0:00.9"
    (change,) = second.changed
    assert (change.key, change.value, change.default) == ("barge_in.min_ms", "200", "140")
    assert "min_ms: 200" in second.text
