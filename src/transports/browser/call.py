"""One browser's call without its socket: messages in, events of the line out; frames in, PCM out.

Invariant: :class:`~voxgate.transports.base.LineHangup` is the last event, each warning comes once
(how often it applied is counted), and a call whose token is refused never starts.
"""

from __future__ import annotations

__all__ = ["BROWSER_FORMAT", "BrowserCall"]

import hmac
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import assert_never

from ...core.audio import AudioFormat
from ...errors import LocalProtocolError
from ..audio_pieces import audio_pieces
from ..base import LineDtmf, LineEvent, LineHangup, LinePlayed, LineWarning
from ..repeated_warnings import RepeatedWarnings
from ..websocket_connection import StreamStats
from .played_frames import PlayedFrames
from .protocol import (
    AudioReceived,
    AudioSkipped,
    BrowserEvent,
    BrowserParser,
    CallerHungUp,
    DtmfReceived,
    HangupReason,
    MessageIgnored,
    PlayedReceived,
    ProtocolViolated,
    StartReceived,
    serialize_flush,
    serialize_hangup,
)

BROWSER_FORMAT = AudioFormat(rate_hz=16_000)
"""Format of the audio, in both directions: PCM16 at 16 kHz."""

_NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


class BrowserCall:
    """Parses the messages of one connection, and makes those that go back.

    Args:
        token: What the start must have; None where it need not have any.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token
        self._parser = BrowserParser()
        self._played = PlayedFrames()
        self._parameters: Mapping[str, str] | None = None
        self._received_frames = 0
        self._skipped_samples = 0
        self._warnings = RepeatedWarnings()

    @property
    def is_started(self) -> bool:
        """Whether the peer has sent a start, with the right token where there is one."""
        return self._parameters is not None

    @property
    def is_paused(self) -> bool:
        """Never: a browser takes what it is sent."""
        return False

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the start said of the call, by names of the page's own."""
        return _NO_PARAMETERS if self._parameters is None else self._parameters

    @property
    def skipped_samples(self) -> int:
        """Samples of the caller that were never sent, as the peer said."""
        return self._skipped_samples

    @property
    def stats(self) -> StreamStats:
        """What was received so far."""
        return StreamStats(
            received_frames=self._received_frames,
            void_marks=self._played.void_reports,
            warnings=self._warnings.counts,
        )

    def receive_text(self, text: str) -> list[LineEvent]:
        """Take the next text message and return the events that it comes to."""
        return self._line_events(self._parser.receive_text(text))

    def receive_binary(self, data: bytes) -> list[LineEvent]:
        """Take the next binary message, the caller's audio, and return its events."""
        return self._line_events(self._parser.receive_binary(data))

    def send_audio(self, frame: bytes) -> Sequence[bytes]:
        """Return the message that sends one frame, which counts as sent.

        Raises:
            LocalProtocolError: if the frame is not exactly 20 ms: what is played is counted in
                frames; or the call has not started.
        """
        if len(frame) != BROWSER_FORMAT.frame_bytes:
            raise LocalProtocolError(
                f"a frame of {len(frame)} bytes is not {BROWSER_FORMAT.frame_bytes}"
            )
        if not self.is_started:
            raise LocalProtocolError("nothing can be sent before the call has started")
        self._played.send()
        return (frame,)

    def leave_out_audio(self) -> None:
        """Take that the last frame never reaches the peer."""
        self._played.leave_out()

    def flush(self) -> Sequence[str]:
        """Return the message by which the browser forgets what it has not played."""
        return (serialize_flush(self._played.flush()),)

    def hang_up(self) -> Sequence[str]:
        """Return the message that says that the call is over."""
        return (serialize_hangup(HangupReason.ENDED),)

    def _line_events(self, event: BrowserEvent | None) -> list[LineEvent]:
        return [] if event is None else self._warnings.without_repeats(self._translated(event))

    def _translated(self, event: BrowserEvent) -> Sequence[LineEvent]:
        match event:
            case AudioReceived():
                self._received_frames += 1
                return audio_pieces(event.payload, BROWSER_FORMAT, event.timestamp_ms)
            case PlayedReceived(n_frames, flush):
                return self._played_events(n_frames, flush)
            case DtmfReceived(digit):
                return [LineDtmf(digit)]
            case StartReceived():
                return self._started(event)
            case AudioSkipped(n_samples):
                self._skipped_samples += n_samples
                return []
            case MessageIgnored(reason, name):
                return [LineWarning(f"browser.{reason}", name)]
            case CallerHungUp():
                return [LineHangup("caller_hangup")]
            case ProtocolViolated(error):
                return [LineHangup("protocol_error", str(error))]
        assert_never(event)

    def _started(self, start: StartReceived) -> Sequence[LineEvent]:
        if self._token is not None and not _is_same(start.token or "", self._token):
            return [LineHangup("protocol_error", "the token is missing or wrong")]
        self._parameters = start.parameters
        return []

    def _played_events(self, n_frames: int, flush: int) -> Sequence[LineEvent]:
        impossible_before = self._played.impossible_reports
        n_over = self._played.receive(n_frames, flush)
        if n_over is not None:
            return [LinePlayed(n_over)]
        if self._played.impossible_reports > impossible_before:
            detail = "frames were reported that were never sent"
            return [LineWarning("browser.impossible_played", detail)]
        return []


def _is_same(token: str, wanted: str) -> bool:
    """Compare in a time that says nothing of how much of it is right."""
    return hmac.compare_digest(token.encode(), wanted.encode())
