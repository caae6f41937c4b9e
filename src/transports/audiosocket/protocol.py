"""AudioSocket on the wire: bytes in, events out; one frame to send, one bytes object.

A frame is a kind (u8), a payload length (u16, big-endian) and the payload. Sources: the AudioSocket
page of the Asterisk documentation, and ``res_audiosocket.c`` of Asterisk where that page is silent.

Invariant: the events depend on the bytes received alone, not on how they were split; after the last
event (:class:`PeerHungUp` or :class:`ProtocolViolated`) nothing follows.
"""

from __future__ import annotations

__all__ = [
    "AUDIO_RATES_HZ",
    "HANGUP_FRAME",
    "AudioReceived",
    "AudioSocketEvent",
    "AudioSocketParser",
    "CallIdentified",
    "DtmfReceived",
    "FrameSkipped",
    "PeerHungUp",
    "PeerReportedError",
    "ProtocolViolated",
    "SkipReason",
    "audio_header",
    "serialize_audio",
    "serialize_call_id",
    "serialize_dtmf",
]

import struct
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from ...errors import LocalProtocolError, RemoteProtocolError

_HEADER = struct.Struct(">BH")

_HANGUP = 0x00
_CALL_ID = 0x01
_DTMF = 0x03
_ERROR = 0xFF

_RATE_HZ_BY_KIND = MappingProxyType(
    {
        0x10: 8_000,
        0x11: 12_000,
        0x12: 16_000,
        0x13: 24_000,
        0x14: 32_000,
        0x15: 44_100,
        0x16: 48_000,
        0x17: 96_000,
        0x18: 192_000,
    }
)
_KIND_BY_RATE_HZ = MappingProxyType({rate: kind for kind, rate in _RATE_HZ_BY_KIND.items()})

_EXACT_LENGTHS = MappingProxyType({_CALL_ID: 16, _DTMF: 1})
"""Payload bytes of the kinds that have just one length."""

_KINDS_BEFORE_CALL_ID = frozenset({_HANGUP, _CALL_ID, _ERROR})
"""What a peer may begin with; anything else is not Asterisk (a port scan, a browser)."""

_DTMF_DIGITS = frozenset("0123456789*#ABCD")

_MAX_PAYLOAD_BYTES = 0xFFFF

AUDIO_RATES_HZ = tuple(_KIND_BY_RATE_HZ)
"""Sample rates that have a frame kind, in Hz, lowest first."""

HANGUP_FRAME = _HEADER.pack(_HANGUP, 0)
"""Ends the call, in either direction."""


class SkipReason(StrEnum):
    """Why a frame was left out."""

    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_DIGIT = "unknown_digit"
    """DTMF with a byte that is no key of a telephone."""


@dataclass(frozen=True, slots=True)
class CallIdentified:
    """The peer said which call this is: the first frame, sent once."""

    call_id: UUID


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """Captured audio as it came: PCM16 little-endian by the frame's kind, of any length."""

    payload: bytes
    rate_hz: int


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key."""

    digit: str
    """One of ``0-9 * # A-D``."""


@dataclass(frozen=True, slots=True)
class PeerReportedError:
    """The peer says that something went wrong; the call goes on until it hangs up."""

    code: bytes
    """The application's own code, maybe empty."""


@dataclass(frozen=True, slots=True)
class FrameSkipped:
    """A well-formed frame without meaning to us."""

    reason: SkipReason
    kind: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class PeerHungUp:
    """The call is over: a hangup frame, or the end of the stream between two frames."""


@dataclass(frozen=True, slots=True)
class ProtocolViolated:
    """The bytes are not AudioSocket; nothing after them can be trusted."""

    error: RemoteProtocolError
    """Names kind, length and offset of the frame."""


AudioSocketEvent = (
    CallIdentified
    | AudioReceived
    | DtmfReceived
    | PeerReportedError
    | FrameSkipped
    | PeerHungUp
    | ProtocolViolated
)


class AudioSocketParser:
    """Turns the bytes of one connection into events."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0
        self._is_identified = False
        self._has_ended = False
        self._may_have_more = False

    @property
    def may_have_more(self) -> bool:
        """Whether ``max_events`` kept the last call from taking all that it could."""
        return self._may_have_more

    def receive_data(self, data: bytes, max_events: int | None = None) -> list[AudioSocketEvent]:
        """Take the next bytes of the stream and return the events that they complete.

        A malformed frame is the last event rather than an exception, so that the events before it
        are not lost. Bytes after the last event are ignored.

        Args:
            data: The bytes; none of them to go on where :attr:`may_have_more`.
            max_events: How many events are returned at most; the others keep until the next call.
                None: all.
        """
        self._may_have_more = False
        if self._has_ended:
            return []
        self._buffer += data
        events: list[AudioSocketEvent] = []
        position = 0
        while not self._has_ended and len(self._buffer) - position >= _HEADER.size:
            if len(events) == max_events:
                self._may_have_more = True
                break
            kind, length = _HEADER.unpack_from(self._buffer, position)
            start = position + _HEADER.size
            if last := self._last_event(kind, length, self._offset + position):
                events.append(last)
                self._has_ended = True
            elif len(self._buffer) - start < length:
                break
            else:
                position = start + length
                events.append(self._event(kind, bytes(self._buffer[start:position])))
        self._consume(position)
        return events

    def take_frame(self, n_bytes: int) -> bool:
        """Take that the next bytes are one whole frame of audio, and no others came with it.

        Returns:
            Whether that can be; False: nothing was taken, and the bytes are to be received.
        """
        if self._buffer or self._has_ended or not self._is_identified:
            return False
        self._offset += n_bytes
        return True

    def receive_eof(self) -> list[AudioSocketEvent]:
        """Take the end of the stream: Asterisk says nothing else when the caller hangs up."""
        if self._has_ended:
            return []
        self._has_ended = True
        if not self._buffer:
            return [PeerHungUp()]
        return [ProtocolViolated(self._truncation())]

    def _consume(self, n_bytes: int) -> None:
        del self._buffer[:n_bytes]
        self._offset += n_bytes

    def _last_event(
        self, kind: int, length: int, offset: int
    ) -> PeerHungUp | ProtocolViolated | None:
        """Judge a frame by its header, so that no peer can make us wait for a payload in vain."""
        if rule := self._broken_rule(kind, length):
            return ProtocolViolated(RemoteProtocolError(_frame_error(rule, kind, length, offset)))
        return PeerHungUp() if kind == _HANGUP else None

    def _broken_rule(self, kind: int, length: int) -> str | None:
        if kind == _CALL_ID and self._is_identified:
            return "the call was already identified"
        if kind not in _KINDS_BEFORE_CALL_ID and not self._is_identified:
            return "the first frame must be the UUID (kind 0x01)"
        expected = _EXACT_LENGTHS.get(kind, length)
        return None if length == expected else f"the payload must be {expected} bytes"

    def _event(self, kind: int, payload: bytes) -> AudioSocketEvent:
        if kind in _RATE_HZ_BY_KIND:
            return AudioReceived(payload, _RATE_HZ_BY_KIND[kind])
        if kind == _CALL_ID:
            self._is_identified = True
            return CallIdentified(UUID(bytes=payload))
        if kind == _DTMF:
            return _dtmf_event(payload)
        if kind == _ERROR:
            return PeerReportedError(payload)
        return FrameSkipped(SkipReason.UNKNOWN_KIND, kind, len(payload))

    def _truncation(self) -> RemoteProtocolError:
        if len(self._buffer) < _HEADER.size:
            n_bytes = len(self._buffer)
            return RemoteProtocolError(
                f"the stream ended after {n_bytes} of {_HEADER.size} header bytes"
                f" (offset {self._offset})"
            )
        kind, length = _HEADER.unpack_from(self._buffer)
        n_bytes = len(self._buffer) - _HEADER.size
        rule = f"the stream ended after {n_bytes} payload bytes"
        return RemoteProtocolError(_frame_error(rule, kind, length, self._offset))


def audio_header(n_bytes: int, *, rate_hz: int) -> bytes:
    """Return what a frame of so many bytes of audio begins with, as :func:`serialize_audio` writes.

    Raises:
        LocalProtocolError: as that does.
    """
    kind = _KIND_BY_RATE_HZ.get(rate_hz)
    if kind is None:
        raise LocalProtocolError(f"audio at {rate_hz} Hz has no AudioSocket kind")
    if not 0 < n_bytes <= _MAX_PAYLOAD_BYTES or n_bytes % 2:
        raise LocalProtocolError(
            f"an audio payload of {n_bytes} bytes is not an even number in 2..{_MAX_PAYLOAD_BYTES}"
        )
    return _HEADER.pack(kind, n_bytes)


def serialize_audio(payload: bytes, *, rate_hz: int = 8000) -> bytes:
    """Return one frame of PCM16 little-endian audio.

    Raises:
        LocalProtocolError: if Asterisk would end the call over it (nothing in it, longer than a
            length can say), or it is not a whole number of samples, or the rate has no kind.
    """
    return audio_header(len(payload), rate_hz=rate_hz) + payload


def serialize_call_id(call_id: UUID) -> bytes:
    """Return the frame that a calling side begins with."""
    return _HEADER.pack(_CALL_ID, 16) + call_id.bytes


def serialize_dtmf(digit: str) -> bytes:
    """Return the frame by which a calling side says that a key was pressed.

    Asterisk takes no such frame: it ends the call over it.

    Raises:
        LocalProtocolError: if the digit is not one of ``0-9 * # A-D``.
    """
    if digit not in _DTMF_DIGITS:
        raise LocalProtocolError("a DTMF digit is one of 0-9 * # A-D")
    return _HEADER.pack(_DTMF, 1) + digit.encode("ascii")


def _dtmf_event(payload: bytes) -> DtmfReceived | FrameSkipped:
    digit = payload.decode("latin-1").upper()
    if digit not in _DTMF_DIGITS:
        return FrameSkipped(SkipReason.UNKNOWN_DIGIT, _DTMF, len(payload))
    return DtmfReceived(digit)


def _frame_error(rule: str, kind: int, length: int, offset: int) -> str:
    return f"{rule} (kind 0x{kind:02x}, length {length}, offset {offset})"
