"""What a stream of telephone audio is made of: encoding, sample rate, and their arithmetic.

Invariant: a format is a value; two equal formats describe the same bytes.
"""

from __future__ import annotations

__all__ = ["FRAME_MS", "G711_RATE_HZ", "AudioFormat", "Encoding"]

from dataclasses import dataclass, field
from enum import StrEnum

FRAME_MS = 20
"""One slot of the playout timeline and one detector frame, in ms."""

G711_RATE_HZ = 8000
"""The only sample rate of ITU-T G.711, in Hz."""

_KNOWN_RATES_HZ = (8000, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000)


class Encoding(StrEnum):
    """How one mono sample is written."""

    PCM16 = "pcm16"
    """Signed 16-bit little-endian linear PCM, two bytes a sample."""
    MULAW = "mulaw"
    """ITU-T G.711 mu-law, one byte a sample."""
    ALAW = "alaw"
    """ITU-T G.711 A-law, one byte a sample."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Encoding and sample rate of a mono stream.

    Raises:
        ValueError: at construction, for an unknown rate, or G.711 at a rate other than 8 kHz.
    """

    encoding: Encoding = Encoding.PCM16
    """How a sample is written."""
    rate_hz: int = 8000
    """Samples per second; 8000 where it is G.711."""
    # Derived, and kept: they are asked for a dozen times with every frame of a call.
    sample_bytes: int = field(init=False, repr=False, compare=False)
    """Bytes of one sample."""
    frame_samples: int = field(init=False, repr=False, compare=False)
    """Samples of one 20 ms frame."""
    frame_bytes: int = field(init=False, repr=False, compare=False)
    """Bytes of one 20 ms frame."""

    def __post_init__(self) -> None:
        if self.rate_hz not in _KNOWN_RATES_HZ:
            raise ValueError(f"rate_hz: {self.rate_hz} is not one of {_KNOWN_RATES_HZ}")
        if self.encoding is not Encoding.PCM16 and self.rate_hz != G711_RATE_HZ:
            raise ValueError(f"rate_hz: {self.rate_hz} is not {G711_RATE_HZ}, the rate of G.711")
        sample_bytes = 2 if self.encoding is Encoding.PCM16 else 1
        frame_samples = self.rate_hz * FRAME_MS // 1000
        object.__setattr__(self, "sample_bytes", sample_bytes)
        object.__setattr__(self, "frame_samples", frame_samples)
        object.__setattr__(self, "frame_bytes", frame_samples * sample_bytes)

    @property
    def silence_byte(self) -> int:
        """The byte that is digital silence: 0x00, 0xFF (mu-law) or 0xD5 (A-law)."""
        return _SILENCE_BYTE[self.encoding]

    def duration_ms(self, n_bytes: int) -> float:
        """Return how long ``n_bytes`` of this format play, in ms."""
        return n_bytes * 1000 / (self.sample_bytes * self.rate_hz)

    def silence(self, n_bytes: int) -> bytes:
        """Return ``n_bytes`` of digital silence."""
        return bytes((self.silence_byte,)) * n_bytes


_SILENCE_BYTE = {Encoding.PCM16: 0x00, Encoding.MULAW: 0xFF, Encoding.ALAW: 0xD5}
