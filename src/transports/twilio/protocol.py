"""Twilio Media Streams on the wire: JSON text in, events out; one message to send, one text.

Sources: Twilio's pages on WebSocket messages of Media Streams and on ``<Stream>``. Numbers come as
strings, and are taken as numbers too; fields without meaning to us are not looked at.

Invariant: the events depend on the messages received alone; after the last one
(:class:`StreamStopped` or :class:`ProtocolViolated`) nothing follows, and no error repeats what the
peer sent beyond the name of an event.
"""

from __future__ import annotations

__all__ = [
    "MAX_MESSAGE_CHARS",
    "DtmfReceived",
    "MarkReceived",
    "MediaReceived",
    "MessageSkipped",
    "ProtocolViolated",
    "SkipReason",
    "StreamConnected",
    "StreamStarted",
    "StreamStopped",
    "TwilioEvent",
    "TwilioParser",
    "serialize_clear",
    "serialize_mark",
    "serialize_media",
]

import binascii
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ...errors import LocalProtocolError, RemoteProtocolError
from ..json_messages import (
    DTMF_DIGITS,
    number_in,
    parse_object,
    section_in,
    serialize_object,
    shown_name,
    text_in,
    texts_in,
)

MAX_MESSAGE_CHARS = 65_536
"""Longest message that is taken; 20 ms of audio come in about 300, a start in a few thousand."""

_MAX_PARAMETERS = 100
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
"""The one format of a stream's audio, in both directions."""
_INBOUND = ("inbound", "inbound_track")
"""What Twilio calls the caller's track, in media and in DTMF."""


class SkipReason(StrEnum):
    """Why a message was left out."""

    UNKNOWN_EVENT = "unknown_event"
    UNKNOWN_DIGIT = "unknown_digit"
    """DTMF that is no key of a telephone."""
    OTHER_TRACK = "other_track"
    """What is sent to the caller comes back: the stream was started with both tracks."""
    EMPTY_AUDIO = "empty_audio"
    """A media message without a sample."""


@dataclass(frozen=True, slots=True)
class StreamConnected:
    """The peer speaks the protocol: the first message."""

    protocol: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStarted:
    """Which call this is: the second message, sent once."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: Mapping[str, str]
    """The ``<Parameter>`` elements of the TwiML, by name."""


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """Captured audio: mu-law at 8 kHz, of any length."""

    payload: bytes
    timestamp_ms: int | None
    """Where it begins, from the start of the stream; None where the peer does not say."""


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key."""

    digit: str
    """One of ``0-9 * # A-D``."""


@dataclass(frozen=True, slots=True)
class MarkReceived:
    """What was sent before a mark has been played, or was forgotten by a clear."""

    name: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The call, or the stream, is over."""


@dataclass(frozen=True, slots=True)
class MessageSkipped:
    """A well-formed message without meaning to us."""

    reason: SkipReason
    event: str
    """Name of the event, fit to be shown."""


@dataclass(frozen=True, slots=True)
class ProtocolViolated:
    """The peer does not speak the protocol; nothing after this can be trusted."""

    error: RemoteProtocolError


TwilioEvent = (
    StreamConnected
    | StreamStarted
    | MediaReceived
    | DtmfReceived
    | MarkReceived
    | StreamStopped
    | MessageSkipped
    | ProtocolViolated
)
"""What a message comes to."""


class TwilioParser:
    """Turns the messages of one connection into events, in the order that the protocol asks for."""

    def __init__(self) -> None:
        self._n_messages = 0
        self._is_connected = False
        self._stream_sid: str | None = None
        self._is_over = False

    def receive_text(self, text: str) -> TwilioEvent | None:
        """Take the next text message; None once the stream is over."""
        if self._is_over:
            return None
        self._n_messages += 1
        try:
            event = self._event(parse_object(text, MAX_MESSAGE_CHARS))
        except RemoteProtocolError as error:
            event = ProtocolViolated(RemoteProtocolError(f"{error} (message {self._n_messages})"))
        self._is_over = isinstance(event, StreamStopped | ProtocolViolated)
        return event

    def receive_binary(self, n_bytes: int) -> TwilioEvent | None:
        """Take a binary message, which the protocol does not know."""
        if self._is_over:
            return None
        self._n_messages += 1
        self._is_over = True
        rule = f"a binary message of {n_bytes} bytes (message {self._n_messages})"
        return ProtocolViolated(RemoteProtocolError(rule))

    def _event(self, message: Mapping[str, Any]) -> TwilioEvent:
        name = text_in(message, "event")
        if name == "connected":
            return self._connected(message)
        if not self._is_connected:
            raise RemoteProtocolError(f"{_shown(name)} came before connected")
        if name == "start":
            return self._started(message)
        parse = _PARSERS.get(name)
        if parse is None:
            return MessageSkipped(SkipReason.UNKNOWN_EVENT, _shown(name))
        if self._stream_sid is None:
            raise RemoteProtocolError(f"{name} came before start")
        if message.get("streamSid", self._stream_sid) != self._stream_sid:
            raise RemoteProtocolError(f"{name} is of another stream")
        return parse(message)

    def _connected(self, message: Mapping[str, Any]) -> StreamConnected:
        if self._is_connected:
            raise RemoteProtocolError("connected came twice")
        protocol = text_in(message, "protocol")
        if protocol != "Call":
            raise RemoteProtocolError("connected.protocol is not Call")
        self._is_connected = True
        version = message.get("version")
        return StreamConnected(protocol, version if isinstance(version, str) else "")

    def _started(self, message: Mapping[str, Any]) -> StreamStarted:
        if self._stream_sid is not None:
            raise RemoteProtocolError("start came twice")
        start = section_in(message, "start")
        _check_format(start)
        started = StreamStarted(
            stream_sid=_sid(start, "start.streamSid"),
            call_sid=_sid(start, "start.callSid"),
            account_sid=_sid(start, "start.accountSid"),
            parameters=texts_in(start, "start.customParameters", _MAX_PARAMETERS),
        )
        self._stream_sid = started.stream_sid
        return started


def serialize_media(stream_sid: str, payload: bytes) -> str:
    """Return the message that lets the caller hear mu-law audio, behind what was sent before.

    Raises:
        LocalProtocolError: if there is no audio in it.
    """
    if not payload:
        raise LocalProtocolError("a media message of 0 bytes plays nothing")
    media = {"payload": b64encode(payload).decode("ascii")}
    return serialize_object({"event": "media", "streamSid": stream_sid, "media": media})


def serialize_mark(stream_sid: str, name: str) -> str:
    """Return the message that comes back when all that was sent before it has been played."""
    return serialize_object({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}})


def serialize_clear(stream_sid: str) -> str:
    """Return the message by which Twilio forgets what it has not played; all marks come back."""
    return serialize_object({"event": "clear", "streamSid": stream_sid})


# -- the parts of a message ------------------------------------------------------------------------


def _media(message: Mapping[str, Any]) -> MediaReceived | MessageSkipped:
    media = section_in(message, "media")
    if media.get("track", "inbound") not in _INBOUND:
        return MessageSkipped(SkipReason.OTHER_TRACK, "media")
    timestamp_ms = number_in(media, "media.timestamp")
    number_in(media, "media.chunk")
    try:
        payload = binascii.a2b_base64(text_in(media, "media.payload"), strict_mode=True)
    except ValueError:
        raise RemoteProtocolError("media.payload is not base64") from None
    if not payload:
        return MessageSkipped(SkipReason.EMPTY_AUDIO, "media")
    return MediaReceived(payload, timestamp_ms)


def _dtmf(message: Mapping[str, Any]) -> DtmfReceived | MessageSkipped:
    dtmf = section_in(message, "dtmf")
    if dtmf.get("track", "inbound") not in _INBOUND:
        return MessageSkipped(SkipReason.OTHER_TRACK, "dtmf")
    digit = text_in(dtmf, "dtmf.digit").upper()
    if digit not in DTMF_DIGITS:
        return MessageSkipped(SkipReason.UNKNOWN_DIGIT, "dtmf")
    return DtmfReceived(digit)


def _mark(message: Mapping[str, Any]) -> MarkReceived:
    return MarkReceived(text_in(section_in(message, "mark"), "mark.name"))


def _stop(_message: Mapping[str, Any]) -> StreamStopped:
    return StreamStopped()


_PARSERS = MappingProxyType({"media": _media, "dtmf": _dtmf, "mark": _mark, "stop": _stop})
"""Of the events between start and the end."""


def _sid(section: Mapping[str, Any], key: str) -> str:
    sid = text_in(section, key)
    if not _SID.fullmatch(sid):
        raise RemoteProtocolError(f"{key} is not an identifier")
    return sid


def _check_format(start: Mapping[str, Any]) -> None:
    sent = start.get("mediaFormat", _FORMAT)
    if not isinstance(sent, dict):
        raise RemoteProtocolError("start.mediaFormat is not an object")
    for key, wanted in _FORMAT.items():
        value = sent.get(key, wanted)
        if value != wanted and str(value) != str(wanted):
            raise RemoteProtocolError(f"start.mediaFormat.{key} is not {wanted}")


def _shown(name: str) -> str:
    return shown_name(name, "an unnamed event")
