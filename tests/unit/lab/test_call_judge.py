"""The figures of a simulated call, on records made by hand: slot n begins at 1000 + 20 n ms."""

from __future__ import annotations

import numpy as np
import pytest

from support.simulated_calls import LOUD, SILENT, gate_event, record_of
from voxgate.core.gate_transitions import GateEventType
from voxgate.lab.call_judge import (
    active_slots,
    agent_cut_offs,
    forwarded_slots,
    judge_call,
    spoken_slots,
)
from voxgate.lab.call_record import CallRecord

INTERRUPTED = GateEventType.INTERRUPTED


def ms_of(slot: float) -> float:
    return 1000.0 + 20.0 * slot


# --- caller's speech, echo and noise --------------------------------------------------------------


def test_speech_that_was_not_forwarded_is_lost() -> None:
    """By slots: 5 of the 20 spoken ones."""
    record = record_of(100, caller=[(10, 30)], forwarded=[(0, 15), (20, 100)])
    assert judge_call(record).caller_lost_ratio == 0.25


def test_forwarding_silence_makes_up_for_nothing() -> None:
    """Only the caller's own slots count."""
    record = record_of(100, caller=[(10, 20)], forwarded=[(20, 100)])
    assert judge_call(record).caller_lost_ratio == 1.0


@pytest.mark.parametrize("sound", ["echo", "noise"])
def test_sound_at_the_provider_is_told_with_all_there_was(sound: str) -> None:
    """In ms, and only while the caller is silent: in double-talk it comes with the speech."""
    spans = {sound: [(0, 30)]}
    record = record_of(100, caller=[(20, 40)], forwarded=[(10, 60)], **spans)
    figures = judge_call(record)
    through_ms, total_ms = getattr(figures, sound)
    assert (through_ms, total_ms) == (200.0, 400.0)


def test_a_call_without_speech_lost_none_of_it() -> None:
    """There was no occasion: None, not zero."""
    figures = judge_call(record_of(100, agent=[(0, 100)]))
    assert figures.caller_lost_ratio is None
    assert figures.yield_ms is None


# --- barge-ins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slots_after_speech", "is_right"),
    [(-3, True), (0, True), (20, True), (30, False), (60, False)],
)
def test_a_cut_off_is_right_while_the_caller_speaks_or_has_just_spoken(
    slots_after_speech: int, is_right: bool
) -> None:
    """Up to half a second after the speech; later it was something else."""
    record = record_of(200, agent=[(0, 200)], caller=[(50, 100)])
    record.gate_events.append(gate_event(INTERRUPTED, ms_of(100 + slots_after_speech)))
    figures = judge_call(record)
    assert (figures.right_barge_ins, figures.false_barge_ins) == (is_right, not is_right)


def test_a_cut_off_as_the_caller_begins_is_not_the_callers_doing() -> None:
    """Nobody hears speech within a frame of its onset: echo did it."""
    record = record_of(200, agent=[(0, 200)], caller=[(50, 100)])
    record.gate_events += [gate_event(INTERRUPTED, ms_of(51)), gate_event(INTERRUPTED, ms_of(53))]
    assert agent_cut_offs(record) == ([ms_of(53)], [ms_of(51)])


def test_an_agent_that_had_finished_is_not_cut_off() -> None:
    """The echo of its last words may still be heard by the provider."""
    record = record_of(200)
    record.gate_events.append(gate_event(INTERRUPTED, ms_of(100), agent_left_ms=20))
    figures = judge_call(record)
    assert (figures.right_barge_ins, figures.false_barge_ins) == (0, 0)


def test_an_agent_that_goes_on_was_paused_and_not_cut_off() -> None:
    """A candidate without evidence, or a barge-in that nothing confirmed; nothing else."""
    record = record_of(200)
    for event_type in GateEventType:
        if event_type is not INTERRUPTED:
            record.gate_events.append(gate_event(event_type, ms_of(10)))
    resumed = gate_event(GateEventType.RESUMED, ms_of(10), agent_left_ms=0)
    record.gate_events.append(resumed)  # it had nothing to go on with
    figures = judge_call(record)
    assert figures.pauses == 2
    assert (figures.right_barge_ins, figures.false_barge_ins) == (0, 0)


# --- the provider's turn detector -----------------------------------------------------------------


def test_reported_speech_is_held_against_the_callers() -> None:
    """Two of three reports came while the caller was silent."""
    record = record_of(300, caller=[(100, 150)])
    record.provider_speech_ms += [ms_of(50), ms_of(110), ms_of(250)]
    figures = judge_call(record)
    assert figures.speech_reported == 3
    assert figures.speech_reported_falsely == 2


def test_turns_of_the_caller_are_a_second_apart() -> None:
    """Shorter pauses are within one."""
    record = record_of(400, caller=[(0, 20), (40, 60), (110, 120), (169, 180)])
    assert judge_call(record).caller_turns == 2


# --- how soon the agent is silent -----------------------------------------------------------------


def yields_ms(record: CallRecord) -> tuple[float, ...]:
    return judge_call(record).yields_ms


def test_the_agent_yields_when_the_last_of_it_was_heard() -> None:
    """From the caller's onset on, at the caller's ear."""
    record = record_of(300, agent=[(0, 110)], caller=[(100, 200)])
    assert yields_ms(record) == (200.0,)


def test_an_agent_that_goes_on_after_a_pause_has_not_yielded() -> None:
    """Pauses up to 700 ms are those between sentences, or a candidate's."""
    record = record_of(300, agent=[(0, 105), (135, 150)], caller=[(100, 250)])
    assert yields_ms(record) == (1000.0,)


def test_what_the_agent_says_later_is_another_answer() -> None:
    """It had fallen silent before."""
    record = record_of(300, agent=[(0, 105), (150, 300)], caller=[(100, 140)])
    assert yields_ms(record) == (100.0,)


def test_an_agent_that_never_yields_counts_to_the_end_of_the_call() -> None:
    """It is not left out: that would be the best figure for the worst agent."""
    record = record_of(300, agent=[(0, 300)], caller=[(100, 300)])
    assert yields_ms(record) == (4000.0,)


@pytest.mark.parametrize(
    "agent",
    [[(0, 80)], [(0, 99)], [(110, 200)], []],
    ids=["cut off before", "finished before", "begins after", "silent"],
)
def test_an_onset_counts_only_over_a_talking_agent(agent: list[tuple[int, int]]) -> None:
    """Heard shortly before it and shortly after."""
    record = record_of(300, agent=agent, caller=[(100, 200)])
    assert yields_ms(record) == ()


def test_an_onset_in_a_short_pause_of_the_agent_counts() -> None:
    """It talks all the same."""
    record = record_of(300, agent=[(0, 95), (105, 120)], caller=[(100, 200)])
    assert yields_ms(record) == (400.0,)


def test_the_median_is_over_all_onsets() -> None:
    """A word after a short pause of the caller's is no onset."""
    record = record_of(
        1000,
        agent=[(0, 110), (290, 320), (490, 560)],
        caller=[(100, 200), (210, 220), (300, 400), (500, 600)],
    )
    assert yields_ms(record) == (200.0, 400.0, 1200.0)
    assert judge_call(record).yield_ms == 400.0


# --- calls that came to nothing -------------------------------------------------------------------


def test_a_call_without_a_slot_has_figures() -> None:
    """Of one that the engine hung up at once, whatever was told of it."""
    record = record_of(0, forwarded=[(0, 3)])
    record.provider_speech_ms.append(5.0)
    record.gate_events.append(gate_event(INTERRUPTED, 6.0))
    figures = judge_call(record)
    assert figures.caller_turns == 0
    assert figures.caller_lost_ratio is None
    assert figures.echo == figures.noise == (0.0, 0.0)
    assert figures.false_barge_ins == figures.speech_reported_falsely == 1


def test_slots_that_the_engine_never_took_were_not_forwarded() -> None:
    """The phone's last frames may be under way when the call ends, and numbers beyond are none."""
    record = record_of(4, caller=[(0, 4)], forwarded=[(0, 2), (7, 9)])
    assert forwarded_slots(record).tolist() == [True, True, False, False]
    assert spoken_slots(record).tolist() == [True] * 4


def test_a_slot_is_active_from_its_level_on() -> None:
    """The RMS, in int16 units; a frame of any sign."""
    flags = active_slots([SILENT, LOUD, -LOUD], 2000.0)
    assert flags.tolist() == [False, True, True]
    assert active_slots(np.zeros((0, 160), np.int16), 1.0).shape == (0,)
