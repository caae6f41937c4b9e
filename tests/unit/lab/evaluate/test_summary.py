"""Verdicts added up."""

from __future__ import annotations

import pytest

from support.verdicts import evaluated_row
from voxgate.lab.evaluate.judge import AudioShare
from voxgate.lab.evaluate.summary import Delays, Latency, Share, figures_by_tag, figures_of
from voxgate.lab.evaluate.turns import TurnVerdict

_QUIET = TurnVerdict(judged=(0, 30_000), onset_ms=None)
_MISSED = TurnVerdict(judged=(0, 6000), onset_ms=2000)


def right(latency_ms: float, pause_latency_ms: float = 0.0) -> TurnVerdict:
    return TurnVerdict(
        judged=(0, 6000),
        onset_ms=2000,
        right_ms=2000 + latency_ms,
        right_pause_ms=2000 + pause_latency_ms,
    )


def wrong(*times_ms: float, needless_ms: tuple[float, ...] = ()) -> TurnVerdict:
    return TurnVerdict(
        judged=(0, 12_000), onset_ms=None, false_ms=times_ms, needless_pause_ms=needless_ms
    )


def test_recall_is_right_barge_ins_of_all_interruptions() -> None:
    """Turns without an interruption count for nothing in it."""
    figures = figures_of([evaluated_row(right(100), _MISSED, _QUIET), evaluated_row(right(200))])
    assert figures.recall == Share(2, 3)
    assert figures.agent_turns == 4


def test_false_barge_ins_are_counted_by_turn_and_by_minute() -> None:
    """Three in one turn are one turn; each counts in the rate."""
    figures = figures_of([evaluated_row(wrong(1, 2, 3), _QUIET, _MISSED, wrong())])
    assert figures.false_barge_ins.turns == Share(1, 4)
    assert figures.false_barge_ins.count == 3
    assert figures.agent_minutes == 1.0
    assert figures.false_barge_ins.per_agent_minute == 3.0


def test_needless_pauses_are_counted_apart() -> None:
    """A pause need not have become a barge-in."""
    figures = figures_of([evaluated_row(wrong(needless_ms=(1, 2)), wrong(5, needless_ms=(4,)))])
    assert figures.needless_pauses.turns == Share(2, 2)
    assert figures.needless_pauses.count == 3
    assert figures.false_barge_ins.count == 1


def test_needless_pauses_delay_the_agent() -> None:
    """In all, a minute of agent speech, and at a time."""
    turn = TurnVerdict(
        judged=(0, 12_000),
        onset_ms=None,
        needless_pause_ms=(1, 2, 3),
        needless_delays_ms=(100, 300),
    )
    delays = figures_of([evaluated_row(turn, _MISSED), evaluated_row(_MISSED)]).needless_delays
    assert delays == Delays(count=2, total_ms=400.0, p50_ms=200.0, per_agent_minute_ms=1000.0)
    assert figures_of([]).needless_delays.per_agent_minute_ms is None


def test_latencies_are_those_of_right_barge_ins() -> None:
    """Percentiles with linear interpolation between neighbours."""
    turns = [right(latency, latency / 2) for latency in (100, 200, 300)]
    figures = figures_of([evaluated_row(*turns, _MISSED)])
    assert figures.open_latency == Latency(count=3, p50_ms=200.0, p95_ms=290.0)
    assert figures.pause_latency == Latency(count=3, p50_ms=100.0, p95_ms=145.0)


def test_audio_is_added_by_ms() -> None:
    """Each share from its own verdict."""
    figures = figures_of([evaluated_row(), evaluated_row(speech_lost=AudioShare(9, 900))])
    assert figures.speech_lost == AudioShare(10, 1000)
    assert figures.speech_lost_over_agent == AudioShare(4, 200)
    assert figures.speech_lost_in_barge_ins == AudioShare(12, 200)
    assert figures.non_speech_forwarded == AudioShare(6, 200)
    assert figures.idle_forwarded == AudioShare(8, 200)
    assert figures.echo_forwarded == AudioShare(10, 200)
    assert figures.duration_ms == 120_000


def test_a_provider_that_is_not_gated_is_counted_and_judged_by_nothing() -> None:
    """There is no gate that could be right or wrong."""
    figures = figures_of([evaluated_row(right(100)), evaluated_row(_MISSED, is_gated=False)])
    assert (figures.rows, figures.rows_passed_through) == (2, 1)
    assert figures.recall == Share(1, 1)
    assert figures.speech_lost == AudioShare(1, 100)
    assert figures.duration_ms == 60_000


def test_a_figure_of_nothing_is_none() -> None:
    """Not zero, which would look like a result."""
    figures = figures_of([])
    assert figures.recall.percent is None
    assert figures.recall.wilson_95_percent is None
    assert figures.open_latency == Latency(count=0, p50_ms=None, p95_ms=None)
    assert figures.false_barge_ins.per_agent_minute is None
    assert figures.speech_lost.percent is None


def test_a_share_has_its_interval_in_percent() -> None:
    """As wide as so few trials are worth."""
    share = Share(5, 10)
    assert share.percent == 50.0
    assert share.wilson_95_percent == pytest.approx((23.66, 76.34), abs=0.01)


def test_stray_barge_ins_are_added_up() -> None:
    """They are neither right nor false."""
    stray = TurnVerdict(judged=(0, 6000), onset_ms=2000, stray_ms=(5000, 5500))
    figures = figures_of([evaluated_row(stray, barge_ins=3), evaluated_row(stray, barge_ins=2)])
    assert figures.stray_barge_ins == 4
    assert figures.barge_ins == 5


def test_figures_are_given_for_each_value_of_each_tag() -> None:
    """Tags by name; values that are numbers by size, and others after them."""
    rows = [
        evaluated_row(right(100), tags={"erl": "24", "path": "hybrid"}),
        evaluated_row(_MISSED, tags={"erl": "6"}),
        evaluated_row(right(100), tags={"erl": "none", "path": "hybrid"}),
        evaluated_row(_MISSED, tags={"erl": "-6.5"}),
        evaluated_row(_MISSED, tags={"erl": "100"}),
        evaluated_row(right(200), tags={}),
    ]
    figures = figures_by_tag(rows)
    assert list(figures) == ["erl", "path"]
    assert list(figures["erl"]) == ["-6.5", "6", "24", "100", "none"]
    assert figures["path"]["hybrid"].recall == Share(2, 2)
    assert figures["erl"]["6"].recall == Share(0, 1)
