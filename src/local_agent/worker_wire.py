"""What is said between this process and a worker: kind, job, payload, in frames of bytes.

Sans-IO. Invariant: however a stream is cut into reads, the same messages come out of it.
"""

from __future__ import annotations

__all__ = ["MAXIMUM_PAYLOAD_BYTES", "Message", "MessageKind", "MessageReader", "serialize_message"]

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from ..errors import RemoteProtocolError

_HEADER = struct.Struct("<BII")
"""Kind, job, bytes of the payload."""

MAXIMUM_PAYLOAD_BYTES = 16 * 1024 * 1024
"""More than any turn or sentence has: minutes of audio."""


class MessageKind(IntEnum):
    """What a message is; each says what its payload holds."""

    READY = 1
    """Worker: it can take jobs. JSON object on what it has loaded."""
    UNFIT = 2
    """Worker: it can't do its work and ends. UTF-8 reason, for the operator."""
    AUDIO = 3
    """Either: PCM of the job."""
    TEXT = 4
    """Either: UTF-8 text, to be spoken or heard so far."""
    END = 5
    """To the worker: the job has no more. Nothing."""
    CANCEL = 6
    """To the worker: nobody waits for the job any more; it answers ``LEFT``. Nothing."""
    DONE = 7
    """Worker: the job is done. UTF-8 text, or nothing."""
    FAILED = 8
    """Worker: the job could not be done. UTF-8 reason without anything of the job's content."""
    LEFT = 9
    """Worker: a job that was cancelled is left, and another can be taken. Nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message in either direction."""

    kind: MessageKind
    job: int = 0
    """Number of the job, from 1; 0 where it concerns none."""
    payload: bytes = field(default=b"", repr=False)

    @property
    def text(self) -> str:
        """The payload as text; what is no UTF-8 shows as U+FFFD."""
        return self.payload.decode("utf-8", "replace")


def serialize_message(message: Message) -> bytes:
    """Return a message as bytes."""
    return _HEADER.pack(message.kind, message.job, len(message.payload)) + message.payload


class MessageReader:
    """Takes bytes as they are read, gives whole messages."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Message]:
        """Take the next bytes and return the messages that they complete.

        Raises:
            RemoteProtocolError: unknown kind, or a payload larger than any.
        """
        self._buffer += data
        messages = []
        taken = 0
        while len(self._buffer) - taken >= _HEADER.size:
            kind, job, size = _parse_header(self._buffer, taken)
            start = taken + _HEADER.size
            if len(self._buffer) < start + size:
                break
            taken = start + size
            messages.append(Message(kind, job, bytes(self._buffer[start:taken])))
        del self._buffer[:taken]
        return messages


def _parse_header(buffer: bytearray, at: int) -> tuple[MessageKind, int, int]:
    number, job, size = _HEADER.unpack_from(buffer, at)
    if size > MAXIMUM_PAYLOAD_BYTES:
        raise RemoteProtocolError(f"a worker's message of {size} bytes")
    try:
        return MessageKind(number), job, size
    except ValueError:
        raise RemoteProtocolError(f"a worker's message of the unknown kind {number}") from None
