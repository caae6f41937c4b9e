"""A Twilio call as the engine sees it.

Invariant: nothing here waits but :meth:`TwilioLine.hangup`; the pace of playout is the engine's.
"""

from __future__ import annotations

__all__ = ["TWILIO_CAPABILITIES", "TwilioLine", "TwilioLineStats"]

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from ...core.audio import AudioFormat
from ..base import LineCapabilities, LineEvent
from .call import STREAM_FORMAT
from .connection import TwilioConnection
from .protocol import StreamStarted

TWILIO_CAPABILITIES = LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200)
"""Twilio buffers what it is sent, plays it at real time, forgets it on ``clear``, and needs no
silence. 200 ms outlast a stall of the network or of this process, and are soon cleared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioLineStats:
    """What happened on a line so far."""

    received_frames: int
    """Media messages that came, of any length."""
    dropped_received_frames: int
    """Audio lost because the engine did not take it: the oldest of more than 10 s."""
    dropped_received_events: int
    """Key presses, warnings and reports of playing lost for the same reason."""
    sent_frames: int
    """Frames queued for the socket."""
    dropped_sent_frames: int
    """Frames left out because the peer did not read."""
    void_marks: int
    """Marks that proved nothing, as they came after our own clear."""
    warnings: Mapping[str, int]
    """How often each warning applied, by its code."""


class TwilioLine:
    """One call; made by :class:`~voxgate.transports.twilio.TwilioTransport`.

    Args:
        connection: The WebSocket, whose stream has started.
        started: What its start said.
    """

    def __init__(self, connection: TwilioConnection, started: StreamStarted) -> None:
        self._connection = connection
        self._started = started

    @property
    def kind(self) -> str:
        """``twilio``."""
        return "twilio"

    @property
    def call_id(self) -> str:
        """The stream's SID; a call may have several streams, one after the other."""
        return self._started.stream_sid

    @property
    def call_sid(self) -> str:
        """The SID of Twilio's call, as its console shows it."""
        return self._started.call_sid

    @property
    def metadata(self) -> Mapping[str, str]:
        """The custom parameters of the TwiML, by name."""
        return self._started.parameters

    @property
    def capabilities(self) -> LineCapabilities:
        """What this line is like."""
        return TWILIO_CAPABILITIES

    @property
    def capture_format(self) -> AudioFormat:
        """Format of the audio events: mu-law at 8 kHz."""
        return STREAM_FORMAT

    @property
    def playout_format(self) -> AudioFormat:
        """Format that :meth:`send_audio` takes: mu-law at 8 kHz."""
        return STREAM_FORMAT

    @property
    def stats(self) -> TwilioLineStats:
        """What happened so far."""
        connection = self._connection
        stream = connection.call.stats
        return TwilioLineStats(
            received_frames=stream.received_frames,
            dropped_received_frames=connection.events.dropped_audio_frames,
            dropped_received_events=connection.events.dropped_other_events,
            sent_frames=connection.backlog.sent_frames,
            dropped_sent_frames=connection.backlog.dropped_frames,
            void_marks=stream.void_marks,
            warnings=stream.warnings,
        )

    def events(self) -> AsyncIterator[LineEvent]:
        """Yield events until :class:`~voxgate.transports.base.LineHangup`; one consumer.

        Cancelling the consumer loses no event.
        """
        return self._connection.events.drain()

    def send_audio(self, frame: bytes) -> None:
        """Send one frame and a mark behind it; never blocks.

        A frame that finds 2 s of audio waiting is left out and counted; 5 s of frames left out in a
        row end the call with ``transport_error``. After the end of the call, nothing happens.

        Raises:
            LocalProtocolError: if the frame is not exactly 20 ms: parts of frames click.
        """
        self._connection.send(frame)

    def flush(self) -> None:
        """Let Twilio forget what it has not played; never blocks."""
        self._connection.flush()

    async def hangup(self) -> None:
        """Close the WebSocket, and wait up to 1 s for Twilio to do so; idempotent.

        Twilio then goes on with the TwiML behind ``<Connect>``, and hangs up where there is none.
        """
        await self._connection.hang_up()
