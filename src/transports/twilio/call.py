"""One Twilio stream without its socket: text in, events of the line out; frames in, messages out.

Invariant: :class:`~voxgate.transports.base.LineHangup` is the last event, and each warning comes
once; how often it applied is counted.
"""

from __future__ import annotations

__all__ = ["STREAM_FORMAT", "TwilioCall"]

from typing import assert_never

from ...core.audio import AudioFormat, Encoding
from ...errors import LocalProtocolError
from ..audio_pieces import audio_pieces
from ..base import LineDtmf, LineEvent, LineHangup, LinePlayed, LineWarning
from ..played_marks import PlayedMarks
from ..repeated_warnings import RepeatedWarnings
from ..websocket_connection import StreamStats
from .protocol import (
    DtmfReceived,
    MarkReceived,
    MediaReceived,
    MessageSkipped,
    ProtocolViolated,
    StreamConnected,
    StreamStarted,
    StreamStopped,
    TwilioEvent,
    TwilioParser,
    serialize_clear,
    serialize_mark,
    serialize_media,
)

STREAM_FORMAT = AudioFormat(Encoding.MULAW)
"""Format of the audio, in both directions: mu-law at 8 kHz."""

_FOREIGN_MARK = "twilio.unknown_mark"


class TwilioCall:
    """Parses the messages of one connection, and makes those that go back."""

    def __init__(self) -> None:
        self._parser = TwilioParser()
        self._marks = PlayedMarks()
        self._started: StreamStarted | None = None
        self._received_frames = 0
        self._warnings = RepeatedWarnings()

    @property
    def started(self) -> StreamStarted | None:
        """Which call this is; None before the peer has said it."""
        return self._started

    @property
    def is_started(self) -> bool:
        """Whether the peer has said which call this is."""
        return self._started is not None

    @property
    def is_paused(self) -> bool:
        """Never: a stream takes what it is sent."""
        return False

    @property
    def stats(self) -> StreamStats:
        """What was received so far."""
        return StreamStats(
            received_frames=self._received_frames,
            void_marks=self._marks.void_marks,
            warnings=self._warnings.counts,
        )

    def receive_text(self, text: str) -> list[LineEvent]:
        """Take the next text message and return the events that it comes to."""
        return self._line_events(self._parser.receive_text(text))

    def receive_binary(self, data: bytes) -> list[LineEvent]:
        """Take a binary message, which ends the call."""
        return self._line_events(self._parser.receive_binary(len(data)))

    def send_audio(self, frame: bytes) -> tuple[str, str]:
        """Return the messages that send one frame: its audio, and the mark behind it.

        Raises:
            LocalProtocolError: if the frame is not exactly 20 ms: parts of frames click; or the
                stream has not started.
        """
        if len(frame) != STREAM_FORMAT.frame_bytes:
            raise LocalProtocolError(
                f"a frame of {len(frame)} bytes is not {STREAM_FORMAT.frame_bytes}"
            )
        sid = self._stream_sid()
        return serialize_media(sid, frame), serialize_mark(sid, self._marks.send())

    def flush(self) -> tuple[str]:
        """Return the message by which the stream forgets what it has not played.

        Raises:
            LocalProtocolError: the stream has not started.
        """
        self._marks.clear()
        return (serialize_clear(self._stream_sid()),)

    def hang_up(self) -> tuple[()]:
        """Return nothing: a closed WebSocket says it all."""
        return ()

    def _stream_sid(self) -> str:
        if self._started is None:
            raise LocalProtocolError("nothing can be sent before the stream has started")
        return self._started.stream_sid

    def _line_events(self, event: TwilioEvent | None) -> list[LineEvent]:
        return self._warnings.without_repeats([] if event is None else self._translated(event))

    def _translated(self, event: TwilioEvent) -> list[LineEvent]:
        match event:
            case MediaReceived():
                self._received_frames += 1
                return [*audio_pieces(event.payload, STREAM_FORMAT, event.timestamp_ms)]
            case MarkReceived(name):
                return self._played(name)
            case DtmfReceived(digit):
                return [LineDtmf(digit)]
            case StreamConnected():
                return []
            case StreamStarted():
                self._started = event
                return []
            case MessageSkipped(reason, name):
                return [LineWarning(f"twilio.{reason}", name)]
            case StreamStopped():
                return [LineHangup("caller_hangup")]
            case ProtocolViolated(error):
                return [LineHangup("protocol_error", str(error))]
        assert_never(event)

    def _played(self, name: str) -> list[LineEvent]:
        foreign_before = self._marks.foreign_marks
        n_frames = self._marks.receive(name)
        if n_frames is not None:
            return [LinePlayed(n_frames)]
        if self._marks.foreign_marks > foreign_before:
            return [LineWarning(_FOREIGN_MARK, "a mark that was never sent came back")]
        return []
