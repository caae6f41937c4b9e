"""ITU-T G.711 mu-law and A-law by table, and the way between the bytes of any format and samples.

Bytes are the wire's (little-endian int16, or one G.711 byte a sample), samples are int16 in the
host's order. Both laws are symmetric in sign, as the decision values of G.711 tables 1 and 2 are,
and the encoders take all 16 bits: a value halfway between two codes goes to the louder one.

Invariant: decoding what was encoded gives the nearest value that the law can express.
"""

from __future__ import annotations

__all__ = [
    "decode",
    "decode_alaw",
    "decode_mulaw",
    "encode",
    "encode_alaw",
    "encode_mulaw",
    "encode_pcm16",
]

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from .audio import AudioFormat, Encoding

_WIRE_SAMPLE = np.dtype("<i2")

_MULAW_BIAS = 33 << 2
"""Added to a magnitude so that segments start at powers of two; 33 at the 14 bits of G.711."""

_MULAW_MAX = 8158 << 2 | 3
"""Largest magnitude below the virtual decision value 8159 of G.711 table 2, at 16 bits."""


def _decoded_mulaw() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0xFF  # G.711: all bits are inverted on the wire
    segment = code >> 4 & 0x7
    magnitude = (((code & 0xF) << 3) + _MULAW_BIAS << segment) - _MULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _decoded_alaw() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.int32) ^ 0x55  # G.711: even bits are inverted on the wire
    segment = code >> 4 & 0x7
    step = code & 0xF
    magnitude = np.where(
        segment == 0, (step << 4) + 8, (step << 4) + 0x108 << np.maximum(segment - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _every_sample() -> NDArray[np.int32]:
    """Return every int16 value, at the place of its bit pattern read as uint16."""
    return np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _segment_of(magnitude: NDArray[np.int32], lowest: int) -> NDArray[np.int32]:
    """Return how often ``lowest`` can be doubled without passing ``magnitude``."""
    bounds = lowest << np.arange(1, 8, dtype=np.int32)
    return np.searchsorted(bounds, magnitude, side="right").astype(np.int32)


def _encoded_mulaw() -> NDArray[np.uint8]:
    samples = _every_sample()
    biased = np.minimum(np.abs(samples), _MULAW_MAX) + _MULAW_BIAS
    segment = _segment_of(biased, 1 << 7)
    code = segment << 4 | biased >> segment + 3 & 0xF
    sign = np.where(samples < 0, 0x80, 0)
    return np.asarray((code | sign) ^ 0xFF, dtype=np.uint8)


def _encoded_alaw() -> NDArray[np.uint8]:
    samples = _every_sample()
    magnitude = np.minimum(np.abs(samples), 32_767)
    segment = _segment_of(magnitude, 1 << 7)
    # Segments 0 and 1 have the same step, which is why the shift starts at segment 1.
    code = segment << 4 | magnitude >> np.maximum(segment, 1) + 3 & 0xF
    sign = np.where(samples < 0, 0, 0x80)
    return np.asarray((code | sign) ^ 0x55, dtype=np.uint8)


_MULAW_DECODED = _decoded_mulaw()
_ALAW_DECODED = _decoded_alaw()
_MULAW_ENCODED = _encoded_mulaw()
_ALAW_ENCODED = _encoded_alaw()
_ENCODED = {Encoding.MULAW: _MULAW_ENCODED, Encoding.ALAW: _ALAW_ENCODED}
_WIRE_BITS = np.dtype("<u2")
"""PCM16 on the wire, read as what the tables are looked up by."""


def decode_mulaw(data: bytes) -> NDArray[np.int16]:
    """Return the samples of mu-law bytes: int16 [shape=(len(data),)], within +-32124."""
    return _MULAW_DECODED.take(np.frombuffer(data, np.uint8))


def decode_alaw(data: bytes) -> NDArray[np.int16]:
    """Return the samples of A-law bytes: int16 [shape=(len(data),)], within +-32256, never 0."""
    return _ALAW_DECODED.take(np.frombuffer(data, np.uint8))


def encode_mulaw(samples: NDArray[np.int16]) -> bytes:
    """Return int16 samples [shape=(n,)] as mu-law, one byte each; 0 becomes 0xFF.

    Raises:
        TypeError: if the samples are not int16.
    """
    return _MULAW_ENCODED.take(_bit_patterns(samples)).tobytes()


def encode_alaw(samples: NDArray[np.int16]) -> bytes:
    """Return int16 samples [shape=(n,)] as A-law, one byte each; 0 becomes 0xD5.

    Raises:
        TypeError: if the samples are not int16.
    """
    return _ALAW_ENCODED.take(_bit_patterns(samples)).tobytes()


def encode_pcm16(data: bytes, encoding: Encoding) -> bytes:
    """Return PCM16 bytes as G.711, without samples in between: so audio goes to a provider.

    Args:
        data: Whole samples, little-endian.
        encoding: One of the two laws.
    """
    return _ENCODED[encoding].take(np.frombuffer(data, _WIRE_BITS)).tobytes()


def decode(data: bytes, audio_format: AudioFormat) -> NDArray[np.int16]:
    """Return the samples of ``data`` in its format: int16 [shape=(n,)], maybe read-only.

    Raises:
        ValueError: if PCM16 data has an odd length.
    """
    match audio_format.encoding:
        case Encoding.PCM16:
            if len(data) % 2:
                raise ValueError(f"data: {len(data)} bytes are not a whole number of PCM16 samples")
            samples = np.frombuffer(data, _WIRE_SAMPLE)
            return samples if _WIRE_SAMPLE.isnative else samples.astype(np.int16)
        case Encoding.MULAW:
            return decode_mulaw(data)
        case Encoding.ALAW:
            return decode_alaw(data)
    assert_never(audio_format.encoding)


def encode(samples: NDArray[np.int16], audio_format: AudioFormat) -> bytes:
    """Return int16 samples [shape=(n,)] as bytes of the format.

    Raises:
        TypeError: if the samples are not int16.
    """
    match audio_format.encoding:
        case Encoding.PCM16:
            _bit_patterns(samples)
            return samples.astype("<i2", copy=False).tobytes()
        case Encoding.MULAW:
            return encode_mulaw(samples)
        case Encoding.ALAW:
            return encode_alaw(samples)
    assert_never(audio_format.encoding)


def _bit_patterns(samples: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Return int16 samples read as uint16, without a copy."""
    if samples.dtype != np.int16:
        raise TypeError(f"samples: dtype is {samples.dtype}, not int16")
    return samples.view(np.uint16)
