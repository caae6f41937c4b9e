"""A call over a WebSocket as the engine sees it, whatever its messages are.

Invariant: nothing here waits but :meth:`WebSocketLine.hangup`; the pace of playout is the engine's.
"""

from __future__ import annotations

__all__ = ["LineFacts", "WebSocketLine", "WebSocketLineStats"]

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..core.audio import AudioFormat
from .base import FrameTaker, LineCapabilities, LineEvent, Transfer
from .websocket_connection import WebSocketCall, WebSocketConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """What is known of a call once it has started; see :class:`~voxgate.transports.base.Line`."""

    kind: str
    """The kind of line, by its name in the section ``lines``."""
    call_id: str
    """Identifies the call; unique while it lives."""
    capabilities: LineCapabilities
    """What a line of this kind is like."""
    capture_format: AudioFormat
    """Format of the audio events."""
    playout_format: AudioFormat
    """Format of the frames sent."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What is known of the call, by name."""
    transfer: Transfer | None = None
    """Hands the call over, where the line can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketLineStats:
    """What happened on a line so far."""

    received_frames: int
    """Messages with audio that came, of any length."""
    dropped_received_frames: int
    """Audio lost because the engine did not take it: the oldest of more than 10 s."""
    dropped_received_events: int
    """Key presses, warnings and reports of playing lost for the same reason."""
    sent_frames: int
    """Frames queued for the socket."""
    dropped_sent_frames: int
    """Frames left out because the peer did not read, or asked for a pause."""
    void_marks: int
    """Reports of playing that proved nothing, as they came after our own flush."""
    warnings: Mapping[str, int]
    """How often each warning applied, by its code."""


CallT = TypeVar("CallT", bound=WebSocketCall)


class WebSocketLine(Generic[CallT]):
    """One call, which has started.

    Args:
        connection: Its WebSocket.
        facts: What is known of it.
    """

    def __init__(self, connection: WebSocketConnection[CallT], facts: LineFacts) -> None:
        self.connection = connection
        """What the transport that made the line sends its own messages by."""
        self._facts = facts

    @property
    def call(self) -> CallT:
        """The call without its socket, and what only its kind of line knows of it."""
        return self.connection.call

    @property
    def kind(self) -> str:
        """The kind of line, by its name in the section ``lines``."""
        return self._facts.kind

    @property
    def call_id(self) -> str:
        """Identifies the call; unique while it lives."""
        return self._facts.call_id

    @property
    def metadata(self) -> Mapping[str, str]:
        """What is known of the call, by name."""
        return self._facts.metadata

    @property
    def capabilities(self) -> LineCapabilities:
        """What this line is like."""
        return self._facts.capabilities

    @property
    def capture_format(self) -> AudioFormat:
        """Format of the audio events."""
        return self._facts.capture_format

    @property
    def playout_format(self) -> AudioFormat:
        """Format that :meth:`send_audio` takes."""
        return self._facts.playout_format

    @property
    def transfer(self) -> Transfer | None:
        """Hands the call over; None where the line can't."""
        return self._facts.transfer

    @property
    def stats(self) -> WebSocketLineStats:
        """What happened so far."""
        stream = self.call.stats
        events, backlog = self.connection.events, self.connection.backlog
        return WebSocketLineStats(
            received_frames=stream.received_frames,
            dropped_received_frames=events.dropped_audio_frames,
            dropped_received_events=events.dropped_other_events,
            sent_frames=backlog.sent_frames,
            dropped_sent_frames=backlog.dropped_frames,
            void_marks=stream.void_marks,
            warnings=stream.warnings,
        )

    def events(self) -> AsyncIterator[LineEvent]:
        """Yield events until :class:`~voxgate.transports.base.LineHangup`; one consumer.

        Cancelling the consumer loses no event.
        """
        return self.connection.events.drain()

    def deliver_to(self, taker: FrameTaker | None) -> None:
        """Deliver audio as it is read; None: no more."""
        self.connection.events.deliver_to(taker)

    def send_audio(self, frame: bytes) -> None:
        """Send one frame; never blocks.

        A frame that finds 2 s of audio waiting is left out and counted; 5 s of frames left out in a
        row end the call with ``transport_error``. After the end of the call, nothing happens.

        Raises:
            LocalProtocolError: if the frame is not exactly 20 ms: parts of frames click.
        """
        self.connection.send(frame)

    def flush(self) -> None:
        """Let the peer forget what it has not played; never blocks."""
        self.connection.flush()

    async def hangup(self) -> None:
        """Close the WebSocket, and wait up to 1 s for the peer to do so; idempotent."""
        await self.connection.hang_up()
