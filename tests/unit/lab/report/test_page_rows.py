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
from voxgate.lab.report.page_rows import (
    config_texts,
    happened_rows,
    heard_marks,
    marks,
    moment_rows,
)
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


def event(t_ms: float, name: str = "provider.ready", **fields: str | int | None) -> CallEvent:
    return CallEvent(now_ms=START_MS + t_ms, name=name, fields=fields)


def test_what_else_happened_is_told_with_its_fields() -> None:
    """Yes and no for people, times as those of the call, nothing where nothing is known."""
    told = event(1500.0, code=None, n=2, again=True, capture_ms=START_MS + 900.0)  # type: ignore[arg-type]
    (row,) = happened_rows([told], START_MS)
    assert (row.seconds, row.time) == (1.5, "0:01.50")
    assert (row.name, row.details) == ("provider.ready", "n: 2, again: yes, capture_ms: 0:00.90")


def test_what_is_said_again_and_again_is_one_row() -> None:
    """As a provider's words, as they come; something else between them parts them."""
    words = [event(n * 100.0, "provider.transcribed", item="a") for n in range(5)]
    rows = happened_rows([*words, event(600.0), event(700.0, "provider.transcribed")], START_MS)
    assert [(row.name, row.details) for row in rows] == [
        ("provider.transcribed", "5 times until 0:00.40; item: a"),
        ("provider.ready", ""),
        ("provider.transcribed", ""),
    ]


def test_the_table_of_what_else_happened_has_an_end() -> None:
    """However much did."""
    names = (event(float(n), f"provider.{n % 2}") for n in range(5000))
    assert len(happened_rows(names, START_MS)) == 2000


def test_where_the_provider_hears_the_caller_is_marked() -> None:
    """As it is what a turn begins with."""
    heard = [event(t_ms, "provider.caller_speech_started") for t_ms in (1000.0, 2000.0)]
    drawn = heard_marks(data(), [heard[0], event(1500.0), heard[1]])
    assert [mark.left for mark in drawn] == pytest.approx(
        [100 * t_ms / data().duration_ms for t_ms in (1000, 2000)], abs=0.001
    )
    assert drawn[0].title == "0:01.00 the provider hears the caller"


def test_configurations_are_told_once_and_by_what_differs() -> None:
    """With the defaults beside it, and all of it as a file would have it."""
    turned = GatingConfig(barge_in=BargeInConfig(min_ms=200))
    first, second = config_texts([(0.0, GatingConfig()), (5.0, GatingConfig()), (900.0, turned)])
    assert (first.since, first.changed) == ("from the start", ())
    assert second.since == "from 0:00.9"
    (change,) = second.changed
    assert (change.key, change.value, change.default) == ("barge_in.min_ms", "200", "140")
    assert "min_ms: 200" in second.text
