"""``chan_websocket`` on the wire: text and audio in, events out; one command to send, one text.

Sources: Asterisk's page on the WebSocket channel driver, and the driver's source. Text messages are
control, in one of two forms (see :class:`.events.ControlFormat`), binary ones are audio. Fields
without meaning to us are not looked at.

Invariant: the events depend on the messages received alone; after :class:`.events.ProtocolViolated`
nothing follows, and no error repeats what the peer sent beyond plain names.
"""

from __future__ import annotations

__all__ = [
    "MAX_COMMAND_BYTES",
    "MAX_MESSAGE_BYTES",
    "SUBPROTOCOL",
    "ChannelParser",
    "Command",
    "serialize_command",
]

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ...core.audio import AudioFormat, Encoding
from ...errors import LocalProtocolError, RemoteProtocolError
from ..json_messages import (
    DTMF_DIGITS,
    number_in,
    parse_object,
    serialize_object,
    shown_name,
    text_in,
    texts_in,
)
from .events import (
    AudioReceived,
    BufferingCompleted,
    ChannelEvent,
    ControlFormat,
    DtmfReceived,
    ErrorReported,
    MarkProcessed,
    MediaPaused,
    MediaResumed,
    MediaStarted,
    MessageSkipped,
    ProtocolViolated,
    QueueDrained,
    SkipReason,
    StatusReported,
)

SUBPROTOCOL = "media"
"""Subprotocol of the WebSocket; ``protocols`` in ``websocket_client.conf``."""

MAX_MESSAGE_BYTES = 65_536
"""Longest message that is taken; Asterisk's own bound is 65,500."""

MAX_COMMAND_BYTES = 128
"""Longest command that Asterisk reads; it leaves out longer ones, and says so in its log only."""

_FORMATS: Mapping[str, AudioFormat] = MappingProxyType(
    {
        "ulaw": AudioFormat(Encoding.MULAW),
        "alaw": AudioFormat(Encoding.ALAW),
        "slin": AudioFormat(Encoding.PCM16, 8000),
        "slin12": AudioFormat(Encoding.PCM16, 12_000),
        "slin16": AudioFormat(Encoding.PCM16, 16_000),
        "slin24": AudioFormat(Encoding.PCM16, 24_000),
        "slin32": AudioFormat(Encoding.PCM16, 32_000),
        "slin44": AudioFormat(Encoding.PCM16, 44_100),
        "slin48": AudioFormat(Encoding.PCM16, 48_000),
        "slin96": AudioFormat(Encoding.PCM16, 96_000),
        "slin192": AudioFormat(Encoding.PCM16, 192_000),
    }
)
"""Asterisk's names of the formats that are taken. Its slin is PCM16 in the byte order of its host,
which is little-endian on all that it is built for today."""

_MAX_VARIABLES = 500
_MAX_FRAME_BYTES = 60_000
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_PLAIN_FIELD = re.compile(r"(\w+):(\S*)")
_ERROR_TEXT = "error_text:"
_SHOWN_ERROR = re.compile(r"[A-Za-z0-9 _.,:'-]{1,100}")


class Command(StrEnum):
    """What Asterisk can be told."""

    ANSWER = "ANSWER"
    """Answer the channel; without meaning where it is answered."""
    HANGUP = "HANGUP"
    """Hang up the channel, and close the WebSocket."""
    MARK_MEDIA = "MARK_MEDIA"
    """Say when what was sent before has been played."""
    FLUSH_MEDIA = "FLUSH_MEDIA"
    """Forget what was not played, and the marks in it; ends buffering."""
    START_MEDIA_BUFFERING = "START_MEDIA_BUFFERING"
    """Keep what is left of a message after whole frames for the next one."""
    STOP_MEDIA_BUFFERING = "STOP_MEDIA_BUFFERING"
    """Fill up what is left with silence, and say when it has been played."""
    REPORT_QUEUE_DRAINED = "REPORT_QUEUE_DRAINED"
    """Say, once, when nothing is left to be played."""
    PAUSE_MEDIA = "PAUSE_MEDIA"
    """Play silence instead of what waits."""
    CONTINUE_MEDIA = "CONTINUE_MEDIA"
    """End the pause."""
    GET_STATUS = "GET_STATUS"
    """Say how much waits."""


_NAMED = frozenset({Command.MARK_MEDIA, Command.STOP_MEDIA_BUFFERING})
"""Commands that may have a name, which comes back when they have been carried out."""


def serialize_command(
    command: Command, control_format: ControlFormat, correlation_id: str | None = None
) -> str:
    """Return the text message of a command.

    Args:
        command: What Asterisk is told.
        control_format: How it wants to be told.
        correlation_id: Comes back when the command has been carried out; for ``MARK_MEDIA`` and
            ``STOP_MEDIA_BUFFERING``.

    Raises:
        LocalProtocolError: if the command takes no such id, or Asterisk would leave it out.
    """
    if correlation_id is not None and command not in _NAMED:
        raise LocalProtocolError(f"{command} takes no correlation_id")
    if correlation_id is not None and not _ID.fullmatch(correlation_id):
        raise LocalProtocolError("a correlation_id is printable ASCII without spaces")
    if control_format is ControlFormat.PLAIN_TEXT:
        text = str(command) if correlation_id is None else f"{command} {correlation_id}"
    else:
        message = {"command": str(command)}
        if correlation_id is not None:
            message["correlation_id"] = correlation_id
        text = serialize_object(message)
    if len(text) > MAX_COMMAND_BYTES:
        raise LocalProtocolError(f"a command of {len(text)} bytes is above {MAX_COMMAND_BYTES}")
    return text


class ChannelParser:
    """Turns the messages of one connection into events; the first must be ``MEDIA_START``."""

    def __init__(self) -> None:
        self._n_messages = 0
        self._is_started = False
        self._is_over = False

    def receive_text(self, text: str) -> ChannelEvent | None:
        """Take the next text message; None after a violation."""
        return self._received(lambda: self._control(text))

    def receive_binary(self, payload: bytes) -> ChannelEvent | None:
        """Take the next binary message; None after a violation."""
        return self._received(lambda: self._audio(payload))

    def _received(self, parse: Callable[[], ChannelEvent]) -> ChannelEvent | None:
        if self._is_over:
            return None
        self._n_messages += 1
        try:
            return parse()
        except RemoteProtocolError as error:
            self._is_over = True
            return ProtocolViolated(RemoteProtocolError(f"{error} (message {self._n_messages})"))

    def _audio(self, payload: bytes) -> ChannelEvent:
        if not self._is_started:
            raise RemoteProtocolError("audio came before MEDIA_START")
        if len(payload) > MAX_MESSAGE_BYTES:
            raise RemoteProtocolError(f"{len(payload)} bytes of audio in one message")
        if not payload:
            return MessageSkipped(SkipReason.EMPTY_AUDIO, "audio")
        return AudioReceived(payload)

    def _control(self, text: str) -> ChannelEvent:
        is_json = text.startswith("{")
        name, fields = _json_message(text) if is_json else _plain_message(text)
        if name == "MEDIA_START":
            if self._is_started:
                raise RemoteProtocolError("MEDIA_START came twice")
            started = _started(fields, ControlFormat.JSON if is_json else ControlFormat.PLAIN_TEXT)
            self._is_started = True
            return started
        if not self._is_started:
            raise RemoteProtocolError(f"{_shown(name)} came before MEDIA_START")
        parse = _PARSERS.get(name)
        if parse is None:
            return MessageSkipped(SkipReason.UNKNOWN_EVENT, _shown(name))
        return parse(fields)


# -- the two forms ---------------------------------------------------------------------------------


def _json_message(text: str) -> tuple[str, Mapping[str, Any]]:
    message = parse_object(text, MAX_MESSAGE_BYTES)
    return text_in(message, "event"), message


def _plain_message(text: str) -> tuple[str, Mapping[str, Any]]:
    """Return name and fields as JSON would have them."""
    if len(text) > MAX_MESSAGE_BYTES:
        raise RemoteProtocolError(f"a message of {len(text)} characters")
    name, _, rest = text.strip().partition(" ")
    if not name:
        raise RemoteProtocolError("a message is empty")
    if name in _WITH_ID:
        return name, {"correlation_id": rest.strip()}
    before, _, error_text = rest.partition(_ERROR_TEXT)
    fields = dict(_PLAIN_FIELD.findall(before))
    return name, {**fields, "error_text": error_text}


_WITH_ID = frozenset({"MEDIA_MARK_PROCESSED", "MEDIA_BUFFERING_COMPLETED"})
"""Plain events behind whose name stands an id and no field."""


# -- the parts of a message ------------------------------------------------------------------------


def _started(fields: Mapping[str, Any], control_format: ControlFormat) -> MediaStarted:
    channel = _id(fields, "channel")
    format_name = text_in(fields, "format")
    audio_format = _FORMATS.get(format_name)
    if audio_format is None:
        raise RemoteProtocolError(
            f"format {shown_name(format_name, '?')} is none of {', '.join(_FORMATS)}"
        )
    return MediaStarted(
        channel_id=_id(fields, "channel_id") if fields.get("channel_id") else channel,
        channel=channel,
        connection_id=_id(fields, "connection_id"),
        audio_format=audio_format,
        optimal_frame_bytes=_optimal_frame_bytes(fields, audio_format),
        control_format=control_format,
        has_marks=number_in(fields, "ptime") is not None,
        variables=texts_in(fields, "channel_variables", _MAX_VARIABLES),
    )


def _optimal_frame_bytes(fields: Mapping[str, Any], audio_format: AudioFormat) -> int:
    n_bytes = number_in(fields, "optimal_frame_size") or audio_format.frame_bytes
    if n_bytes > _MAX_FRAME_BYTES or n_bytes % audio_format.sample_bytes:
        raise RemoteProtocolError(
            f"optimal_frame_size is not whole samples in at most {_MAX_FRAME_BYTES} bytes"
        )
    return n_bytes


def _dtmf(fields: Mapping[str, Any]) -> DtmfReceived | MessageSkipped:
    digit = text_in(fields, "digit").upper()
    if digit not in DTMF_DIGITS:
        return MessageSkipped(SkipReason.UNKNOWN_DIGIT, "DTMF_END")
    return DtmfReceived(digit)


def _mark(fields: Mapping[str, Any]) -> MarkProcessed:
    return MarkProcessed(text_in(fields, "correlation_id"))


def _buffered(fields: Mapping[str, Any]) -> BufferingCompleted:
    return BufferingCompleted(text_in(fields, "correlation_id"))


def _status(fields: Mapping[str, Any]) -> StatusReported:
    return StatusReported(
        queue_frames=number_in(fields, "queue_length") or 0,
        is_full=_flag(fields, "queue_full"),
        is_buffering=_flag(fields, "bulk_media"),
        is_paused=_flag(fields, "media_paused"),
    )


def _error(fields: Mapping[str, Any]) -> ErrorReported:
    text = text_in(fields, "error_text")
    return ErrorReported(text if _SHOWN_ERROR.fullmatch(text) else "an error without plain words")


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], ChannelEvent]] = MappingProxyType(
    {
        "DTMF_END": _dtmf,
        "MEDIA_MARK_PROCESSED": _mark,
        "MEDIA_BUFFERING_COMPLETED": _buffered,
        "MEDIA_XOFF": lambda _: MediaPaused(),
        "MEDIA_XON": lambda _: MediaResumed(),
        "QUEUE_DRAINED": lambda _: QueueDrained(),
        "STATUS": _status,
        "ERROR": _error,
    }
)
"""Of the events behind ``MEDIA_START``."""


def _id(fields: Mapping[str, Any], key: str) -> str:
    value = text_in(fields, key)
    if not _ID.fullmatch(value):
        raise RemoteProtocolError(f"{key} is not printable ASCII without spaces")
    return value


def _flag(fields: Mapping[str, Any], key: str) -> bool:
    value = fields.get(key)
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise RemoteProtocolError(f"{key} is neither true nor false")
    return value


def _shown(name: str) -> str:
    return shown_name(name, "an unnamed event")
