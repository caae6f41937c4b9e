"""WAV files, whole, foreign and damaged."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.recordings import write_wav
from support.signals import tone
from voxgate.core.audio import AudioFormat
from voxgate.core.wav import KNOWN_RATES_HZ, WavAudio, parse_wav

_GUID_TAIL = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"


def wav_bytes(
    data: bytes = bytes(64),
    *,
    tag: int = 1,
    channels: int = 1,
    bits: int = 16,
    rate_hz: int = 8000,
    before: bytes = b"",
    size: int | None = None,
    subformat: int | None = None,
) -> bytes:
    """Return a WAV file, byte by byte."""
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block, block, bits)
    if subformat is not None:
        fmt += struct.pack("<HHIH", 22, bits, 0, subformat) + _GUID_TAIL
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + before
    chunks += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("rate_hz", [8000, 12_000, 16_000, 24_000, 44_100, 48_000])
def test_what_another_writer_wrote_is_read(tmp_path: Path, rate_hz: int) -> None:
    """The standard library's files, at every known rate, to the sample."""
    samples = tone(100, 400.0, rate_hz=rate_hz)
    audio = parse_wav(write_wav(tmp_path / "a.wav", samples, rate_hz=rate_hz).read_bytes())
    assert audio.audio_format.rate_hz == rate_hz
    assert audio.audio == samples.astype("<i2").tobytes()
    assert audio.duration_ms == 100
    assert len(audio.frames()) == 5


def test_frames_are_the_audio_and_silence_fills_the_last() -> None:
    """Each an object of its own, so that what a gate sends can be told by identity."""
    samples = np.full(400, 7, np.int16).tobytes()
    frames = parse_wav(wav_bytes(samples)).frames()
    assert b"".join(frames) == samples + bytes(160)
    assert [len(frame) for frame in frames] == [320] * 3
    assert len({id(frame) for frame in frames}) == 3


@pytest.mark.parametrize(
    "data",
    [
        wav_bytes(before=b"LIST" + struct.pack("<I", 5) + b"INFO.\0"),
        wav_bytes(tag=0xFFFE, subformat=1),
        wav_bytes(size=0xFFFF_FFFF),
        wav_bytes(size=0x7FFF_F000),
        wav_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO",
        wav_bytes().replace(b"RIFF" + struct.pack("<I", 100), b"RIFF\0\0\0\0"),
    ],
    ids=["odd chunk before", "extensible", "piped", "piped by sox", "chunk behind", "unfinished"],
)
def test_what_common_writers_do_is_taken(data: bytes) -> None:
    """Other chunks, the longer header, sizes that nobody could go back and enter."""
    assert parse_wav(data).audio == bytes(64)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wav_bytes(channels=2), "has 2 channels, not 1"),
        (wav_bytes(bits=8), "has 8 bits a sample, not 16"),
        (wav_bytes(bits=24), "has 24 bits a sample, not 16"),
        (wav_bytes(tag=3, bits=32), "holds floating point samples, not 16-bit PCM"),
        (wav_bytes(tag=6, bits=8), "holds A-law samples, not 16-bit PCM"),
        (wav_bytes(tag=7, bits=8), "holds mu-law samples, not 16-bit PCM"),
        (wav_bytes(tag=80), "holds format 80 samples, not 16-bit PCM"),
        (
            wav_bytes(tag=0xFFFE, bits=32, subformat=3),
            "holds floating point samples, not 16-bit PCM",
        ),
        (wav_bytes(tag=0xFFFE), "holds format 65534 samples, not 16-bit PCM"),
        (wav_bytes(b""), "holds no audio"),
        (wav_bytes()[:-10], "is cut short: it has 54 of 64 bytes of audio"),
        (wav_bytes(bytes(63)), "is cut short: it ends within a sample"),
        (wav_bytes()[:40], "is not a whole WAV file: it has no audio"),
        (wav_bytes()[:30], "is not a whole WAV file: its format is cut short"),
        (wav_bytes().replace(b"fmt ", b"junk"), "is not a whole WAV file: no format stands before"),
        (b"", "is not a WAV file"),
        (b"ID3\x04 some music", "is not a WAV file"),
        (b"RIFX" + wav_bytes()[4:], "is not a WAV file"),
    ],
)
def test_what_is_no_mono_16_bit_wav_is_called_by_its_name(data: bytes, message: str) -> None:
    """Nobody should have to guess what is wrong with a file."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        parse_wav(data)


def test_rates_that_are_taken_as_they_are_are_those_of_the_gate() -> None:
    """All others are refused there."""
    for rate_hz in range(4000, 200_000, 25):
        if rate_hz == 22_050:
            continue  # known as the rate of voices; no line has it
        if rate_hz in KNOWN_RATES_HZ:
            AudioFormat(rate_hz=rate_hz)
        else:
            with pytest.raises(ValueError, match="rate_hz"):
                AudioFormat(rate_hz=rate_hz)


@pytest.mark.parametrize(
    ("rate_hz", "known_hz"), [(6000, 8000), (11_025, 12_000), (22_050, 24_000), (37_800, 44_100)]
)
def test_a_rate_that_the_gate_does_not_know_becomes_the_next_above(
    rate_hz: int, known_hz: int
) -> None:
    """As long, as loud, at the same time: a tone that begins after 200 ms stays where it is."""
    samples = np.concatenate([np.zeros(rate_hz // 5), tone(200, 440.0, rate_hz=rate_hz)])
    parsed = parse_wav(wav_bytes(samples.astype("<i2").tobytes(), rate_hz=rate_hz))
    assert parsed.audio_format.rate_hz == known_hz
    assert parsed.duration_ms == pytest.approx(400, abs=0.1)
    start = known_hz // 5
    heard = np.frombuffer(parsed.audio, "<i2").astype(float)
    wanted = tone(200, 440.0, rate_hz=known_hz).astype(float)[: len(heard) - start]
    middle = slice(start + start // 10, start + len(wanted) - start // 10)
    error = heard[middle] - wanted[start // 10 : -(start // 10)]
    assert np.sqrt(np.mean(error**2)) < 0.01 * np.sqrt(np.mean(wanted**2))
    assert np.abs(heard[: start - start // 10]).max() < 0.02 * wanted.max()


@pytest.mark.parametrize("rate_hz", [0, 3999, 192_001, 384_000])
def test_a_rate_that_no_recording_has_is_refused(rate_hz: int) -> None:
    """By its name."""
    with pytest.raises(ValueError, match=f"^has {rate_hz} Hz, not 4000 to 192000"):
        parse_wav(wav_bytes(rate_hz=rate_hz))


def _parsed(data: bytes) -> WavAudio | None:
    try:
        return parse_wav(data)
    except ValueError:
        return None


@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    """Any byte may be another, and the end anywhere: no other exception, no audio from nowhere."""
    damaged = bytearray(wav_bytes(bytes(range(64))))
    for _ in range(data.draw(st.integers(0, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    audio = _parsed(cut)
    assert audio is None or len(audio.audio) <= 2 * len(cut)
    if audio is not None and struct.unpack_from("<I", cut, 24)[0] in KNOWN_RATES_HZ:
        assert audio.audio in cut


@given(st.binary(max_size=200))
def test_any_bytes_are_audio_or_a_value_error(data: bytes) -> None:
    """Behind the twelve bytes that every WAV file begins with."""
    audio = _parsed(b"RIFF\0\0\0\0WAVE" + data)
    assert audio is None or len(audio.audio) <= 2 * len(data)
