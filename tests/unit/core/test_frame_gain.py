"""Frames turned down and up again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.frame_gain import FrameGain
from voxgate.core.g711 import decode, encode

FORMATS = (
    AudioFormat(Encoding.MULAW, 8000),
    AudioFormat(Encoding.ALAW, 8000),
    AudioFormat(Encoding.PCM16, 8000),
    AudioFormat(Encoding.PCM16, 16_000),
    AudioFormat(Encoding.PCM16, 24_000),
)
PCM16 = AudioFormat()


def even(audio_format: AudioFormat, value: int = 20_000) -> bytes:
    return encode(np.full(audio_format.frame_samples, value, np.int16), audio_format)


def decoded(frames: list[bytes], audio_format: AudioFormat) -> np.ndarray:
    return np.concatenate([decode(frame, audio_format) for frame in frames]).astype(float)


def test_frames_at_full_level_are_the_very_frames() -> None:
    """Nothing is copied, decoded or rounded."""
    gain, frame = FrameGain(PCM16, 24.0), even(PCM16)
    assert all(gain.process(frame, is_down=False) is frame for _ in range(3))


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
def test_it_falls_and_rises_within_a_frame_and_keeps_every_length(audio_format) -> None:
    """24 dB down from the end of the first frame on, up again by the end of the last."""
    gain, frame = FrameGain(audio_format, 24.0), even(audio_format)
    frames = [gain.process(frame, is_down=is_down) for is_down in (True, True, False)]
    assert [len(of) for of in frames] == [audio_format.frame_bytes] * 3
    first, middle, last = (decoded([of], audio_format) for of in frames)
    assert np.all(np.diff(first) <= 0)
    assert np.all(np.diff(last) >= 0)
    assert middle == pytest.approx(20_000 * 10 ** (-24 / 20), rel=0.04)
    assert last[-1] == pytest.approx(20_000, rel=0.03)
    assert gain.process(frame, is_down=False) is frame


@given(st.lists(st.booleans(), min_size=2, max_size=12), st.floats(0.0, 60.0))
def test_the_gain_is_bounded_and_goes_on_without_a_step(course, attenuation_db) -> None:
    """Between down and full, and from sample to sample never more than the ramp of one frame."""
    gain = FrameGain(PCM16, attenuation_db)
    samples = decoded([gain.process(even(PCM16), is_down=down) for down in course], PCM16)
    down = 10 ** (-attenuation_db / 20)
    assert samples.max() <= 20_000
    assert samples.min() >= np.floor(20_000 * down)
    assert np.abs(np.diff(samples)).max() <= 20_000 * (1.0 - down) / 160 + 1.5


def test_after_silence_it_begins_where_it_is_to_be() -> None:
    """There is nothing to follow on from."""
    gain = FrameGain(PCM16, 20.0)
    gain.restart(is_down=True)
    assert decoded([gain.process(even(PCM16), is_down=True)], PCM16) == pytest.approx(2000.0)
    gain.restart(is_down=False)
    frame = even(PCM16)
    assert gain.process(frame, is_down=False) is frame


@pytest.mark.parametrize("attenuation_db", [-1.0, float("nan")])
def test_what_is_no_attenuation_is_refused(attenuation_db) -> None:
    """Nothing is made louder."""
    with pytest.raises(ValueError, match="is not 0 or more"):
        FrameGain(PCM16, attenuation_db)
