"""Reads mono 16-bit WAV files, and says of any other file what it is.

Sans I/O: bytes in, samples out. Not the standard library's reader: that raises what it likes for
damaged files, knows other formats in each Python, and calls none of them by name. Invariant: bytes
of any kind give audio or a ValueError for a person to read.
"""

from __future__ import annotations

__all__ = ["WavAudio", "parse_wav"]

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ...core.audio import AudioFormat
from ...core.framer import Framer

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
    """Return the audio of a mono 16-bit PCM file at one of the known rates.

    Raises:
        ValueError: it is something else, or not whole; the message says what.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("is not a WAV file")
    audio_format: AudioFormat | None = None
    for name, declared, body in _chunks(data):
        if name == b"fmt ":
            audio_format = _parse_format(body)
        elif name == b"data":
            if audio_format is None:
                raise ValueError("is not a whole WAV file: no format stands before the audio")
            return WavAudio(_checked_audio(declared, body), audio_format)
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


def _parse_format(body: bytes) -> AudioFormat:
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
    return AudioFormat(rate_hz=rate_hz)


def _checked_audio(declared: int, audio: bytes) -> bytes:
    if len(audio) < declared < _UNKNOWN_SIZE:
        raise ValueError(f"is cut short: it has {len(audio)} of {declared} bytes of audio")
    if len(audio) % 2:
        raise ValueError("is cut short: it ends within a sample")
    if not audio:
        raise ValueError("holds no audio")
    return audio
