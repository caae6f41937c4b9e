"""Turns that a server found, judged by those that the caller took."""

from __future__ import annotations

import pytest

from voxgate.lab.guard_bench.server_turns import (
    CallerTurn,
    HeardTurns,
    ServerWord,
    TurnVerdict,
    caller_turns,
    judge_turns,
    onset_ms,
)

SILENCE_MS = 500.0
LINE_MS = 10_000.0


def words(*times: float) -> list[ServerWord]:
    """Return starts and stops in turn."""
    return [ServerWord(t_ms, is_start=number % 2 == 0) for number, t_ms in enumerate(times)]


def judged(*times: float, speech: tuple[tuple[float, float], ...] = ((2000, 4000),)) -> HeardTurns:
    turns = caller_turns(speech, LINE_MS, SILENCE_MS)
    return judge_turns(turns, words(*times), LINE_MS, SILENCE_MS)


def only(heard: HeardTurns) -> TurnVerdict:
    (verdict,) = (verdict for verdict, count in heard.turns.items() if count)
    return verdict


def test_pauses_shorter_than_the_silence_are_within_a_turn() -> None:
    """480 ms are, 500 ms are not; the turn's speech is without them."""
    first, second = caller_turns([(1000, 1400), (1880, 2000), (2500, 2900)], LINE_MS, SILENCE_MS)
    assert (first.start_ms, first.end_ms, first.speech_ms) == (1000, 2000, 520)
    assert (first.until_ms, first.silent_before_ms) == (2500, 1000)
    assert (second.start_ms, second.until_ms, second.silent_before_ms) == (2500, LINE_MS, 500)


@pytest.mark.parametrize(
    ("times", "verdict"),
    [
        ((2100, 4500), TurnVerdict.IN_TIME),
        ((2100, 4800), TurnVerdict.IN_TIME),
        ((2100, 4820), TurnVerdict.LATE),
        ((2100,), TurnVerdict.OPEN),
        ((500,), TurnVerdict.OPEN),
        ((), TurnVerdict.UNHEARD),
        ((500, 1200), TurnVerdict.UNHEARD),
        ((4200, 4700), TurnVerdict.IN_TIME),
        ((4600, 5200), TurnVerdict.UNHEARD),
        ((2100, 3900), TurnVerdict.IN_TIME),
        ((2100, 4500, 4700), TurnVerdict.IN_TIME),
    ],
)
def test_a_turn_is_judged_by_its_first_stop(times: tuple[float, ...], verdict: TurnVerdict) -> None:
    """In time within 800 ms of the caller's end, whatever else the server hears afterwards."""
    assert only(judged(*times)) is verdict


def test_how_late_a_stop_was_is_kept() -> None:
    """Also of those in time; a turn that was over before the caller was has none."""
    assert judged(2100, 4520).stop_delays_ms == [520]
    assert judged(2100, 6000).stop_delays_ms == [2000]
    assert judged(2100, 3900).stop_delays_ms == []


def test_a_turn_cut_in_two_is_counted() -> None:
    """The server took the caller for silent while they spoke."""
    assert judged(2100, 3000, 3100, 4500).split == 1
    assert judged(2100, 4500).split == 0


def test_what_cannot_be_told_is_not_judged() -> None:
    """A caller who goes on within 800 ms, a line that ends, a click of the tongue."""
    assert judged(2100, 6500, speech=((2000, 4000), (4700, 6000))).judged == 1
    assert judged(2100, speech=((2000, LINE_MS - 700),)).judged == 0
    assert judged(2100, speech=((2000, 2180),)).judged == 0


def test_starts_of_nobody_are_counted_by_the_minute() -> None:
    """Those near the caller's speech are the caller's, those elsewhere nobody's."""
    heard = judged(500, 1100, 2050, 4500, 6000, 7000)
    assert heard.false_starts == 2
    assert heard.idle_ms == LINE_MS - 2000 - 60 - 500
    assert heard.false_starts_per_minute == pytest.approx(2 / (7440 / 60_000))
    assert HeardTurns().false_starts_per_minute is None


def test_onsets_count_from_rest_only() -> None:
    """Not while the server is in a turn, and not soon after the last words."""
    turn = CallerTurn(
        start_ms=2000, end_ms=4000, speech_ms=2000, until_ms=LINE_MS, silent_before_ms=2000
    )
    assert onset_ms(turn, words(2100, 4500)) == 100
    assert onset_ms(turn, words(1950, 4500)) == -50
    assert onset_ms(turn, words(1000)) is None
    assert onset_ms(turn, words(3100)) is None
    soon = CallerTurn(
        start_ms=3000, end_ms=4000, speech_ms=1000, until_ms=LINE_MS, silent_before_ms=900
    )
    assert onset_ms(soon, words(3100)) is None


def test_lines_add_up() -> None:
    """Counts, times and delays."""
    total = HeardTurns()
    for heard in (judged(2100, 4500), judged(2100, 5000), judged(500, 1000)):
        heard.sent_ms, heard.sound_ms = 100.0, 40.0
        total.add(heard)
    assert total.judged == 3
    assert total.turns[TurnVerdict.IN_TIME] == total.turns[TurnVerdict.LATE] == 1
    assert (total.false_starts, total.stop_delays_ms) == (1, [500, 1000])
    assert (total.line_ms, total.sent_ms, total.sound_ms) == (3 * LINE_MS, 300.0, 120.0)
