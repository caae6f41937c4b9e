"""One recording: its turns, and the audio that was lost or let through."""

from __future__ import annotations

import pytest

from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.evaluate.judge import AudioShare, CallTruth, CallVerdict, judge_call

DURATION_MS = 10_000.0


def judge(
    *,
    agent: list[Interval] | None = None,
    caller: list[Interval] | None = None,
    committed_ms: tuple[float, ...] = (),
    forwarded: list[Interval] | None = None,
) -> CallVerdict:
    truth = CallTruth(
        duration_ms=DURATION_MS, agent_speaking=agent or [], caller_speech=caller or []
    )
    events = [
        GateEvent(
            type=GateEventType.BARGE_IN_COMMITTED, t_ms=float(t_ms), reason=GateReason.BARGE_IN
        )
        for t_ms in committed_ms
    ]
    return judge_call(truth, events, forwarded or [])


@pytest.mark.parametrize(
    ("gap_ms", "expected"),
    [(699, [(1000, 4699)]), (700, [(1000, 2000), (2700, 4700)])],
)
def test_agent_audio_less_than_the_tail_apart_is_one_turn(
    gap_ms: float, expected: list[Interval]
) -> None:
    """Else a commitment could belong to two."""
    verdict = judge(agent=[(1000, 2000), (2000 + gap_ms, 4000 + gap_ms)])
    assert [turn.judged for turn in verdict.turns] == expected


def test_each_commitment_belongs_to_the_turn_whose_tail_it_lies_in() -> None:
    """A frame that ends with the next turn's start was captured in the tail before."""
    verdict = judge(agent=[(1000, 2000), (2700, 4000)], committed_ms=(1500, 2700, 2701, 9000))
    assert [turn.false_ms for turn in verdict.turns] == [(1500, 2700), (2701,)]
    assert verdict.barge_ins == 4


def test_a_pause_within_a_word_is_no_onset() -> None:
    """Labels made by energy have holes."""
    verdict = judge(agent=[(1000, 5000)], caller=[(500, 900), (1199, 3000)])
    (turn,) = verdict.turns
    assert turn.onset_ms is None
    assert turn.judged == (3700, 5000)
    apart = judge(agent=[(1000, 5000)], caller=[(500, 900), (1200, 3000)])
    assert apart.turns[0].onset_ms == 1200


def test_a_turn_that_is_not_judged_is_left_out() -> None:
    """It counts in no denominator."""
    assert judge(agent=[(1000, 2000)], caller=[(500, 3000)]).turns == ()


def test_a_call_without_an_agent_has_no_turns() -> None:
    """And nothing of the agent's to forward."""
    verdict = judge(caller=[(1000, 2000)], forwarded=[(900, 2500)])
    assert verdict.turns == ()
    assert verdict.echo_forwarded == AudioShare(0, 0)
    assert verdict.duration_ms == DURATION_MS


def test_speech_lost_is_what_was_labelled_and_not_forwarded() -> None:
    """In ms, overlapping labels counted once."""
    verdict = judge(
        caller=[(1000, 2000), (1500, 2500), (6000, 7000)], forwarded=[(1100, 2400), (6500, 9000)]
    )
    assert verdict.speech_lost == AudioShare(100 + 100 + 500, 1500 + 1000)


def test_speech_that_began_over_the_agent_is_told_apart() -> None:
    """All of the utterance, also what of it is said after the agent's end; pauses left out."""
    verdict = judge(
        agent=[(1000, 3000)],
        caller=[(500, 800), (2500, 3000), (3200, 4000), (6000, 7000)],
        forwarded=[(0, 2600), (3200, 3900)],
    )
    assert verdict.speech_lost_over_agent == AudioShare(400 + 100, 500 + 800)


def test_speech_of_callers_who_were_let_in_is_told_apart() -> None:
    """Until they are silent for 700 ms; of those who were not let in nothing is counted."""
    verdict = judge(
        agent=[(1000, 3000), (5000, 8000)],
        caller=[(2000, 2500), (3100, 3600), (4300, 4500), (6000, 7000)],
        committed_ms=(2100,),
        forwarded=[(2050, 3500)],
    )
    assert verdict.speech_lost_in_barge_ins == AudioShare(50 + 100, 500 + 500)


def test_non_speech_is_all_the_rest_of_the_recording() -> None:
    """And of it what lies far from speech: pre-roll and hangover are no mistakes."""
    verdict = judge(caller=[(4000, 5000)], forwarded=[(3300, 6200), (9000, 10_000)])
    assert verdict.non_speech_forwarded == AudioShare(700 + 1200 + 1000, 9000)
    assert verdict.idle_forwarded == AudioShare(200 + 200 + 1000, 3500 + 4000)


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        ([], AudioShare(300, 2000)),
        ([(3699, 4500)], AudioShare(0, 0)),  # the caller speaks in the tail
        ([(3700, 4500)], AudioShare(300, 2000)),
        ([(500, 1001)], AudioShare(0, 0)),
    ],
)
def test_echo_is_what_goes_out_of_turns_without_the_caller(
    caller: list[Interval], expected: AudioShare
) -> None:
    """Measured over the turn; the tail only tells whether the caller spoke."""
    verdict = judge(agent=[(1000, 3000)], caller=caller, forwarded=[(900, 1200), (2900, 3500)])
    assert verdict.echo_forwarded == expected


def test_shares_add_up_by_ms() -> None:
    """A long recording counts for more than a short one; nothing of nothing is no figure."""
    assert AudioShare(10, 100) + AudioShare(0, 900) == AudioShare(10, 1000)
    assert (AudioShare(10, 100) + AudioShare(0, 900)).percent == 1.0
    assert AudioShare().percent is None


def test_a_pause_that_nothing_ends_costs_most() -> None:
    """The agent is silent from there to the end of the recording."""
    truth = CallTruth(duration_ms=DURATION_MS, agent_speaking=[(1000.0, 9000.0)], caller_speech=[])
    begun = GateEvent(
        type=GateEventType.CANDIDATE_STARTED, t_ms=4000.0, reason=GateReason.CANDIDATE
    )
    (turn,) = judge_call(truth, [begun], []).turns
    assert turn.needless_pause_ms == (4000,)
    assert turn.needless_delays_ms == (6000,)
