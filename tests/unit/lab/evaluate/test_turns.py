"""One agent turn: what counts as right, false, stray, needless, or not at all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.lab.evaluate.intervals import Interval, merged
from voxgate.lab.evaluate.pauses import PlayoutPause
from voxgate.lab.evaluate.turns import TurnVerdict, judge_turn

TURN = (1000.0, 5000.0)


def judge(
    utterances: list[Interval], *committed_ms: float, next_turn_ms: float = math.inf
) -> TurnVerdict | None:
    """Judge the turn from 1,000 to 5,000 ms with commitments that had no candidate."""
    return judge_turn(
        TURN,
        next_turn_ms=next_turn_ms,
        utterances=utterances,
        pauses=[PlayoutPause(t_ms, t_ms) for t_ms in committed_ms],
    )


def verdict(utterances: list[Interval], *committed_ms: float) -> TurnVerdict:
    judged = judge(utterances, *committed_ms)
    assert judged is not None
    return judged


@pytest.mark.parametrize(
    ("committed_ms", "right_ms", "false_ms"),
    [
        ((), None, ()),  # missed
        ((3000,), 3000, ()),
        ((3140,), 3140, ()),
        ((2980,), 2980, ()),  # labels are good to a frame
        ((2979,), None, (2979,)),  # before the caller
        ((4000,), 4000, ()),  # in the nick of time
        ((4001,), None, ()),  # too late: missed, but not false
        ((2000, 3140), None, (2000,)),  # opened before the caller: not right any more
        ((2000, 2500, 3140), None, (2000, 2500)),
        ((3140, 3900), 3140, ()),  # the second is about the same caller
        ((1000, 3140), 3140, ()),  # a frame that ends with the turn's start was before it
    ],
)
def test_an_interruption_is_right_if_the_first_commitment_is_in_time(
    committed_ms: tuple[float, ...], right_ms: float | None, false_ms: tuple[float, ...]
) -> None:
    """From 20 ms before to 1,000 ms after the onset, and none before it in the turn."""
    judged = verdict([(3000, 3600)], *committed_ms)
    assert judged.onset_ms == 3000
    assert judged.right_ms == right_ms
    assert judged.false_ms == false_ms


@pytest.mark.parametrize(
    ("committed_ms", "false_ms"),
    [
        ((), ()),
        ((1001,), (1001,)),
        ((1000,), ()),  # captured before the turn
        ((5000, 5700), (5000, 5700)),  # the tail of 700 ms is the turn's
        ((5701,), ()),
        ((2000, 3000, 4000), (2000, 3000, 4000)),
    ],
)
def test_without_the_caller_every_commitment_is_false(
    committed_ms: tuple[float, ...], false_ms: tuple[float, ...]
) -> None:
    """In the turn and its tail."""
    judged = verdict([], *committed_ms)
    assert (judged.onset_ms, judged.right_ms) == (None, None)
    assert judged.false_ms == false_ms


@pytest.mark.parametrize(
    ("utterance", "onset_ms"),
    [
        ((1000, 1500), 1000),  # begins together with the agent
        ((4999, 6000), 4999),
        ((5000, 6000), None),  # the agent has just finished
        ((300, 900), None),  # over before the turn
        ((300, 1000), None),
    ],
)
def test_an_interruption_begins_while_the_agent_is_played(
    utterance: Interval, onset_ms: float | None
) -> None:
    """From the first ms of the turn to its last."""
    assert verdict([utterance]).onset_ms == onset_ms


def test_an_onset_in_the_tail_excuses_what_follows_it_and_nothing_else() -> None:
    """It is no interruption: whether the gate opens for it or for the agent's end is all one."""
    judged = verdict([(5300, 6000)], 5200, 5290, 5400)
    assert judged.onset_ms is judged.right_ms is None
    assert judged.false_ms == (5200,)


def test_the_first_of_two_onsets_is_the_interruption() -> None:
    """The agent would have been silent at the second."""
    judged = verdict([(2000, 2300), (3500, 4000)], 2120, 3620)
    assert (judged.onset_ms, judged.right_ms, judged.false_ms) == (2000, 2120, ())
    missed = verdict([(2000, 2300), (3500, 4000)], 3620)
    assert (missed.onset_ms, missed.right_ms, missed.false_ms) == (2000, None, ())


def test_a_commitment_long_after_the_caller_is_stray() -> None:
    """Not false by definition, since the caller has spoken; but it is told."""
    judged = verdict([(2000, 2300), (4200, 4300)], 2120, 3300, 3301, 4190, 4250)
    assert judged.right_ms == 2120
    assert judged.stray_ms == (3301,)


def test_a_caller_who_talks_when_the_agent_begins_is_no_interruption() -> None:
    """The gate is open to that caller; the turn is judged from 700 ms after the caller's end."""
    judged = verdict([(500, 1400)], 1200, 2100, 2101)
    assert judged.judged == (2100, 5000)
    assert judged.onset_ms is None
    assert judged.false_ms == (2101,)


def test_a_callers_turn_goes_on_over_short_silences() -> None:
    """What is said within 700 ms of the last word belongs to it; later it is an interruption."""
    within = verdict([(500, 1400), (2099, 2200)])
    assert (within.judged[0], within.onset_ms) == (2900, None)
    after = verdict([(500, 1400), (2100, 2200)], 2300)
    assert (after.judged[0], after.onset_ms, after.right_ms) == (2100, 2100, 2300)


def test_an_earlier_caller_does_not_hold_the_turn() -> None:
    """Only who is talking when the agent begins does."""
    judged = verdict([(200, 950), (1200, 1800)], 1340)
    assert (judged.judged[0], judged.onset_ms, judged.right_ms) == (1000, 1200, 1340)


def test_a_turn_talked_over_to_its_end_is_not_judged() -> None:
    """There is nothing left of it."""
    assert judge([(500, 4300)]) is None
    assert judge([(500, 4299)]) is not None


def test_a_right_commitment_may_lie_behind_the_turn_but_not_in_the_next() -> None:
    """A caller who begins with the agent's last word still has 1,000 ms."""
    judged = judge([(4900, 6500)], 5800)
    assert judged is not None
    assert judged.right_ms == 5800
    cut = judge([(4900, 6500)], 5800, next_turn_ms=5750)
    assert cut is not None
    assert cut.right_ms is None


@pytest.mark.parametrize(
    ("paused_ms", "latency_ms"), [(3080, 80), (3160, 160), (2980, -20), (2900, -20)]
)
def test_latencies_are_counted_from_the_onset(paused_ms: float, latency_ms: float) -> None:
    """The gate's by the commitment; playout's by the candidate, one in force already as -20 ms."""
    judged = judge_turn(
        TURN,
        next_turn_ms=math.inf,
        utterances=[(3000, 3600)],
        pauses=[PlayoutPause(paused_ms, 3160)],
    )
    assert judged is not None
    assert judged.open_latency_ms == 160
    assert judged.pause_latency_ms == latency_ms


def test_a_missed_interruption_has_no_latency() -> None:
    """It is counted as missed, not as slow."""
    judged = verdict([(3000, 3600)], 4100)
    assert judged.open_latency_ms is judged.pause_latency_ms is None


def test_pauses_without_the_caller_are_needless() -> None:
    """Candidates that were dropped, and those that became false; not those for the caller."""
    judged = judge_turn(
        TURN,
        next_turn_ms=math.inf,
        utterances=[(3000, 3600)],
        pauses=[
            PlayoutPause(900, None),
            PlayoutPause(1500, None),
            PlayoutPause(2000, 2080),
            PlayoutPause(3060, 3140),
            PlayoutPause(4800, None),
        ],
    )
    assert judged is not None
    assert judged.needless_pause_ms == (1500, 2000)
    assert judged.false_ms == (2080,)


_times = st.integers(0, 7000).map(float)


@given(
    st.lists(st.tuples(_times, _times), max_size=4),
    st.lists(_times, max_size=6, unique=True).map(sorted),
)
def test_a_commitment_is_one_thing_only(speech: list[Interval], committed_ms: list[float]) -> None:
    """Right, false, stray or neither; a turn with a false one is not right."""
    utterances = list(merged(speech, max_gap_ms=300.0))
    judged = judge(utterances, *committed_ms)
    if judged is None:
        return
    right = () if judged.right_ms is None else (judged.right_ms,)
    counted = [*right, *judged.false_ms, *judged.stray_ms]
    assert len(counted) == len(set(counted))
    assert set(counted) <= set(committed_ms)
    assert not (judged.right_ms is not None and judged.false_ms)
    if judged.right_ms is not None:
        assert judged.open_latency_ms is not None
        assert -20 <= judged.open_latency_ms <= 1000
    if not utterances:
        assert judged.false_ms == tuple(t for t in committed_ms if 1000 < t <= 5700)


def test_a_needless_pause_delays_the_agent_while_it_speaks() -> None:
    """One behind the turn holds up nothing, and one for a caller who speaks is not needless."""
    pauses = [
        PlayoutPause(2000, None, 2200),
        PlayoutPause(2500, 2560, 3760),
        PlayoutPause(5100, None, 5300),
    ]
    judged = judge_turn(TURN, next_turn_ms=math.inf, utterances=[], pauses=pauses)
    assert judged is not None
    assert judged.needless_pause_ms == (2000, 2500, 5100)
    assert judged.needless_delays_ms == (200, 1260)
    meant = judge_turn(TURN, next_turn_ms=math.inf, utterances=[(2300, 2900)], pauses=pauses)
    assert meant is not None
    assert meant.needless_delays_ms == (200,)
