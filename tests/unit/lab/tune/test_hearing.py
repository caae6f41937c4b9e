"""Listening to a whole call."""

from __future__ import annotations

import numpy as np

from support.signals import Signal, speech_like, white_noise
from voxgate.lab.tune.aligned_call import AlignedCall
from voxgate.lab.tune.hearing import FEATURE_NAMES, hear_call

AGENT = speech_like(4000, level_dbfs=-20.0, seed=1)
NOISE = white_noise(4000, level_dbfs=-66.0, seed=3)


def echo_of(far_end: Signal) -> Signal:
    """Return an echo 80 ms late and 12 dB softer."""
    return np.concatenate([np.zeros(640, np.int16), far_end[:-640] // 4])


def heard(capture: Signal, far_end: Signal | None):
    frames = None if far_end is None else far_end.reshape(-1, 160)
    call = AlignedCall(
        capture=capture.reshape(-1, 160), far_end=frames, agent_speaking=((0.0, 3300.0),)
    )
    return hear_call(call)


def column(hearing, name: str):
    return hearing.features[:, FEATURE_NAMES.index(name)]


def test_the_second_pass_knows_the_echo_from_the_first_frame_on() -> None:
    """It is taken off in the first second as well as in the last."""
    hearing = heard(echo_of(AGENT) + NOISE, AGENT)
    residual = column(hearing, "residual_db")
    assert np.median(residual[10:60]) < -10.0
    assert np.median(residual[100:150]) < -10.0
    assert column(hearing, "echo_logit")[10:150].max() < 1.0


def test_a_caller_over_the_agent_is_heard() -> None:
    """Through the echo."""
    caller = np.zeros_like(AGENT)
    caller[16000:24000] = speech_like(1000, level_dbfs=-20.0, seed=9)
    hearing = heard(echo_of(AGENT) + NOISE + caller, AGENT)
    logits = column(hearing, "echo_logit")
    assert np.median(logits[105:145]) > np.median(logits[10:95]) + 2.0
    assert np.median(column(hearing, "residual_db")[105:145]) > -3.0


def test_without_a_far_end_nobody_can_tell_while_the_agent_is_audible() -> None:
    """And everything is judged where it is silent."""
    hearing = heard(NOISE, None)
    assert hearing.is_judged.tolist() == (~hearing.is_audible).tolist()
    assert hearing.is_audible[:200].all()


def test_lost_frames_are_not_judged() -> None:
    """Nobody knows what was in them."""
    capture = echo_of(AGENT) + NOISE
    capture[8000:8800] = 0
    hearing = heard(capture, AGENT)
    assert not hearing.is_judged[50:55].any()
    assert hearing.is_judged[60:160].all()
