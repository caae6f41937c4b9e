"""The browser line on the wire: JSON text and PCM in, events out; one message to send, one text.

The protocol is voxgate's own and small: `docs/lines/browser.md` has its table. Audio is PCM16,
little-endian, mono, 16 kHz in both directions, in binary messages.

Invariant: the events depend on the messages received alone; after the last one
(:class:`CallerHungUp` or :class:`ProtocolViolated`) nothing follows, and no error repeats what the
peer sent beyond the name of a message.
"""

from __future__ import annotations

__all__ = [
    "MAX_MESSAGE_BYTES",
    "SUBPROTOCOL",
    "AudioReceived",
    "AudioSkipped",
    "BrowserEvent",
    "BrowserParser",
    "CallerHungUp",
    "DtmfReceived",
    "HangupReason",
    "MessageIgnored",
    "PlayedReceived",
    "ProtocolViolated",
    "SkipReason",
    "StartReceived",
    "serialize_flush",
    "serialize_hangup",
    "serialize_ready",
]

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ...core.audio import FRAME_MS, AudioFormat
from ...errors import RemoteProtocolError
from ..json_messages import (
    DTMF_DIGITS,
    is_unicode,
    parse_object,
    serialize_object,
    shown_name,
    text_in,
)

SUBPROTOCOL = "voxgate.browser.v1"
"""What both sides say at the upgrade; another version of the protocol has another name."""

MAX_MESSAGE_BYTES = 65_536
"""Longest message that is taken: 2 s of audio. A start has a few hundred bytes."""

_FORMAT = AudioFormat(rate_hz=16_000)
"""The one format of a call's audio, in both directions."""
_MAX_TEXT_CHARS = 16_384
_MAX_NUMBER = 2**53
"""Where JSON's own numbers end to be exact."""
_MAX_PARAMETERS = 50
_MAX_NAME_CHARS = 64
_MAX_VALUE_CHARS = 500
_MAX_TOKEN_CHARS = 512


class SkipReason(StrEnum):
    """Why a message was left out."""

    UNKNOWN_MESSAGE = "unknown_message"
    UNKNOWN_DIGIT = "unknown_digit"
    """DTMF that is no key of a telephone."""
    EMPTY_AUDIO = "empty_audio"
    """A binary message without a sample."""


class HangupReason(StrEnum):
    """Why the server ends a call in good order."""

    ENDED = "ended"
    """The agent hung up, or the engine ends."""


@dataclass(frozen=True, slots=True)
class StartReceived:
    """The peer wants a call: the first message, sent once."""

    parameters: Mapping[str, str]
    """What the page says of the call, by names of its own."""
    token: str | None = field(default=None, repr=False)
    """By which it shows that it may."""


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """Captured audio: PCM16 at 16 kHz, of any length."""

    payload: bytes
    timestamp_ms: float
    """Where it begins: time of all that was captured before, sent or not."""


@dataclass(frozen=True, slots=True)
class AudioSkipped:
    """So many samples were captured and are not sent, or were not captured: their time passed."""

    n_samples: int


@dataclass(frozen=True, slots=True)
class PlayedReceived:
    """The peer has played frames."""

    n_frames: int
    """Of those it was sent after the flush of that number."""
    flush: int
    """Number of the last flush that it had carried out then; 0 before the first."""


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key."""

    digit: str
    """One of ``0-9 * # A-D``."""


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    """The caller ends the call."""


@dataclass(frozen=True, slots=True)
class MessageIgnored:
    """A message without meaning to us."""

    reason: SkipReason
    name: str
    """Its type, fit to be shown."""


@dataclass(frozen=True, slots=True)
class ProtocolViolated:
    """The peer does not speak the protocol; nothing after this can be trusted."""

    error: RemoteProtocolError


BrowserEvent = (
    StartReceived
    | AudioReceived
    | AudioSkipped
    | PlayedReceived
    | DtmfReceived
    | CallerHungUp
    | MessageIgnored
    | ProtocolViolated
)
"""What a message comes to."""


class BrowserParser:
    """Turns the messages of one connection into events, in the order that the protocol asks for."""

    def __init__(self) -> None:
        self._n_messages = 0
        self._n_samples = 0
        self._is_started = False
        self._is_over = False

    def receive_text(self, text: str) -> BrowserEvent | None:
        """Take the next text message; None once the call is over."""
        return self._received(lambda: self._event(parse_object(text, _MAX_TEXT_CHARS)))

    def receive_binary(self, payload: bytes) -> BrowserEvent | None:
        """Take the next binary message; None once the call is over."""
        return self._received(lambda: self._audio(payload))

    def _received(self, parse: Callable[[], BrowserEvent]) -> BrowserEvent | None:
        if self._is_over:
            return None
        self._n_messages += 1
        try:
            event = parse()
        except RemoteProtocolError as error:
            event = ProtocolViolated(RemoteProtocolError(f"{error} (message {self._n_messages})"))
        self._is_over = isinstance(event, CallerHungUp | ProtocolViolated)
        return event

    def _event(self, message: Mapping[str, Any]) -> BrowserEvent:
        name = text_in(message, "type")
        if name == "start":
            return self._start(message)
        if not self._is_started:
            raise RemoteProtocolError(f"{_shown(name)} came before start")
        parse = _PARSERS.get(name)
        if parse is None:
            return MessageIgnored(SkipReason.UNKNOWN_MESSAGE, _shown(name))
        event = parse(message)
        if isinstance(event, AudioSkipped):
            self._n_samples += event.n_samples
        return event

    def _start(self, message: Mapping[str, Any]) -> StartReceived:
        if self._is_started:
            raise RemoteProtocolError("start came twice")
        if _number(message, "rate_hz") != _FORMAT.rate_hz:
            raise RemoteProtocolError(f"rate_hz is not {_FORMAT.rate_hz}")
        started = StartReceived(_parameters(message), _token(message))
        self._is_started = True
        return started

    def _audio(self, payload: bytes) -> AudioReceived | MessageIgnored:
        if not self._is_started:
            raise RemoteProtocolError("audio came before start")
        if len(payload) > MAX_MESSAGE_BYTES:
            raise RemoteProtocolError(f"{len(payload)} bytes of audio in one message")
        if len(payload) % _FORMAT.sample_bytes:
            raise RemoteProtocolError(f"{len(payload)} bytes are not whole samples")
        if not payload:
            return MessageIgnored(SkipReason.EMPTY_AUDIO, "audio")
        timestamp_ms = self._n_samples * 1000 / _FORMAT.rate_hz
        self._n_samples += len(payload) // _FORMAT.sample_bytes
        return AudioReceived(payload, timestamp_ms)


def serialize_ready(call_id: str) -> str:
    """Return the message that says that the call stands, and how its audio is to be."""
    return serialize_object(
        {"type": "ready", "call_id": call_id, "rate_hz": _FORMAT.rate_hz, "frame_ms": FRAME_MS}
    )


def serialize_flush(number: int) -> str:
    """Return the message by which the peer forgets what it has not played.

    Args:
        number: Of the flush, from 1 on; the peer has it in its reports from then on.
    """
    return serialize_object({"type": "flush", "flush": number})


def serialize_hangup(reason: HangupReason) -> str:
    """Return the message that says that the call is over, and that nothing went wrong.

    What goes wrong is said by the code and the reason with which the WebSocket is closed.
    """
    return serialize_object({"type": "hangup", "reason": str(reason)})


# -- the parts of a message ------------------------------------------------------------------------


def _gap(message: Mapping[str, Any]) -> AudioSkipped:
    return AudioSkipped(_number(message, "samples"))


def _played(message: Mapping[str, Any]) -> PlayedReceived:
    return PlayedReceived(_number(message, "frames"), _number(message, "flush"))


def _dtmf(message: Mapping[str, Any]) -> DtmfReceived | MessageIgnored:
    digit = text_in(message, "digit").upper()
    if digit not in DTMF_DIGITS:
        return MessageIgnored(SkipReason.UNKNOWN_DIGIT, "dtmf")
    return DtmfReceived(digit)


def _hangup(_message: Mapping[str, Any]) -> CallerHungUp:
    return CallerHungUp()


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], BrowserEvent]] = MappingProxyType(
    {"gap": _gap, "played": _played, "dtmf": _dtmf, "hangup": _hangup}
)
"""Of the messages between start and the end."""


def _number(message: Mapping[str, Any], key: str) -> int:
    value = message.get(key)
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise RemoteProtocolError(f"{key} is not a whole number in 0..2^53")
    return value


def _token(message: Mapping[str, Any]) -> str | None:
    token = message.get("token")
    if token is None:
        return None
    if not isinstance(token, str) or len(token) > _MAX_TOKEN_CHARS or not is_unicode(token):
        raise RemoteProtocolError(f"token is not text of at most {_MAX_TOKEN_CHARS} characters")
    return token


def _parameters(message: Mapping[str, Any]) -> Mapping[str, str]:
    parameters = message.get("parameters") or {}
    if not isinstance(parameters, dict) or len(parameters) > _MAX_PARAMETERS:
        raise RemoteProtocolError(f"parameters is not an object of at most {_MAX_PARAMETERS} texts")
    for name, value in parameters.items():
        is_text = isinstance(value, str) and is_unicode(name + value)
        if not is_text or len(value) > _MAX_VALUE_CHARS or not 0 < len(name) <= _MAX_NAME_CHARS:
            raise RemoteProtocolError(
                f"parameters: a name has 1 to {_MAX_NAME_CHARS} characters, a value is text of at "
                f"most {_MAX_VALUE_CHARS}"
            )
    return MappingProxyType(dict(parameters))


def _shown(name: str) -> str:
    return shown_name(name, "an unnamed message")
