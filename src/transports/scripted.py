"""A line without a network: a test, or a simulation, plays the caller.

Invariant: it behaves at its :class:`~voxgate.transports.base.Line` side as lines with a socket do;
both pass the same conformance suite.
"""

from __future__ import annotations

__all__ = ["ScriptedLine", "ScriptedTransport"]

from collections.abc import AsyncIterator, Iterable, Mapping

from ..core.audio import AudioFormat
from ..errors import LocalProtocolError
from .base import (
    CallHandler,
    FrameTaker,
    LineAudio,
    LineCapabilities,
    LineEvent,
    LineHangup,
)
from .event_queue import LineEventQueue
from .write_backlog import Admission, WriteBacklog

_CAPABILITIES = LineCapabilities(max_silence_ms=None, can_flush=False, max_lead_ms=0)


class ScriptedLine:
    """One call whose caller is code.

    Args:
        call_id: Identifies the call.
        capture_format: Format of the audio events.
        playout_format: Format of :meth:`send_audio`.
        kind: The kind of line that it plays.
        capabilities: What the engine is told of the line.
        metadata: What the engine is told of the call.
        script: Events that wait from the start.
        max_waiting_frames: Frames that wait for a caller who does not read.
        max_dropped_in_a_row: Frames dropped in a row after which the line breaks.
    """

    def __init__(
        self,
        call_id: str = "scripted-1",
        *,
        kind: str = "scripted",
        capture_format: AudioFormat | None = None,
        playout_format: AudioFormat | None = None,
        capabilities: LineCapabilities = _CAPABILITIES,
        metadata: Mapping[str, str] | None = None,
        script: Iterable[LineEvent] = (),
        max_waiting_frames: int = 100,
        max_dropped_in_a_row: int = 250,
    ) -> None:
        self._call_id = call_id
        self._kind = kind
        self._capture_format = capture_format or AudioFormat()
        self._playout_format = playout_format or AudioFormat()
        self._capabilities = capabilities
        self._metadata = dict(metadata or {})
        self._events = LineEventQueue()
        self._backlog = WriteBacklog(
            max_frames=max_waiting_frames, max_dropped_in_a_row=max_dropped_in_a_row
        )
        self._is_read = True
        self._waiting: list[bytes] = []
        self._heard: list[bytes] = []
        self._flushed_at: list[int] = []
        for event in script:
            self.receive(event)

    @property
    def kind(self) -> str:
        """The kind of line that it plays."""
        return self._kind

    @property
    def call_id(self) -> str:
        """Identifies the call."""
        return self._call_id

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the engine is told of the call."""
        return self._metadata

    @property
    def capabilities(self) -> LineCapabilities:
        """What this line is like."""
        return self._capabilities

    @property
    def capture_format(self) -> AudioFormat:
        """Format of the audio events."""
        return self._capture_format

    @property
    def playout_format(self) -> AudioFormat:
        """Format that :meth:`send_audio` takes."""
        return self._playout_format

    @property
    def heard(self) -> tuple[bytes, ...]:
        """Frames that reached the caller, in order."""
        return tuple(self._heard)

    @property
    def flushed_at(self) -> tuple[int, ...]:
        """How many frames had reached the caller at each flush; what a flush means is up to it."""
        return tuple(self._flushed_at)

    @property
    def dropped_sent_frames(self) -> int:
        """Frames left out because the caller did not read."""
        return self._backlog.dropped_frames

    @property
    def dropped_received_frames(self) -> int:
        """Audio events lost because the engine did not take them."""
        return self._events.dropped_audio_frames

    @property
    def hangup_event(self) -> LineHangup | None:
        """Why the call is over; None as long as it lives."""
        return self._events.hangup

    def receive(self, event: LineEvent) -> None:
        """Let the caller's side do something; ignored once the call is over."""
        self._events.put(event)

    def deliver(self, audio: bytes, timestamp_ms: float | None = None) -> None:
        """Let the caller's side say something that is read alone: it may be taken at once."""
        self._events.deliver(LineAudio(audio, timestamp_ms))

    def deliver_to(self, taker: FrameTaker | None) -> None:
        """Deliver audio as it is read; None: no more."""
        self._events.deliver_to(taker)

    def stop_reading(self) -> None:
        """Let what is sent pile up, as before a peer whose socket is full."""
        self._is_read = False

    def resume_reading(self) -> None:
        """Deliver what has piled up, and read on."""
        self._is_read = True
        self._heard += self._waiting
        self._waiting.clear()

    def events(self) -> AsyncIterator[LineEvent]:
        """Yield events until :class:`~voxgate.transports.base.LineHangup`; one consumer."""
        return self._events.drain()

    def send_audio(self, frame: bytes) -> None:
        """Send one 20 ms frame; never blocks.

        Raises:
            LocalProtocolError: if the frame is empty or not a whole number of samples.
        """
        if not frame or len(frame) % self._playout_format.sample_bytes:
            raise LocalProtocolError(f"{len(frame)} bytes are not a whole number of samples")
        if self._events.is_closed:
            return
        waiting_bytes = sum(map(len, self._waiting))
        match self._backlog.admit(len(frame), waiting_bytes):
            case Admission.SEND:
                (self._heard if self._is_read else self._waiting).append(frame)
            case Admission.GIVE_UP:
                self._events.put(LineHangup("transport_error", "the peer does not read"))

    def flush(self) -> None:
        """Note that the engine wants what was not played forgotten."""
        self._flushed_at.append(len(self._heard))

    async def hangup(self) -> None:
        """End the call; idempotent."""
        self._events.put(LineHangup("local_hangup"))


class ScriptedTransport:
    """A server of scripted lines."""

    def __init__(self) -> None:
        self._handler: CallHandler | None = None

    @property
    def address(self) -> tuple[str, int]:
        """No address: nothing listens."""
        return ("scripted", 0)

    async def start(self, handler: CallHandler) -> None:
        """Take calls from now on."""
        self._handler = handler

    async def stop(self) -> None:
        """Take no more calls."""
        self._handler = None

    async def wait_closed(self) -> None:
        """Return at once: nobody asks anything of a call that has ended."""

    async def place_call(self, line: ScriptedLine) -> None:
        """Serve one call to its end, in the task of the one who places it.

        Raises:
            LocalProtocolError: if the transport is not started.
        """
        if self._handler is None:
            raise LocalProtocolError("no call can be placed: the transport is not started")
        try:
            await self._handler(line)
        finally:
            await line.hangup()
