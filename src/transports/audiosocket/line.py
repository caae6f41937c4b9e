"""An AudioSocket call as the engine sees it.

Invariant: nothing here waits but :meth:`AudioSocketLine.hangup`; the pace of playout is the
engine's.
"""

from __future__ import annotations

__all__ = ["AUDIOSOCKET_CAPABILITIES", "AudioSocketLine", "AudioSocketStats"]

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from ...core.audio import AudioFormat
from ..base import FrameTaker, LineCapabilities, LineEvent, Transfer
from ..call_metadata import NO_METADATA
from .connection import AudioSocketConnection
from .protocol import audio_header, serialize_audio

AUDIOSOCKET_CAPABILITIES = LineCapabilities(max_silence_ms=2000, can_flush=False, max_lead_ms=0)
"""Asterisk ends a call after 2,000 ms without a frame, keeps what it was sent, and plays a burst as
fast as it came: measured with Asterisk 23."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSocketStats:
    """What happened on a line so far."""

    received_frames: int
    """Audio frames that came, of any length."""
    short_frames: int
    """Audio frames that held less than 20 ms."""
    dropped_received_frames: int
    """Audio lost because the engine did not take it: the oldest of more than 10 s."""
    dropped_received_events: int
    """Key presses and warnings lost for the same reason."""
    sent_frames: int
    """Frames handed to the socket."""
    dropped_sent_frames: int
    """Frames left out because the peer did not read."""
    warnings: Mapping[str, int]
    """How often each warning applied, by its code."""


class AudioSocketLine:
    """One call; made by :class:`~voxgate.transports.audiosocket.AudioSocketTransport`.

    Args:
        call_id: The UUID that the dialplan gave the call, as text.
        connection: The accepted socket.
        capture_format: Format of the audio events.
        playout_format: Format of :meth:`send_audio`: PCM16 at a rate that has a frame kind.
        metadata: What is known of the call; AudioSocket itself says which call it is, and no more.
        transfer: What hands the call over; None where nothing does.
    """

    def __init__(
        self,
        call_id: str,
        connection: AudioSocketConnection,
        *,
        capture_format: AudioFormat,
        playout_format: AudioFormat,
        metadata: Mapping[str, str] = NO_METADATA,
        transfer: Transfer | None = None,
    ) -> None:
        self._call_id = call_id
        self._connection = connection
        self._capture_format = capture_format
        self._playout_format = playout_format
        self._metadata = metadata
        self._transfer = transfer
        self._frame_bytes = playout_format.frame_bytes
        self._header = audio_header(self._frame_bytes, rate_hz=playout_format.rate_hz)
        """Of a whole frame on the wire."""

    @property
    def kind(self) -> str:
        """``audiosocket``."""
        return "audiosocket"

    @property
    def call_id(self) -> str:
        """The UUID of the call, in lower-case text."""
        return self._call_id

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the configuration and the operator's own system know of the call."""
        return self._metadata

    @property
    def transfer(self) -> Transfer | None:
        """What hands the call over, so that Asterisk takes it off this line; None: nothing can."""
        return self._transfer

    @property
    def capabilities(self) -> LineCapabilities:
        """What this line is like."""
        return AUDIOSOCKET_CAPABILITIES

    @property
    def capture_format(self) -> AudioFormat:
        """Format of the audio events: PCM16 at the rate of the call's first frame."""
        return self._capture_format

    @property
    def playout_format(self) -> AudioFormat:
        """Format that :meth:`send_audio` takes."""
        return self._playout_format

    @property
    def stats(self) -> AudioSocketStats:
        """What happened so far."""
        connection = self._connection
        capture = connection.call.stats
        return AudioSocketStats(
            received_frames=capture.received_frames,
            short_frames=capture.short_frames,
            dropped_received_frames=connection.events.dropped_audio_frames,
            dropped_received_events=connection.events.dropped_other_events,
            sent_frames=connection.backlog.sent_frames,
            dropped_sent_frames=connection.backlog.dropped_frames,
            warnings=capture.warnings,
        )

    def events(self) -> AsyncIterator[LineEvent]:
        """Yield events until :class:`~voxgate.transports.base.LineHangup`; one consumer.

        Cancelling the consumer loses no event.
        """
        return self._connection.events.drain()

    def deliver_to(self, taker: FrameTaker | None) -> None:
        """Deliver frames as they are read; None: no more."""
        self._connection.events.deliver_to(taker)

    def send_audio(self, frame: bytes) -> None:
        """Send one frame in one write; never blocks.

        A frame that finds 2 s of audio waiting is left out and counted; 5 s of frames left out in a
        row end the call with ``transport_error``. After the end of the call, nothing happens.

        Raises:
            LocalProtocolError: if the frame is empty, not a whole number of samples, or longer
                than 65,535 bytes: Asterisk would end the call over it.
        """
        if len(frame) == self._frame_bytes:
            self._connection.send(self._header + frame)
        else:
            self._connection.send(serialize_audio(frame, rate_hz=self._playout_format.rate_hz))

    def flush(self) -> None:
        """Do nothing: Asterisk plays what it was sent."""

    async def hangup(self) -> None:
        """End the call, and wait up to 1 s for the peer to close; idempotent.

        When cancelled, the connection is closed all the same.
        """
        await self._connection.hang_up()
