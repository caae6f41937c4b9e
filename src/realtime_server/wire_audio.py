"""Audio as it stands in events: format objects and base64 on one side, samples on the other.

Invariant: what is decoded is a whole number of samples of the session's format.
"""

from __future__ import annotations

__all__ = ["audio_format_of", "decoded_audio", "encoded_audio"]

import base64
import binascii

from ..core.audio import AudioFormat, Encoding
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
