"""Twilio's side of a Media Stream as texts: what it says of a call, and what an engine says to it.

Invariant: pure, and one text a frame, made without a JSON encoder: it is said 50 times a second.
"""

from __future__ import annotations

__all__ = ["EngineMessage", "parse_message", "say_connected", "say_mark", "say_media", "say_start"]

from base64 import b64encode

import msgspec

from ...core.audio import FRAME_MS

_ENCODER = msgspec.json.Encoder()


class _Media(msgspec.Struct):
    payload: bytes = b""


class _Mark(msgspec.Struct):
    name: str = ""


class EngineMessage(msgspec.Struct):
    """What an engine says."""

    event: str
    """``media``, ``mark`` or ``clear``."""
    media: _Media | None = None
    """mu-law, of any length."""
    mark: _Mark | None = None
    """To be sent back once all before it is played."""


_DECODER = msgspec.json.Decoder(EngineMessage)


def parse_message(text: str | bytes) -> EngineMessage | None:
    """Return what an engine said; None where it is no message of a Media Stream."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        return None


def say_connected() -> str:
    """Return the first message of a stream."""
    return '{"event":"connected","protocol":"Call","version":"1.0.0"}'


def say_start(stream_sid: str, call_sid: str) -> str:
    """Return what says which call this is."""
    start = {
        "accountSid": f"AC{'0' * 32}",
        "streamSid": stream_sid,
        "callSid": call_sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {},
    }
    message = {"event": "start", "sequenceNumber": "1", "streamSid": stream_sid, "start": start}
    return _ENCODER.encode(message).decode()


def say_media(stream_sid: str, number: int, mulaw: bytes) -> str:
    """Return a frame of the caller; ``number`` counts them from 0."""
    return (
        f'{{"event":"media","sequenceNumber":"{number + 2}","streamSid":"{stream_sid}",'
        f'"media":{{"track":"inbound","chunk":"{number + 1}","timestamp":"{number * FRAME_MS}",'
        f'"payload":"{b64encode(mulaw).decode("ascii")}"}}}}'
    )


def say_mark(stream_sid: str, name: str) -> str:
    """Return a mark that was passed."""
    message = {"event": "mark", "streamSid": stream_sid, "mark": {"name": name}}
    return _ENCODER.encode(message).decode()
