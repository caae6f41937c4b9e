"""The head of a WAV file in a telephone's encodings, written before its length is known, and read.

RIFF WAVE as RFC 2361 lists its format tags: 1 PCM, 6 A-law, 7 mu-law. Sans I/O.

Invariant: a file whose writer was killed is read as far as it goes.
"""

from __future__ import annotations

__all__ = ["WavTracks", "parse_wav_tracks", "wav_head"]

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.audio import AudioFormat, Encoding

_TAGS = {Encoding.PCM16: 1, Encoding.ALAW: 6, Encoding.MULAW: 7}
_ENCODINGS = {tag: encoding for encoding, tag in _TAGS.items()}

_UNKNOWN_SIZE = 0xFFFF_FFFF
"""What a writer enters that can't come back; players then read to the end of the file."""

_FMT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")


def wav_head(audio_format: AudioFormat, *, n_channels: int, n_bytes: int | None = None) -> bytes:
    """Return what stands before the samples: as long whether their bytes are known or not.

    Args:
        audio_format: Of each channel.
        n_channels: 1 or 2.
        n_bytes: Of audio; None where that is not known yet, or does not fit in 32 bits.
    """
    width = audio_format.sample_bytes * n_channels
    rate_hz = audio_format.rate_hz
    tag = _TAGS[audio_format.encoding]
    fmt = _FMT.pack(tag, n_channels, rate_hz, rate_hz * width, width, 8 * audio_format.sample_bytes)
    fact = b""
    n_known = None if n_bytes is None or n_bytes >= _UNKNOWN_SIZE - 100 else n_bytes
    if tag != _TAGS[Encoding.PCM16]:  # other formats say the size of their extension, and samples
        fmt += struct.pack("<H", 0)
        n_samples = _UNKNOWN_SIZE if n_known is None else n_known // width
        fact = _CHUNK.pack(b"fact", 4) + struct.pack("<I", n_samples)
    chunks = b"WAVE" + _CHUNK.pack(b"fmt ", len(fmt)) + fmt + fact
    data = _CHUNK.pack(b"data", _UNKNOWN_SIZE if n_known is None else n_known)
    n_rest = None if n_known is None else len(chunks) + len(data) + n_known
    return _CHUNK.pack(b"RIFF", _UNKNOWN_SIZE if n_rest is None else n_rest) + chunks + data


@dataclass(frozen=True, slots=True, eq=False)
class WavTracks:
    """What a WAV file holds."""

    audio_format: AudioFormat
    """Of each channel."""
    samples: NDArray[np.void]
    """The samples as they stand there: void [shape=(n, channels), sample_bytes each]."""


def parse_wav_tracks(data: bytes) -> WavTracks:
    """Return the samples of a file that begins with a :func:`wav_head`, as far as it goes.

    Raises:
        ValueError: it does not begin so.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("is not a WAV file")
    at, layout = 12, None
    while at + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data" and layout is not None:
            return _tracks(*layout, data, at)
        if name == b"fmt ":
            layout = _parse_fmt(data[at : at + size])
        at += size + size % 2
    raise ValueError("is not a whole WAV file: it has no audio")


def _parse_fmt(body: bytes) -> tuple[AudioFormat, int]:
    if len(body) < _FMT.size:
        raise ValueError("is not a whole WAV file: its format is cut short")
    tag, n_channels, rate_hz, _, _, _ = _FMT.unpack_from(body)
    if tag not in _ENCODINGS or n_channels not in (1, 2):
        raise ValueError(f"has format {tag} in {n_channels} channels, not a call's")
    return AudioFormat(_ENCODINGS[tag], rate_hz), n_channels


def _tracks(audio_format: AudioFormat, n_channels: int, data: bytes, at: int) -> WavTracks:
    width = audio_format.sample_bytes
    n_whole = (len(data) - at) // (width * n_channels)
    samples = np.frombuffer(data, f"V{width}", count=n_whole * n_channels, offset=at)
    return WavTracks(audio_format, samples.reshape(n_whole, n_channels))
