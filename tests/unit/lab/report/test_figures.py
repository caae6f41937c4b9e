"""What a report counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.taped_calls import eventful_call, taped_call
from voxgate.core.call_stats import CallStats
from voxgate.core.gate_decision import GateAction, GateReason
from voxgate.lab.report.call_data import gather_call
from voxgate.lab.report.figures import call_figures, counter_rows, reason_rows
from voxgate.recordings import RecordedEnd


def test_a_call_is_told_in_four_numbers() -> None:
    """How often the caller interrupted, how often the agent stopped for nothing, what was heard,
    and how long the gate was closed."""
    data = gather_call(eventful_call())  # type: ignore[arg-type]
    figures = {figure.name: figure for figure in call_figures(data)}
    assert list(figures) == [
        "interruptions",
        "pauses for nothing",
        "heard by the provider",
        "gate closed",
    ]
    assert figures["interruptions"].value == "1"
    assert figures["pauses for nothing"].value == "2"
    assert (
        "1 candidates dropped, 1 barge-ins not confirmed" in figures["pauses for nothing"].meaning
    )
    forwarded = sum(n for (action, _), n in data.reasons.items() if action is GateAction.FORWARD)
    heard_s = (forwarded + 20 * data.released) / 1000
    assert figures["heard by the provider"].value == f"{heard_s:.1f} s"
    assert not any(figure.is_alarming for figure in figures.values())


def test_a_long_call_is_told_in_minutes() -> None:
    """A thousand seconds are no length for people."""
    data = gather_call(eventful_call())  # type: ignore[arg-type]
    long = {(GateAction.FORWARD, GateReason.CALLER_SPEECH): 1_000_000.0}
    figures = {figure.name: figure for figure in call_figures(replace(data, reasons=long))}
    heard = figures["heard by the provider"]
    assert heard.value == "16:41 min"
    assert heard.meaning.startswith("Of 16:40 min that")


def test_what_should_be_none_is_told_where_it_is_not() -> None:
    """Each in its own figure."""
    data = gather_call(eventful_call())  # type: ignore[arg-type]
    end = RecordedEnd(
        reason="caller_hangup",
        duration_ms=1.0,
        provider="a",
        playout_underruns=3,
        skipped_slots=2,
        gate=CallStats(malformed_chunks=7),
    )
    alarms = [figure for figure in call_figures(replace(data, end=end)) if figure.is_alarming]
    assert [(alarm.name, alarm.value) for alarm in alarms] == [
        ("malformed chunks", "7"),
        ("playout underruns", "3"),
        ("skipped slots", "2"),
    ]


def test_reasons_share_all_of_the_audio() -> None:
    """Most of it first."""
    rows = reason_rows(gather_call(eventful_call()))  # type: ignore[arg-type]
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert [row.seconds for row in rows] == sorted((row.seconds for row in rows), reverse=True)
    assert reason_rows(gather_call(taped_call(lambda call: None))) == ()  # type: ignore[arg-type]


def test_counters_have_their_names_and_none_is_0() -> None:
    """A call that was not gated has none."""
    assert counter_rows(CallStats(captured_frames=5, barge_ins=2)) == (
        ("captured frames", 5),
        ("barge ins", 2),
    )
    assert counter_rows(None) == ()


def test_a_call_that_nobody_judges_is_told_in_two_numbers() -> None:
    """None of them claims a gate, or that anything was kept back."""
    data = gather_call(eventful_call())  # type: ignore[arg-type]
    figures = call_figures(replace(data, is_gated=False))
    assert [figure.name for figure in figures[:2]] == [
        "times the caller was heard",
        "passed to the provider",
    ]
    assert not any("kept back" in f.meaning or "silence" in f.meaning for f in figures[:2])
