"""Ways to forward double-talk."""

from __future__ import annotations

import numpy as np
import pytest

from support.echo_scenes import agent_frames, echo_of, frame_rows, mix
from support.signals import speech_like, white_noise
from voxgate.lab.recognition.double_talk import DoubleTalk
from voxgate.lab.recognition.forwarding import WAYS, FilteredTalk, as_float, filter_echo


def filtered(capture: np.ndarray, residual: np.ndarray) -> FilteredTalk:
    return FilteredTalk(
        capture=(capture / 32768.0).astype(np.float32),
        residual=(residual / 32768.0).astype(np.float32),
    )


@pytest.mark.parametrize("way", list(WAYS))
def test_without_echo_every_way_is_the_capture(way: str) -> None:
    """Nothing was found to take away; every sample stays in its place."""
    speech = speech_like(1000, seed=3)
    talk = filtered(speech, speech)
    np.testing.assert_allclose(WAYS[way].make(talk), talk.capture, atol=1e-6)


def test_raw_and_cancelled_are_what_they_say() -> None:
    """The policy's two choices, as they are."""
    talk = filtered(speech_like(400, seed=1), speech_like(400, seed=2))
    assert WAYS["raw"].make(talk) is talk.capture
    assert WAYS["echo_cancelled"].make(talk) is talk.residual


def test_the_weaker_of_both_is_heard() -> None:
    """The residual while it is weaker, the capture where the filter adds echo, faded between."""
    weak, loud = white_noise(400, level_dbfs=-40.0), white_noise(400, level_dbfs=-20.0)
    talk = filtered(np.concatenate([loud, weak]), np.concatenate([weak, loud]))
    heard = WAYS["quieter"].make(talk)
    np.testing.assert_allclose(heard[160:3200], talk.residual[160:3200], atol=1e-6)
    np.testing.assert_allclose(heard[4800:], talk.capture[4800:], atol=1e-6)
    assert np.max(np.abs(np.diff(heard))) < 1.0


def test_the_suppressor_turns_down_what_leaks_and_keeps_the_caller() -> None:
    """Echo that the filter leaves loses 6 dB and more; where none was found nothing is lost."""
    echo = speech_like(1000, level_dbfs=-20.0, seed=4)
    leaking = filtered(echo, 0.2 * echo)
    heard = WAYS["suppressed"].make(leaking)
    assert np.mean(heard**2) < 0.25 * np.mean(leaking.residual**2)
    caller = speech_like(1000, level_dbfs=-20.0, seed=5)
    mixed = filtered(0.05 * echo + caller, caller.astype(float))
    kept = WAYS["suppressed"].make(mixed)
    assert np.mean((kept - mixed.residual) ** 2) < 0.05 * np.mean(mixed.residual**2)


def test_the_filter_of_the_gate_takes_the_echo_out() -> None:
    """10 dB within four seconds of speech on a plain echo path; the capture stays what it was."""
    far_end = agent_frames("service_time")[:400]
    noise = frame_rows(white_noise(8000, level_dbfs=-60.0))
    capture = mix(echo_of(far_end, erl_db=6.0), noise)
    talk = DoubleTalk(capture=capture.reshape(-1), far_end=far_end.reshape(-1))
    both = filter_echo(talk)
    np.testing.assert_array_equal(both.capture, as_float(talk))
    late = slice(200 * 160, None)
    assert np.mean(both.residual[late] ** 2) < 0.1 * np.mean(both.capture[late] ** 2)
