"""Messages of the Realtime protocol as far as the proxy reads them; all others are only passed on.

Invariant: a message that can't be read, for whatever reason, is None: not ours to refuse.
"""

from __future__ import annotations

__all__ = [
    "APPEND",
    "AUDIO_DELTAS",
    "ClientMessage",
    "ServerMessage",
    "audio_in",
    "parse_client_message",
    "parse_server_message",
    "serialize_append",
    "with_audio",
]

import binascii
from typing import Any

import msgspec

APPEND = "input_audio_buffer.append"
"""The client event that carries what the caller says."""

AUDIO_DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})
"""Server events that carry agent audio: today's name, and that of older and compatible servers."""


class ClientMessage(msgspec.Struct):
    """The fields of client events that the proxy looks at; of any type, as clients are."""

    type: str
    audio: Any = None
    session: Any = None
    item_id: Any = None
    audio_end_ms: Any = None
    response_id: Any = None
    event_id: Any = None


class ServerMessage(msgspec.Struct):
    """The fields of server events that the proxy looks at; of any type."""

    type: str
    delta: Any = None
    session: Any = None
    item_id: Any = None
    response_id: Any = None
    audio_start_ms: Any = None
    error: Any = None


_AUDIO_NAME = b'"audio"'

_CLIENT = msgspec.json.Decoder(ClientMessage)
_SERVER = msgspec.json.Decoder(ServerMessage)
_ENCODER = msgspec.json.Encoder()


def parse_client_message(data: bytes) -> ClientMessage | None:
    """Return what a client's message says; None for one that is no event."""
    try:
        return _CLIENT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def parse_server_message(data: bytes) -> ServerMessage | None:
    """Return what a server's message says; None for one that is no event."""
    try:
        return _SERVER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def audio_in(field: object) -> bytes | None:
    """Return the audio of an ``audio`` or ``delta`` field; None where it holds no base64."""
    if not isinstance(field, str):
        return None
    try:
        return binascii.a2b_base64(field, strict_mode=True)
    except ValueError:  # binascii.Error, and text that is not ASCII
        return None


def serialize_append(audio: bytes) -> bytes:
    """Return an append event of our own."""
    return b'{"type":"input_audio_buffer.append","audio":"%s"}' % _base64(audio)


def with_audio(data: bytes, audio: bytes) -> bytes:
    """Return an append event with other audio, and everything else in it as it came.

    Args:
        data: The event as it came; its ``audio`` is base64.
        audio: What it is to carry.

    Raises:
        msgspec.DecodeError: something beside its ``audio`` can't be read, and has to be.
    """
    if data.count(_AUDIO_NAME) == 1:
        name_end = data.index(_AUDIO_NAME) + len(_AUDIO_NAME)
        begin = data.find(b'"', name_end) + 1
        if data[name_end : begin - 1].strip() == b":":
            # Base64 has no quote in it, escaped or not.
            return data[:begin] + _base64(audio) + data[data.index(b'"', begin) :]
    # Its writer escapes the name, or that stands somewhere else in it, too.
    event = msgspec.json.decode(data)
    event["audio"] = _base64(audio).decode()
    return _ENCODER.encode(event)


def _base64(audio: bytes) -> bytes:
    return binascii.b2a_base64(audio, newline=False)
