"""The gates that engines and frameworks use today."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import Signal, frames_of, silence, speech_like, tone
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import GateEventType
from voxgate.lab.bench.rule_gates import (
    MakeDetector,
    TimedVad,
    make_level_detector,
    make_smoothed_vad,
    run_rule,
)
from voxgate.lab.evaluate.recording import Recording

LOUD = speech_like(1000, level_dbfs=-18.0)


def recording(
    capture: Signal, agent: tuple[tuple[float, float], ...] = ((0.0, 4000.0),)
) -> Recording:
    return Recording(
        capture=tuple(frames_of(capture)),
        capture_format=AudioFormat(),
        far_end=None,
        far_end_format=AudioFormat(),
        duration_ms=len(capture) / 8,
        agent_speaking=agent,
        caller_speech=(),
    )


def spoken_at(start_ms: float, speech: Signal = LOUD, duration_ms: float = 4000) -> Signal:
    capture = silence(duration_ms)
    start = int(start_ms * 8)
    capture[start : start + len(speech)] = speech
    return capture


@pytest.mark.parametrize(
    ("detect", "latest_ms"),
    [(make_level_detector, 100), (make_smoothed_vad, 260), (TimedVad, 260)],
)
def test_a_loud_caller_opens_the_gate_once(detect: MakeDetector, latest_ms: float) -> None:
    """Within its time; the gate stays open until the turn has ended, and then closes."""
    run = run_rule(recording(spoken_at(2000)), detect)
    assert len(run.barge_in_ms) == 1
    assert 2000 < run.barge_in_ms[0] <= 2000 + latest_ms
    ((start_ms, end_ms),) = run.forwarded
    assert start_ms == run.barge_in_ms[0] - 20
    assert 3000 <= end_ms < 4000


def test_the_usual_rule_asks_for_level_too() -> None:
    """A caller below RMS 1500 is not heard, however clear."""
    quiet = speech_like(1000, level_dbfs=-34.0)
    assert run_rule(recording(spoken_at(2000, quiet)), make_level_detector).barge_in_ms == ()
    assert run_rule(recording(spoken_at(2000, quiet)), make_smoothed_vad).barge_in_ms != ()


def test_the_time_based_gate_is_deaf_at_first() -> None:
    """For a second after each start of the agent."""
    early = recording(spoken_at(100, speech_like(700)))
    assert run_rule(early, TimedVad).barge_in_ms == ()
    assert run_rule(early, make_smoothed_vad).barge_in_ms != ()


def test_while_the_agent_is_silent_everything_passes() -> None:
    """No barge-in is committed, and a caller who talks when the agent starts keeps the turn."""
    run = run_rule(recording(spoken_at(500), agent=((1000.0, 4000.0),)), make_level_detector)
    assert run.barge_in_ms == ()
    ((start_ms, end_ms),) = run.forwarded
    assert start_ms == 0
    assert 1500 <= end_ms < 3000


def test_a_second_interruption_is_a_second_barge_in() -> None:
    """700 ms without evidence end the first."""
    capture = spoken_at(500, speech_like(600, level_dbfs=-18.0), 4000) + spoken_at(2500)
    assert len(run_rule(recording(capture), make_level_detector).barge_in_ms) == 2


def test_a_barge_in_ends_the_agents_turn() -> None:
    """There is no pause that could last."""
    run = run_rule(recording(spoken_at(2000)), make_level_detector)
    assert [event.type for event in run.events] == [
        GateEventType.BARGE_IN_COMMITTED,
        GateEventType.INTERRUPTED,
    ]
    assert run.events[0].t_ms == run.events[1].t_ms


def test_silence_opens_nothing() -> None:
    """Nor does it take no time at all to say so."""
    run = run_rule(recording(np.zeros(16000, np.int16)), make_level_detector)
    assert run.events == ()
    assert run.forwarded == ()
    assert run.us_per_frame_p50 > 0


def test_a_click_is_enough_for_no_smoothed_gate() -> None:
    """40 ms of a tone are 2 of 10 frames."""
    run = run_rule(recording(spoken_at(2000, tone(40, 600.0))), make_smoothed_vad)
    assert run.barge_in_ms == ()
