"""Reads mono 16-bit WAV files, and says of any other file what it is.

Sans I/O: bytes in, samples out. Not the standard library's reader: that raises what it likes for
damaged files, knows other formats in each Python, and calls none of them by name. Invariant: bytes
of any kind give audio or a ValueError for a person to read.
"""

from __future__ import annotations

__all__ = ["WavAudio", "parse_wav"]

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .audio import AudioFormat
from .framer import Framer

KNOWN_RATES_HZ = (8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000)
"""Rates that the gate takes as they are."""
_LOWEST_HZ = 4000

_PCM, _EXTENSIBLE = 1, 0xFFFE
_FORMATS = {2: "ADPCM", 3: "floating point", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM"}
"""Common format tags other than PCM (RFC 2361)."""

_CHUNK_HEADER = struct.Struct("<4sI")
_FMT = struct.Struct("<HHIIHH")
_UNKNOWN_SIZE = 0x7FFF_0000
"""A writer into a pipe can't go back and enter the size: it leaves one from here up."""


@dataclass(frozen=True, slots=True)
class WavAudio:
    """What a WAV file holds."""

    audio: bytes
    """Mono 16-bit PCM, little-endian."""
    audio_format: AudioFormat

    @property
    def duration_ms(self) -> float:
        """How long it plays, in ms."""
        return self.audio_format.duration_ms(len(self.audio))

    def frames(self) -> list[bytes]:
        """Return its 20 ms frames, each an object of its own; the last is filled with silence."""
        frame_bytes = self.audio_format.frame_bytes
        framer = Framer(frame_bytes)
        frames = framer.push(self.audio)
        tail = framer.flush()
        return [*frames, tail.ljust(frame_bytes, b"\0")] if tail else frames


def parse_wav(data: bytes) -> WavAudio:
    """Return the audio of a mono 16-bit PCM file.

    A rate that the gate does not know is converted to the next one above, at zero delay.

    Raises:
        ValueError: it is something else, or not whole; the message says what.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("is not a WAV file")
    rate_hz: int | None = None
    for name, declared, body in _chunks(data):
        if name == b"fmt ":
            rate_hz = _parse_rate(body)
        elif name == b"data":
            if rate_hz is None:
                raise ValueError("is not a whole WAV file: no format stands before the audio")
            return _at_known_rate(_checked_audio(declared, body), rate_hz)
    raise ValueError("is not a whole WAV file: it has no audio")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield each chunk's name, declared size and content, which may be cut short."""
    # The size of the whole is not asked: recorders that are killed leave it wrong.
    at = 12
    while at + _CHUNK_HEADER.size <= len(data):
        name, size = _CHUNK_HEADER.unpack_from(data, at)
        at += _CHUNK_HEADER.size
        yield name, size, data[at : at + size]
        at += size + size % 2


def _parse_rate(body: bytes) -> int:
    if len(body) < _FMT.size:
        raise ValueError("is not a whole WAV file: its format is cut short")
    tag, channels, rate_hz, _, _, bits = _FMT.unpack_from(body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)
    if tag != _PCM:
        raise ValueError(f"holds {_FORMATS.get(tag, f'format {tag}')} samples, not 16-bit PCM")
    if channels != 1:
        raise ValueError(f"has {channels} channels, not 1")
    if bits != 16:
        raise ValueError(f"has {bits} bits a sample, not 16")
    if not _LOWEST_HZ <= rate_hz <= KNOWN_RATES_HZ[-1]:
        raise ValueError(f"has {rate_hz} Hz, not {_LOWEST_HZ} to {KNOWN_RATES_HZ[-1]}")
    return int(rate_hz)


def _checked_audio(declared: int, audio: bytes) -> bytes:
    if len(audio) < declared < _UNKNOWN_SIZE:
        raise ValueError(f"is cut short: it has {len(audio)} of {declared} bytes of audio")
    if len(audio) % 2:
        raise ValueError("is cut short: it ends within a sample")
    if not audio:
        raise ValueError("holds no audio")
    return audio


def _at_known_rate(audio: bytes, rate_hz: int) -> WavAudio:
    known_hz = next(known for known in KNOWN_RATES_HZ if known >= rate_hz)
    if known_hz != rate_hz:
        audio = _converted(audio, rate_hz, known_hz)
    return WavAudio(audio, AudioFormat(rate_hz=known_hz))


def _converted(audio: bytes, from_hz: int, to_hz: int) -> bytes:
    """Return the audio at a higher rate, as long as it was: its spectrum with nothing above it."""
    samples = np.frombuffer(audio, "<i2")
    block_in, block_out = (hz // math.gcd(from_hz, to_hz) for hz in (from_hz, to_hz))
    # Silence behind the end keeps it from coming round to the start.
    blocks = -(-(len(samples) + from_hz // 10) // block_in)
    spectrum = np.fft.rfft(samples, blocks * block_in)
    wave = np.fft.irfft(spectrum, blocks * block_out) * (block_out / block_in)
    wanted = wave[: round(len(samples) * to_hz / from_hz)]
    return np.clip(np.round(wanted), -32768, 32767).astype("<i2").tobytes()
