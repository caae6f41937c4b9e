"""The signals that other tests judge by are what they claim to be."""

from __future__ import annotations

import numpy as np
import pytest
import webrtcvad

from support.signals import at_level, frames_of, silence, speech_like, tone, white_noise
from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs


def vad_share(samples: np.ndarray, *, rate_hz: int = 8000) -> float:
    """Return the share of 20 ms frames that WebRTC VAD in mode 3 calls speech."""
    vad = webrtcvad.Vad(3)
    frames = frames_of(samples, rate_hz=rate_hz)
    return sum(vad.is_speech(frame, rate_hz) for frame in frames) / len(frames)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_speech_like_is_speech_to_webrtc_vad_in_mode_3(seed, rate_hz) -> None:
    """At the usual level nearly every frame is called speech, also by the strictest mode."""
    assert vad_share(speech_like(3000, seed=seed, rate_hz=rate_hz), rate_hz=rate_hz) >= 0.97


def test_silence_is_not_speech() -> None:
    """Digital silence is never called speech."""
    assert vad_share(silence(1000)) == 0.0


@pytest.mark.parametrize("level_dbfs", [-50.0, -22.0])
def test_builders_hit_their_level(level_dbfs) -> None:
    """The RMS over the whole signal is the level asked for."""
    for samples in (
        tone(1000, 440, level_dbfs=level_dbfs),
        white_noise(1000, level_dbfs=level_dbfs),
        speech_like(1000, level_dbfs=level_dbfs),
    ):
        assert samples.dtype == np.int16
        assert samples.shape == (8000,)
        assert rms_to_dbfs(rms(samples)) == pytest.approx(level_dbfs, abs=0.1)


@pytest.mark.parametrize("build", [speech_like, white_noise])
def test_same_seed_gives_the_same_samples(build) -> None:
    """A builder is a function of its arguments."""
    assert np.array_equal(build(500, seed=3), build(500, seed=3))
    assert not np.array_equal(build(500, seed=3), build(500, seed=4))


def test_signals_of_no_length_are_empty() -> None:
    """Zero ms is zero samples."""
    for samples in (tone(0, 440), white_noise(0), speech_like(0), silence(0)):
        assert samples.shape == (0,)


def test_level_clips_instead_of_wrapping() -> None:
    """What does not fit into int16 stays at full scale."""
    assert at_level(np.array([1.0, -1.0]), 6.0).tolist() == [32767, -32768]


def test_frames_are_whole() -> None:
    """Frames are 20 ms each and an incomplete tail is left out."""
    frames = frames_of(tone(50, 440))
    assert [len(frame) for frame in frames] == [320, 320]
    assert b"".join(frames) == tone(50, 440)[:320].tobytes()
