"""Messages as Twilio sends them, put together by hand: numbers are texts.

A mistake in the product's own protocol module can't hide behind itself.
"""

from __future__ import annotations

__all__ = [
    "ACCOUNT_SID",
    "CALL_SID",
    "STREAM_SID",
    "connected",
    "dtmf",
    "mark",
    "media",
    "mutated",
    "start",
    "stop",
]

import json
import random
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

ACCOUNT_SID = "AC" + "0" * 32
CALL_SID = "CA" + "1" * 32
STREAM_SID = "MZ" + "2" * 32

_MULAW = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


def connected() -> dict[str, Any]:
    """Return the first message."""
    return {"event": "connected", "protocol": "Call", "version": "1.0.0"}


def start(
    *,
    stream_sid: str = STREAM_SID,
    call_sid: str = CALL_SID,
    parameters: Mapping[str, str] | None = None,
    media_format: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the second message."""
    return {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": ACCOUNT_SID,
            "streamSid": stream_sid,
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": dict(media_format or _MULAW),
            "customParameters": dict(parameters or {}),
        },
        "streamSid": stream_sid,
    }


def media(
    payload: bytes,
    *,
    timestamp_ms: float = 0,
    chunk: int = 1,
    track: str = "inbound",
    stream_sid: str = STREAM_SID,
) -> dict[str, Any]:
    """Return a message of audio."""
    return {
        "event": "media",
        "sequenceNumber": str(chunk + 1),
        "media": {
            "track": track,
            "chunk": str(chunk),
            "timestamp": str(round(timestamp_ms)),
            "payload": b64encode(payload).decode("ascii"),
        },
        "streamSid": stream_sid,
    }


def dtmf(
    digit: str, *, track: str = "inbound_track", stream_sid: str = STREAM_SID
) -> dict[str, Any]:
    """Return a key press."""
    return {
        "event": "dtmf",
        "streamSid": stream_sid,
        "sequenceNumber": "5",
        "dtmf": {"track": track, "digit": digit},
    }


def mark(name: str, *, stream_sid: str = STREAM_SID) -> dict[str, Any]:
    """Return a mark that comes back."""
    return {
        "event": "mark",
        "sequenceNumber": "4",
        "streamSid": stream_sid,
        "mark": {"name": name},
    }


def stop(*, stream_sid: str = STREAM_SID) -> dict[str, Any]:
    """Return the last message."""
    return {
        "event": "stop",
        "sequenceNumber": "9",
        "streamSid": stream_sid,
        "stop": {"accountSid": ACCOUNT_SID, "callSid": CALL_SID},
    }


_VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**20, "", "0", "-1", "9" * 400, "\ud800", "inbound", "outbound"),
    *([], {}, [[]], {"a": {"b": []}}, "stop", "media", "####", "//8=", "A" * 5000),
]


def mutated(generator: random.Random) -> str:
    """Return a message with something wrong with it, or not."""
    message = generator.choice(
        [
            lambda: media(generator.randbytes(generator.randrange(200)), timestamp_ms=20),
            lambda: mark("1"),
            lambda: dtmf(generator.choice("0123456789*#ABCDx")),
            start,
            connected,
            stop,
            lambda: {"event": generator.choice(["", "unknown", "Media", "error"])},
        ]
    )()
    for _ in range(generator.randrange(3)):
        _exchange_value(message, generator)
    text = json.dumps(message)
    if generator.random() < 0.3:
        text = _exchange_characters(text, generator)
    return text


def _exchange_value(message: dict[str, Any], generator: random.Random) -> None:
    """Exchange, add or take away a field, here or deeper."""
    key = generator.choice([*message, "added"])
    value = message.get(key)
    if isinstance(value, dict) and value and generator.random() < 0.7:
        _exchange_value(value, generator)
    elif generator.random() < 0.2:
        message.pop(key, None)
    else:
        message[key] = generator.choice(_VALUES)


def _exchange_characters(text: str, generator: random.Random) -> str:
    start = generator.randrange(len(text))
    end = start + generator.randrange(4)
    inserted = "".join(
        generator.choice('{}[]",:0e\\u\x00\x7f\U0001f600') for _ in range(generator.randrange(4))
    )
    return text[:start] + inserted + text[end:]
