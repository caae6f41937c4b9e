"""One AudioSocket call without its socket: bytes in, events of the line out.

Invariant: :class:`~voxgate.transports.base.LineHangup` is the last event, and each warning comes
once; how often it applied is counted.
"""

from __future__ import annotations

__all__ = ["AudioSocketCall", "CaptureStats"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from ...core.audio import G711_RATE_HZ, AudioFormat
from ..base import LineAudio, LineDtmf, LineEvent, LineHangup, LineWarning
from ..repeated_warnings import RepeatedWarnings
from .capture import AudioSocketCapture
from .protocol import (
    AudioReceived,
    AudioSocketEvent,
    AudioSocketParser,
    CallIdentified,
    DtmfReceived,
    FrameSkipped,
    PeerHungUp,
    PeerReportedError,
    ProtocolViolated,
)

_SHOWN_ERROR_BYTES = 4
"""Bytes of an application's own error code that a warning shows; Asterisk defines one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureStats:
    """What was received on a call so far."""

    received_frames: int
    """Audio frames, of any length."""
    short_frames: int
    """Audio frames of less than 20 ms."""
    warnings: Mapping[str, int]
    """How often each warning applied, by its code."""


class AudioSocketCall:
    """Parses the stream of one connection and brings its audio into one format."""

    def __init__(self) -> None:
        self._parser = AudioSocketParser()
        self._capture = AudioSocketCapture()
        self._call_id: UUID | None = None
        self._received_frames = 0
        self._warnings = RepeatedWarnings()

    @property
    def call_id(self) -> UUID | None:
        """Which call this is; None before the peer has said it."""
        return self._call_id

    @property
    def capture_format(self) -> AudioFormat | None:
        """Format of the audio events; None as long as it is not fixed."""
        return self._capture.format

    @property
    def stats(self) -> CaptureStats:
        """What was received so far."""
        return CaptureStats(
            received_frames=self._received_frames,
            short_frames=self._capture.short_frames,
            warnings=self._warnings.counts,
        )

    def fix_capture_format(self, rate_hz: int = G711_RATE_HZ) -> AudioFormat:
        """Fix the format, at ``rate_hz`` if no audio has come yet, and return it."""
        return self._capture.fix_format(rate_hz)

    @property
    def may_have_more(self) -> bool:
        """Whether ``max_frames`` kept the last call from taking all that it could."""
        return self._parser.may_have_more

    def receive_frame(self, data: bytes) -> LineAudio | None:
        """Take the next bytes if they are one frame to which there is nothing, as nearly always.

        Returns:
            Its audio; None: nothing was taken, and the bytes are for :meth:`receive_data`.
        """
        audio = self._capture.receive_wire(data)
        if audio is None or not self._parser.take_frame(len(data)):
            return None
        self._received_frames += 1
        return audio

    def receive_data(self, data: bytes, max_frames: int | None = None) -> list[LineEvent]:
        """Take the next bytes of the connection and return the events that they complete.

        Args:
            data: The bytes; none of them to go on where :attr:`may_have_more`.
            max_frames: How many frames are taken at most; the others keep until the next call.
                None: all.
        """
        return self._line_events(self._parser.receive_data(data, max_frames))

    def receive_eof(self) -> list[LineEvent]:
        """Take the end of the stream and return the last event, unless it was there before."""
        return self._line_events(self._parser.receive_eof())

    def _line_events(self, wire_events: list[AudioSocketEvent]) -> list[LineEvent]:
        events: list[LineEvent] = []
        for wire_event in wire_events:
            if isinstance(wire_event, AudioReceived):
                self._received_frames += 1
                audio = self._capture.receive_plain(wire_event)
                if audio is not None:
                    events.append(audio)
                    continue
            events += self._warnings.without_repeats(self._translated(wire_event))
        return events

    def _translated(self, event: AudioSocketEvent) -> list[LineEvent]:
        match event:
            case AudioReceived():
                return list(self._capture.receive_audio(event))
            case CallIdentified(call_id):
                self._call_id = call_id
                return []
            case DtmfReceived(digit):
                return [LineDtmf(digit)]
            case FrameSkipped(reason, kind, length):
                detail = f"kind 0x{kind:02x}, length {length}"
                return [LineWarning(f"audiosocket.{reason}", detail)]
            case PeerReportedError(code):
                return [LineWarning("audiosocket.peer_error", _shown_error(code))]
            case PeerHungUp():
                return [LineHangup("caller_hangup")]
            case ProtocolViolated(error):
                return [LineHangup("protocol_error", str(error))]
        assert_never(event)


def _shown_error(code: bytes) -> str:
    more = " ..." if len(code) > _SHOWN_ERROR_BYTES else ""
    return f"code {code[:_SHOWN_ERROR_BYTES].hex() or 'none'}{more}"
