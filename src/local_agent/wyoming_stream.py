"""The Wyoming protocol's stream: bytes in, events of the ``wyoming`` package out, and back.

A line of JSON, more JSON, and a payload make an event. The package's own reader takes whatever
length a peer announces, and what it can't read for the end of the stream; this one has bounds and
says what is wrong. Sans-IO. Invariant: however a stream is cut, the same events come out of it.
"""

from __future__ import annotations

__all__ = [
    "MAXIMUM_DATA_BYTES",
    "MAXIMUM_HEADER_BYTES",
    "MAXIMUM_PAYLOAD_BYTES",
    "EventReader",
    "serialize_event",
]

import json
from typing import Any

from wyoming.event import Event
from wyoming.version import __version__ as wyoming_version

from ..errors import RemoteProtocolError

MAXIMUM_HEADER_BYTES = 1 << 20
"""Longest line. Old servers put all of their description there."""
MAXIMUM_DATA_BYTES = 1 << 22
"""Most further JSON; the description of a server with some hundred voices has a tenth of it."""
MAXIMUM_PAYLOAD_BYTES = 1 << 24
"""Longest sound in one event, minutes of it."""


def serialize_event(event: Event) -> bytes:
    """Return an event as bytes."""
    data = json.dumps(event.data, ensure_ascii=False).encode() if event.data else b""
    header: dict[str, Any] = {"type": event.type, "version": wyoming_version}
    if data:
        header["data_length"] = len(data)
    if event.payload:
        header["payload_length"] = len(event.payload)
    return json.dumps(header).encode() + b"\n" + data + (event.payload or b"")


class EventReader:
    """Takes bytes as they are read, gives whole events."""

    __slots__ = ("_buffer", "_header", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._header: _Header | None = None

    def receive(self, data: bytes) -> list[Event]:
        """Take the next bytes and return the events that they complete.

        Raises:
            RemoteProtocolError: they are no events, or larger ones than any. The stream is lost.
        """
        self._buffer += data
        events = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self) -> Event | None:
        if self._header is None and not self._find_header():
            return None
        header = self._header
        if header is None or len(self._buffer) < header.data_bytes + header.payload_bytes:
            return None
        self._header = None
        data = self._take(header.data_bytes)
        payload = self._take(header.payload_bytes)
        fields = {**header.fields, **(_parse_object(data) if data else {})}
        return Event(type=header.type, data=fields, payload=payload or None)

    def _find_header(self) -> bool:
        end = self._buffer.find(b"\n", self._searched)
        if (len(self._buffer) if end < 0 else end) > MAXIMUM_HEADER_BYTES:
            raise RemoteProtocolError(f"a line of more than {MAXIMUM_HEADER_BYTES} bytes")
        if end < 0:
            self._searched = len(self._buffer)
            return False
        self._searched = 0
        self._header = _Header(_parse_object(self._take(end + 1)))
        return True

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


class _Header:
    """What the line of an event says."""

    __slots__ = ("data_bytes", "fields", "payload_bytes", "type")

    def __init__(self, header: dict[str, Any]) -> None:
        self.type: str = _checked(header.get("type"), str, "type")
        self.fields: dict[str, Any] = _checked(header.get("data") or {}, dict, "data")
        self.data_bytes = _length(header, "data_length", MAXIMUM_DATA_BYTES)
        self.payload_bytes = _length(header, "payload_length", MAXIMUM_PAYLOAD_BYTES)


def _length(header: dict[str, Any], key: str, maximum: int) -> int:
    value = header.get(key)
    size: int = 0 if value is None else _checked(value, int, key)
    if isinstance(value, bool) or not 0 <= size <= maximum:
        raise RemoteProtocolError(f"{key} is not in 0..{maximum}")
    return size


def _checked(value: Any, kind: type, key: str) -> Any:
    if not isinstance(value, kind):
        raise RemoteProtocolError(f"{key} is of the wrong type")
    return value


def _parse_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise RemoteProtocolError("what should be JSON is not") from None
    fields: dict[str, Any] = _checked(value, dict, "an event")
    return fields
