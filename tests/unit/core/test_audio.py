"""Formats and their arithmetic."""

from __future__ import annotations

import pytest

from voxgate.core.audio import FRAME_MS, G711_RATE_HZ, AudioFormat, Encoding
from voxgate.core.g711 import decode


@pytest.mark.parametrize(
    ("audio_format", "frame_samples", "frame_bytes"),
    [
        (AudioFormat(), 160, 320),
        (AudioFormat(Encoding.PCM16, 16_000), 320, 640),
        (AudioFormat(Encoding.PCM16, 22_050), 441, 882),
        (AudioFormat(Encoding.PCM16, 24_000), 480, 960),
        (AudioFormat(Encoding.PCM16, 44_100), 882, 1764),
        (AudioFormat(Encoding.PCM16, 48_000), 960, 1920),
        (AudioFormat(Encoding.MULAW), 160, 160),
        (AudioFormat(Encoding.ALAW), 160, 160),
    ],
)
def test_a_frame_is_20_ms(audio_format, frame_samples, frame_bytes) -> None:
    """Samples and bytes of a frame follow from rate and encoding, and last 20 ms."""
    assert audio_format.frame_samples == frame_samples
    assert audio_format.frame_bytes == frame_bytes
    assert audio_format.duration_ms(frame_bytes) == FRAME_MS == 20


@pytest.mark.parametrize("encoding", [Encoding.MULAW, Encoding.ALAW])
def test_g711_has_one_rate(encoding) -> None:
    """G.711 at another rate than 8 kHz is refused, with the rate."""
    assert AudioFormat(encoding, G711_RATE_HZ).rate_hz == 8000
    with pytest.raises(ValueError, match="rate_hz: 16000"):
        AudioFormat(encoding, 16_000)


@pytest.mark.parametrize("rate_hz", [0, -8000, 11_025, 22_051, 1_000_000])
def test_unknown_rates_are_refused(rate_hz) -> None:
    """A rate that no detector can be fed from is an error at construction."""
    with pytest.raises(ValueError, match=f"rate_hz: {rate_hz}"):
        AudioFormat(rate_hz=rate_hz)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_silence_decodes_to_silence(encoding) -> None:
    """Digital silence of each encoding is within its smallest step of zero."""
    audio_format = AudioFormat(encoding)
    silence = audio_format.silence(160)
    assert len(silence) == 160
    assert set(silence) == {audio_format.silence_byte}
    assert abs(decode(silence, audio_format)).max() <= 8


def test_formats_are_values() -> None:
    """Equal formats are equal, hash alike and can't be changed."""
    assert {AudioFormat(), AudioFormat(Encoding.PCM16, 8000)} == {AudioFormat()}
    with pytest.raises(AttributeError):
        AudioFormat().rate_hz = 16_000  # type: ignore[misc]
