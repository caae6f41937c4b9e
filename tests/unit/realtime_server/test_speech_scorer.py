"""Speech scores high at any level that a line delivers, steady sound and silence do not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from support.signals import silence, speech_like, tone, white_noise
from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs
from voxgate.realtime_server.speech_scorer import SpeechScorer


def scores_of(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the score of each whole frame."""
    scorer = SpeechScorer()
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return np.array([scorer.process(frame).speech_prob for frame in frames])


@pytest.mark.parametrize("level_dbfs", [-10.0, -20.0, -35.0, -44.0])
def test_speech_is_speech_at_any_level(level_dbfs: float) -> None:
    """An echo at -44 dBFS scores like a caller at -20, as with a detector in the cloud."""
    scores = scores_of(speech_like(4000, level_dbfs=level_dbfs))
    assert np.mean(scores >= 0.5) > 0.9


def test_speech_from_the_first_frame_on_is_heard_at_once() -> None:
    """A fresh WebRTC VAD takes the first sound for noise; the scorer's has heard noise before."""
    assert scores_of(speech_like(400))[:10].min() >= 0.5


@pytest.mark.parametrize("level_dbfs", [-70.0, -60.0, -50.0, -40.0, -30.0, -20.0])
def test_steady_noise_never_is(level_dbfs: float) -> None:
    """Loud or soft, white noise stays below the default threshold in nearly all frames."""
    scores = scores_of(white_noise(6000, level_dbfs=level_dbfs))
    assert np.mean(scores >= 0.5) < 0.03


def test_silence_scores_nothing_right_after_speech() -> None:
    """WebRTC VAD hangs over for several frames; the score does not."""
    scores = scores_of(np.concatenate([speech_like(2000), silence(1000)]))
    assert scores[90:100].mean() > 0.8
    assert not scores[100:].any()


def test_a_frame_far_below_the_speech_is_a_pause() -> None:
    """A line's idle noise 35 dB under the caller is not part of the speech."""
    speech = speech_like(2000, level_dbfs=-20)
    scores = scores_of(np.concatenate([speech, white_noise(1000, level_dbfs=-58)]))
    assert not scores[101:].any()


def test_the_level_is_reported() -> None:
    """In dBFS, as measured before anything was done to the frame."""
    frame = tone(20, 1000, level_dbfs=-30)
    assert SpeechScorer().process(frame).level_dbfs == pytest.approx(rms_to_dbfs(rms(frame)))


def test_two_streams_do_not_know_of_each_other() -> None:
    """A loud stream beside it changes no score of a soft one."""
    soft, loud = speech_like(1000, level_dbfs=-44), speech_like(1000, level_dbfs=-10, seed=3)
    alone = scores_of(soft)
    one, other = SpeechScorer(), SpeechScorer()
    beside = []
    for at in range(0, 8000, 160):
        other.process(loud[at : at + 160])
        beside.append(one.process(soft[at : at + 160]).speech_prob)
    assert beside == alone.tolist()
