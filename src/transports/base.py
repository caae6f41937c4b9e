"""What the engine asks of a telephone line, and what a line tells the engine.

Invariant: audio trouble on a line is data (events and counters), never an exception; a broken peer
ends its own call only.
"""

from __future__ import annotations

__all__ = [
    "CALLED_NUMBER",
    "CALLER_NUMBER",
    "CallHandler",
    "FrameTaker",
    "Line",
    "LineAudio",
    "LineCapabilities",
    "LineDtmf",
    "LineEvent",
    "LineHangup",
    "LinePlayed",
    "LineWarning",
    "Transfer",
    "Transport",
]

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..core.audio import AudioFormat

CALLED_NUMBER = "called_number"
"""Name of the metadata that says which number or extension was dialled, as the peer writes it.
Reserved: a line that knows the number gives it under this name, whatever its own protocol says."""

CALLER_NUMBER = "caller_number"
"""Name of the metadata that says who calls; reserved too, and personal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCapabilities:
    """What a line of this kind is like."""

    max_silence_ms: int | None
    """The line ends the call after so long without a frame from us; None if it never does."""
    can_flush: bool
    """The line buffers what it was sent and can be told to forget it."""
    max_lead_ms: int
    """How far ahead of real time we may send; 0 where nothing but our own pace exists."""


@dataclass(frozen=True, slots=True)
class LineAudio:
    """Captured audio in the line's capture format; any length, as it came."""

    audio: bytes
    """The bytes, as they came."""
    timestamp_ms: float | None = None
    """Where it begins on the line's own clock, which starts anywhere; None where the line has no
    clock, and audio lies where it arrives."""


@dataclass(frozen=True, slots=True)
class LineDtmf:
    """The caller pressed a key."""

    digit: str
    """One of ``0-9 * # A-D``."""


@dataclass(frozen=True, slots=True)
class LinePlayed:
    """A line that buffers has played what it was sent, up to here."""

    n_frames: int
    """Frames of all that were given to :meth:`Line.send_audio`, from the first one on."""


@dataclass(frozen=True, slots=True)
class LineWarning:
    """Something odd that the call survives; counted and logged once a call."""

    code: str
    """Closed set, dotted snake_case, such as ``audiosocket.unknown_kind``."""
    detail: str = ""
    """More of it, for the log; never audio, digits or numbers."""


@dataclass(frozen=True, slots=True)
class LineHangup:
    """The line is gone: the last event."""

    reason: str
    """``caller_hangup``, ``local_hangup``, ``protocol_error`` or ``transport_error``."""
    detail: str = ""
    """More of it, for the log; empty where there is nothing to add."""


LineEvent = LineAudio | LineDtmf | LinePlayed | LineWarning | LineHangup
"""What a line tells the engine."""


class Line(Protocol):
    """One call on a line.

    A line of a kind that can hand its call over has ``transfer`` besides, a :data:`Transfer`, or
    None where the configuration does not say how. One that can deliver audio as it reads it has
    ``deliver_to``, which takes a :data:`FrameTaker`, or None to deliver no more: the engine then
    needs no task for the frame.
    """

    @property
    def kind(self) -> str:
        """The kind of line, by the name that the section ``lines`` of the configuration has."""

    @property
    def call_id(self) -> str:
        """Identifies the call in logs and traces; unique while the call lives."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """What is known of the call, by name; often nothing. Never logged.

        :data:`CALLED_NUMBER` and :data:`CALLER_NUMBER` mean the same on every line; the other names
        are the peer's own. Fixed once the line was handed to the engine.
        """

    @property
    def capabilities(self) -> LineCapabilities:
        """What this line is like."""

    @property
    def capture_format(self) -> AudioFormat:
        """Format of :class:`LineAudio`; fixed once the line was handed to the engine."""

    @property
    def playout_format(self) -> AudioFormat:
        """Format that :meth:`send_audio` takes."""

    def events(self) -> AsyncIterator[LineEvent]:
        """Yield events until :class:`LineHangup`; one consumer."""

    def send_audio(self, frame: bytes) -> None:
        """Send one 20 ms frame in one write; never blocks. A peer that does not read is counted."""

    def flush(self) -> None:
        """Let the line forget what it has not played; never blocks.

        What it says of these frames afterwards is not reported. A line that can't be told to forget
        does nothing.
        """

    async def hangup(self) -> None:
        """End the call; idempotent."""


Transfer = Callable[[str], Awaitable[None]]
"""Hands a call over to a number or an address, in whatever form the peer takes; never logged. The
call then leaves its line by itself; TransportError says that it failed and goes on."""

FrameTaker = Callable[[LineAudio], bool]
"""Takes audio in the turn of the loop in which it is read, and says whether it has; False: it has
to wait with the other events. Never raises. Given what is read alone, as several at once would hold
the loop, and only while no event waits; taken up to the end of the iteration over the events."""

CallHandler = Callable[[Line], Awaitable[None]]
"""Serves one call from start to end; never raises."""


class Transport(Protocol):
    """A server of lines of one kind."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on, once it is started."""

    async def start(self, handler: CallHandler) -> None:
        """Listen; each new line is handed to ``handler`` in a task of its own.

        Raises:
            TransportError: if the address can't be bound.
        """

    async def stop(self) -> None:
        """Stop to accept calls; running ones are the engine's to end."""

    async def wait_closed(self) -> None:
        """Wait, after :meth:`stop`, until the last call has ended and its peer asks nothing more.

        At once where nothing was started.
        """
