"""Heads of WAV files: as other programs read them, and back."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.wav import parse_wav
from voxgate.recordings.wav_head import parse_wav_tracks, wav_head

FORMATS = [
    AudioFormat(),
    AudioFormat(rate_hz=24_000),
    AudioFormat(Encoding.MULAW),
    AudioFormat(Encoding.ALAW),
]


@pytest.mark.parametrize("audio_format", FORMATS, ids=str)
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("is_known", [False, True])
def test_what_was_written_is_read(
    audio_format: AudioFormat, n_channels: int, is_known: bool
) -> None:
    """Every sample, whether its number was known or not."""
    width = audio_format.sample_bytes * n_channels
    audio = bytes(range(256)) * width
    head = wav_head(audio_format, n_channels=n_channels, n_bytes=len(audio) if is_known else None)
    tracks = parse_wav_tracks(head + audio)
    assert tracks.audio_format == audio_format
    assert tracks.samples.shape == (256, n_channels)
    assert tracks.samples.tobytes() == audio


def test_a_head_is_as_long_whether_the_size_is_known() -> None:
    """So that it can be written over."""
    for audio_format in FORMATS:
        heads = {len(wav_head(audio_format, n_channels=2, n_bytes=n)) for n in (None, 0, 99)}
        assert len(heads) == 1


def test_other_readers_understand_it() -> None:
    """The standard library's for stereo, and the lab's for mono."""
    audio = np.arange(200, dtype="<i2").tobytes()
    stereo = wav_head(AudioFormat(), n_channels=2, n_bytes=len(audio)) + audio
    with wave.open(io.BytesIO(stereo)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 100)
        assert file.readframes(100) == audio
    for n_bytes in (None, len(audio)):
        mono = wav_head(AudioFormat(), n_channels=1, n_bytes=n_bytes) + audio
        assert parse_wav(mono).audio == audio


def test_g711_has_its_tag_and_says_its_samples() -> None:
    """RFC 2361: 7 is mu-law, 6 A-law; formats other than PCM have a ``fact`` chunk."""
    for encoding, tag in ((Encoding.MULAW, 7), (Encoding.ALAW, 6)):
        head = wav_head(AudioFormat(encoding), n_channels=2, n_bytes=320)
        assert head[20:22] == tag.to_bytes(2, "little")
        at = head.index(b"fact")
        assert head[at + 8 : at + 12] == (160).to_bytes(4, "little")


def test_what_does_not_fit_in_a_size_is_said_to_be_unknown() -> None:
    """More than 4 GB."""
    long = wav_head(AudioFormat(), n_channels=2, n_bytes=5_000_000_000)
    assert long == wav_head(AudioFormat(), n_channels=2)


@given(st.binary(max_size=80), st.integers(0, 80))
def test_any_bytes_are_tracks_or_refused(junk: bytes, n_kept: int) -> None:
    """Nothing but ValueError, whatever a file holds; a whole number of samples is read."""
    head = wav_head(AudioFormat(Encoding.MULAW), n_channels=2)
    for data in (junk, head[:n_kept] + junk):
        try:
            tracks = parse_wav_tracks(data)
        except ValueError:
            continue
        assert tracks.samples.shape[1] in (1, 2)


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", wav_head(AudioFormat(), n_channels=1)[:40], b"RIFF\0\0\0\0WAVEdata\0\0\0\0"],
)
def test_what_is_no_whole_head_is_refused(data: bytes) -> None:
    """In words."""
    with pytest.raises(ValueError, match="is not a"):
        parse_wav_tracks(data)
