"""Short fades at the start of a frame."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.fade import Fade
from voxgate.core.g711 import decode, encode

PCM16 = AudioFormat()
LOUD = np.full(160, 20_000, np.int16)


def test_fade_out_falls_to_silence() -> None:
    """The level falls without a jump over the ramp, and the rest of the frame is silence."""
    faded = decode(Fade(PCM16, 5.0).fade_out(encode(LOUD, PCM16)), PCM16).astype(int)
    assert faded[0] > 19_900
    assert np.all(np.diff(faded) <= 0)
    assert np.diff(faded).min() > -1000
    assert not faded[40:].any()
    assert faded[39] > 0


def test_fade_in_rises_from_silence() -> None:
    """The level rises without a jump over the ramp, and the rest of the frame is untouched."""
    faded = decode(Fade(PCM16, 5.0).fade_in(encode(LOUD, PCM16)), PCM16).astype(int)
    assert 0 <= faded[0] < 100
    assert np.all(np.diff(faded) >= 0)
    assert np.diff(faded).max() < 1000
    assert np.all(faded[40:] == 20_000)


def test_fades_complement_each_other() -> None:
    """What a fade-out takes away is what a fade-in gives."""
    fade, frame = Fade(PCM16, 5.0), encode(LOUD, PCM16)
    total = decode(fade.fade_out(frame), PCM16).astype(int) + decode(fade.fade_in(frame), PCM16)
    assert np.all(np.abs(total - 20_000) <= 1)


@pytest.mark.parametrize("encoding", [Encoding.MULAW, Encoding.ALAW])
def test_fades_work_on_g711(encoding) -> None:
    """A G.711 frame keeps its length, and its silence is that of its law."""
    audio_format = AudioFormat(encoding, 8000)
    frame = encode(LOUD, audio_format)
    fade = Fade(audio_format, 5.0)
    assert fade.fade_out(frame)[40:] == audio_format.silence(120)
    assert fade.fade_out(frame)[:2] == frame[:2]
    assert fade.fade_in(frame)[40:] == frame[40:]
    assert abs(int(decode(fade.fade_in(frame), audio_format)[0])) < 100


def test_fade_of_no_length_is_a_cut() -> None:
    """At 0 ms a fade-out is silence and a fade-in the frame itself."""
    fade, frame = Fade(PCM16, 0.0), encode(LOUD, PCM16)
    assert fade.fade_in(frame) == frame
    assert fade.fade_out(frame) == bytes(320)


def test_fade_may_fill_the_frame() -> None:
    """At 20 ms the ramp is as long as the frame."""
    faded = decode(Fade(PCM16, 20.0).fade_out(encode(LOUD, PCM16)), PCM16)
    assert faded[80] == pytest.approx(10_000, abs=200)


@pytest.mark.parametrize("fade_ms", [-1.0, 20.5, float("nan")])
def test_impossible_length_is_refused(fade_ms) -> None:
    """A fade lies within one frame."""
    with pytest.raises(ValueError, match="fade_ms: "):
        Fade(PCM16, fade_ms)
