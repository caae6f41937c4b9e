"""Audio as it stands in events: format objects and base64 on one side, samples on the other.

Invariant: what is decoded is a whole number of samples of the session's format.
"""

from __future__ import annotations

__all__ = ["SpeechConverter", "audio_format_of", "decoded_audio", "encoded_audio"]

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

from ..core.audio import AudioFormat, Encoding
from ..core.g711 import decode, encode
from ..core.resample import Resampler
from .request_error import invalid_value
from .session_config import PcmaFormat, PcmFormat, PcmuFormat

_FORMATS = {
    "audio/pcm": AudioFormat(Encoding.PCM16, 24_000),
    "audio/pcmu": AudioFormat(Encoding.MULAW),
    "audio/pcma": AudioFormat(Encoding.ALAW),
}

_NAMES = {
    Encoding.PCM16: "mono PCM16 at 24kHz",
    Encoding.MULAW: "mono G.711 mu-law at 8kHz",
    Encoding.ALAW: "mono G.711 A-law at 8kHz",
}


def audio_format_of(wire_format: PcmFormat | PcmuFormat | PcmaFormat) -> AudioFormat:
    """Return the format that a format object of the API stands for."""
    return _FORMATS[wire_format.type]


def decoded_audio(text: str, audio_format: AudioFormat, *, param: str = "audio") -> bytes:
    """Return the audio that a base64 string of an event holds.

    Raises:
        RequestError: if it is not base64, or not a whole number of samples.
    """
    try:
        audio = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        audio = None
    if audio is None or len(audio) % audio_format.sample_bytes:
        raise invalid_value(
            param,
            f"Invalid '{param}'. Expected base64-encoded audio bytes "
            f"({_NAMES[audio_format.encoding]}) but got an invalid value.",
        )
    return audio


def encoded_audio(audio: bytes) -> str:
    """Return audio as the base64 string of an event."""
    return base64.b64encode(audio).decode("ascii")


class SpeechConverter:
    """Turns a stream of one format into another; the same bytes when the formats are equal."""

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._source = source
        self._target = target
        self._resampler = Resampler(source.rate_hz, target.rate_hz)

    def process(self, audio: bytes) -> bytes:
        """Take the next bytes of the stream and return what they become."""
        if self._source == self._target:
            return audio
        return encode(self.samples(audio), self._target)

    def samples(self, audio: bytes) -> NDArray[np.int16]:
        """Take the next bytes of the stream and return them as samples at the target's rate."""
        return self._resampler.process(decode(audio, self._source))
