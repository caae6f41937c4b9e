"""One direction of a call's audio, from one format into another, as bytes.

Invariant: how the stream is chunked does not show in the output; equal formats pass the very object
through.
"""

from __future__ import annotations

__all__ = ["StreamConverter"]

from .audio import AudioFormat, Encoding
from .g711 import decode, encode, encode_pcm16
from .resample import Resampler


class StreamConverter:
    """Converts encoding and sample rate of one stream.

    Args:
        source: Format of what comes in.
        target: Format of what goes out.
    """

    __slots__ = ("_is_encoding", "_is_identity", "_odd_byte", "_resampler", "_source", "_target")

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._source = source
        self._target = target
        self._is_identity = source == target
        self._is_encoding = (
            source.rate_hz == target.rate_hz
            and source.encoding is Encoding.PCM16
            and target.encoding is not Encoding.PCM16
        )
        """From PCM16 to G.711, and nothing else."""
        self._resampler = Resampler(source.rate_hz, target.rate_hz)
        self._odd_byte = b""

    @property
    def source(self) -> AudioFormat:
        """Format of what comes in."""
        return self._source

    @property
    def target(self) -> AudioFormat:
        """Format of what goes out."""
        return self._target

    @property
    def delay_ms(self) -> float:
        """How much later a sound is in the output, in ms; 0 without a change of rate."""
        return self._resampler.delay_samples * 1000 / self._target.rate_hz

    def process(self, data: bytes) -> bytes:
        """Take the next bytes of the stream, of any length, and return what they complete."""
        if self._is_identity:
            return data
        data = self._whole_samples(data)
        if self._is_encoding:
            return encode_pcm16(data, self._target.encoding)
        samples = decode(data, self._source)
        return encode(self._resampler.process(samples), self._target)

    def reset(self) -> None:
        """Forget the stream: what comes next is the beginning of another."""
        self._odd_byte = b""
        self._resampler.reset()

    def _whole_samples(self, data: bytes) -> bytes:
        if self._odd_byte:
            data = self._odd_byte + data
            self._odd_byte = b""
        if len(data) % self._source.sample_bytes:
            self._odd_byte = data[-1:]
            data = data[:-1]
        return data
