"""The audio in what a telephony serializer sends: media messages of Twilio, Telnyx and Plivo.

They are of one shape: a JSON object whose ``media.payload`` is base64 of G.711, at 8 kHz. What is
not of that shape has no audio here, and that is no error: the engine's own frame stands for it.

Invariant: nothing a message holds raises.
"""

from __future__ import annotations

__all__ = ["WireAudio", "parse_wire_audio", "parse_wire_time"]

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..core.audio import G711_RATE_HZ, AudioFormat, Encoding

_MULAW = AudioFormat(Encoding.MULAW)
_ALAW = AudioFormat(Encoding.ALAW)
_BY_CONTENT_TYPE = {"audio/x-mulaw": _MULAW, "audio/x-alaw": _ALAW}
"""Plivo says in each message what it holds."""
_MAX_MESSAGE_CHARS = 1 << 20
"""Ten seconds of 16-bit audio at 24 kHz; no serializer writes as much at once."""


class WireAudio(NamedTuple):
    """Audio as it went out on the wire."""

    audio: bytes
    """One byte a sample."""
    audio_format: AudioFormat
    """G.711 of either law, at 8 kHz."""


def parse_wire_time(message: str | bytes) -> float | None:
    """Return where the audio of a message from the telephone begins in its stream, in ms.

    Returns:
        ``media.timestamp``, as Twilio, Telnyx and Plivo have it; None without one.
    """
    media = _media_of(message)
    try:
        begin_ms = float(media["timestamp"]) if media is not None else math.nan
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return begin_ms if math.isfinite(begin_ms) else None


def parse_wire_audio(message: str | bytes | None, g711: AudioFormat = _MULAW) -> WireAudio | None:
    """Return the audio of one message that goes to the telephone.

    Args:
        message: As the serializer made it.
        g711: Format of messages that do not say theirs.

    Returns:
        The audio; None where the message has none that is understood: a command, a binary frame,
        linear PCM.
    """
    media = _media_of(message)
    return None if media is None else _audio_of(media, g711)


def _media_of(message: str | bytes | None) -> Mapping[str, Any] | None:
    if not isinstance(message, str) or len(message) > _MAX_MESSAGE_CHARS:
        return None
    try:
        parsed = json.loads(message)
    except (ValueError, RecursionError):
        return None
    media = parsed.get("media") if isinstance(parsed, dict) else None
    return media if isinstance(media, dict) else None


def _audio_of(media: Mapping[str, Any], g711: AudioFormat) -> WireAudio | None:
    payload = media.get("payload")
    content_type = media.get("contentType")
    audio_format = g711 if content_type is None else _BY_CONTENT_TYPE.get(str(content_type))
    if not isinstance(payload, str) or audio_format is None:
        return None
    if media.get("sampleRate", G711_RATE_HZ) != G711_RATE_HZ:
        return None
    try:
        audio = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return None
    return WireAudio(audio, audio_format) if audio else None
