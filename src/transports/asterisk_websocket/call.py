"""One call of ``chan_websocket`` without its socket: messages in, events of the line out.

Asterisk plays what it is sent by its own clock. A mark behind each frame comes back when the frame
has been played; ``FLUSH_MEDIA`` destroys those that wait, and nothing is said of them.

Invariant: each warning comes once, how often it applied is counted, and a mark that comes back
after our own flush is not reported.
"""

from __future__ import annotations

__all__ = ["AsteriskWebSocketCall"]

from typing import assert_never

from ...errors import LocalProtocolError
from ..audio_pieces import audio_pieces
from ..base import LineDtmf, LineEvent, LineHangup, LinePlayed, LineWarning
from ..played_marks import PlayedMarks
from ..repeated_warnings import RepeatedWarnings
from ..websocket_connection import StreamStats, WebSocketMessage
from .events import (
    AudioReceived,
    BufferingCompleted,
    ChannelEvent,
    DtmfReceived,
    ErrorReported,
    MarkProcessed,
    MediaPaused,
    MediaResumed,
    MediaStarted,
    MessageSkipped,
    ProtocolViolated,
    QueueDrained,
    StatusReported,
)
from .frame_assembly import FrameAssembly
from .protocol import ChannelParser, Command, serialize_command

_FOREIGN_MARK = LineWarning(
    "asterisk_websocket.unknown_mark", "a mark that was never sent came back"
)
_PAUSED = LineWarning("asterisk_websocket.media_paused", "Asterisk's queue is full: MEDIA_XOFF")
_NO_MARKS = LineWarning(
    "asterisk_websocket.no_marks",
    "this Asterisk knows no MARK_MEDIA: what the caller has heard is estimated",
)


class AsteriskWebSocketCall:
    """Parses the messages of one connection, and makes those that go back."""

    def __init__(self) -> None:
        self._parser = ChannelParser()
        self._marks = PlayedMarks()
        self._has_marks = False
        self._started: MediaStarted | None = None
        self._assembly = FrameAssembly(1, 1)
        self._is_paused = False
        self._odd_byte = b""
        self._received_frames = 0
        self._warnings = RepeatedWarnings()

    @property
    def started(self) -> MediaStarted | None:
        """Which call this is; None before the peer has said it."""
        return self._started

    @property
    def is_started(self) -> bool:
        """Whether the peer has said which call this is."""
        return self._started is not None

    @property
    def is_paused(self) -> bool:
        """Whether Asterisk's queue is full."""
        return self._is_paused

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
        """Take the next audio and return the events that it comes to."""
        return self._line_events(self._parser.receive_binary(data))

    def answer(self) -> tuple[str]:
        """Return the message by which Asterisk answers the channel, where it has not yet.

        Raises:
            LocalProtocolError: the call has not started.
        """
        return (self._command(Command.ANSWER),)

    def send_audio(self, frame: bytes) -> tuple[WebSocketMessage, ...]:
        """Return the messages that send one frame: audio, and the mark behind it.

        Raises:
            LocalProtocolError: if the frame is not exactly 20 ms, or the call has not started.
        """
        frame_bytes = self._start().audio_format.frame_bytes
        if len(frame) != frame_bytes:
            raise LocalProtocolError(f"a frame of {len(frame)} bytes is not {frame_bytes}")
        audio = self._assembly.add(frame)
        name = self._marks.send_partly(self._assembly.held_frames)
        messages: tuple[WebSocketMessage, ...] = (audio,) if audio else ()
        if name is not None and self._has_marks:
            messages += (self._command(Command.MARK_MEDIA, name),)
        return messages

    def flush(self) -> tuple[str]:
        """Return the message by which Asterisk forgets what it has not played, marks included.

        Its queue is empty then, so that a pause that it asked for is over.

        Raises:
            LocalProtocolError: the call has not started.
        """
        command = self._command(Command.FLUSH_MEDIA)
        self._marks.clear()
        self._assembly.clear()
        self._is_paused = False
        return (command,)

    def hang_up(self) -> tuple[str]:
        """Return the message by which Asterisk hangs up the channel.

        Raises:
            LocalProtocolError: the call has not started.
        """
        return (self._command(Command.HANGUP),)

    def _command(self, command: Command, correlation_id: str | None = None) -> str:
        return serialize_command(command, self._start().control_format, correlation_id)

    def _start(self) -> MediaStarted:
        if self._started is None:
            raise LocalProtocolError("nothing can be sent before the call has started")
        return self._started

    def _line_events(self, event: ChannelEvent | None) -> list[LineEvent]:
        return self._warnings.without_repeats([] if event is None else self._translated(event))

    def _translated(self, event: ChannelEvent) -> list[LineEvent]:
        match event:
            case AudioReceived(payload):
                return self._captured(payload)
            case MarkProcessed(name):
                return self._played(name)
            case DtmfReceived(digit):
                return [LineDtmf(digit)]
            case MediaStarted():
                return self._begin(event)
            case MessageSkipped(reason, name):
                return [LineWarning(f"asterisk_websocket.{reason}", name)]
            case ErrorReported(text):
                return self._refused(text)
            case ProtocolViolated(error):
                return [LineHangup("protocol_error", str(error))]
            case MediaPaused() | MediaResumed() | StatusReported():
                return self._flow(event)
            case BufferingCompleted() | QueueDrained():
                return []  # neither is asked for
        assert_never(event)

    def _begin(self, started: MediaStarted) -> list[LineEvent]:
        self._started = started
        self._has_marks = started.has_marks
        self._assembly = FrameAssembly(
            started.audio_format.frame_bytes, started.optimal_frame_bytes
        )
        return [] if self._has_marks else [_NO_MARKS]

    def _captured(self, payload: bytes) -> list[LineEvent]:
        """Return audio in whole samples; half a sample waits for the next message."""
        self._received_frames += 1
        audio_format = self._start().audio_format
        audio = self._odd_byte + payload
        n_bytes = len(audio) - len(audio) % audio_format.sample_bytes
        self._odd_byte = audio[n_bytes:]
        return [*audio_pieces(audio[:n_bytes], audio_format)]

    def _flow(self, event: MediaPaused | MediaResumed | StatusReported) -> list[LineEvent]:
        was_paused = self._is_paused
        self._is_paused = isinstance(event, MediaPaused) or (
            isinstance(event, StatusReported) and event.is_full
        )
        return [_PAUSED] if self._is_paused and not was_paused else []

    def _played(self, name: str) -> list[LineEvent]:
        foreign_before = self._marks.foreign_marks
        n_frames = self._marks.receive(name)
        if n_frames is not None:
            return [LinePlayed(n_frames)]
        return [_FOREIGN_MARK] if self._marks.foreign_marks > foreign_before else []

    def _refused(self, text: str) -> list[LineEvent]:
        """Take that Asterisk could not do what it was told; without marks, it gets no more."""
        events: list[LineEvent] = [LineWarning("asterisk_websocket.peer_error", text)]
        if Command.MARK_MEDIA in text:  # in pass-through mode
            self._has_marks = False
            events.append(_NO_MARKS)
        return events
