"""The embedded Realtime server, with a stamp on each frame that its turn detectors hear."""

from __future__ import annotations

__all__ = ["EmbeddedStamps", "StampingScorer"]

from contextvars import ContextVar

import numpy as np
import numpy.typing as npt

from ...clock import monotonic_ms
from ...core.g711 import encode_mulaw
from ...realtime_server import Pace, RealtimeServer, SessionLog, SessionOptions
from ...realtime_server.speech_scorer import FrameScore, SpeechScorer
from .answers import ShortAnswerer
from .frame_log import EventRow, FrameLog, MeasuredSide, frame_digest

_KINDS = {
    "speech_started": "speech_started",
    "speech_stopped": "speech_stopped",
    "truncated": "truncated",
    "audio_began": "answer",
}
_session_number: ContextVar[int] = ContextVar("session_number", default=0)


class StampingScorer(SpeechScorer):
    """Hears as the server's own does, and takes down what it hears when."""

    def __init__(self, received: FrameLog, lengths: FrameLog) -> None:
        super().__init__()
        self._received = received
        self._lengths = lengths
        self._number = _session_number.get()

    def process(self, frame: npt.NDArray[np.int16]) -> FrameScore:
        """Score the next frame."""
        if not self._number:
            self._number = _session_number.get()
        now_ms = monotonic_ms()
        self._received.add(now_ms, self._number, frame_digest(encode_mulaw(frame)))
        self._lengths.add(now_ms, self._number, len(frame))
        return super().process(frame)


class EmbeddedStamps:
    """The embedded server on the loopback.

    Args:
        port: TCP port; 0: any free one.
        speed_ratio: Of answers against real time.
    """

    def __init__(self, *, port: int, speed_ratio: float) -> None:
        self._received, self._lengths = FrameLog(), FrameLog()
        pace = Pace(speed_ratio=speed_ratio)
        self._records: list[SessionLog] = []
        self._told: list[int] = []
        self._begun: list[EventRow] = []
        self._server = RealtimeServer(
            port=port,
            answerer_factory=self._new_answerer,
            options=SessionOptions(
                pace=pace, new_scorer=lambda: StampingScorer(self._received, self._lengths)
            ),
        )

    @property
    def url(self) -> str:
        """The address that an engine's provider is given."""
        return self._server.url

    @property
    def n_sessions(self) -> int:
        """Sessions so far."""
        return len(self._records)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        await self._server.start()

    async def stop(self) -> None:
        """Close every session."""
        await self._server.stop()

    def take(self, lags_ms: npt.NDArray[np.float64]) -> MeasuredSide:
        """Return what was measured since this was last asked."""
        events, self._begun = self._begun, []
        for at, record in enumerate(self._records):
            entries = record.log[self._told[at] :]
            self._told[at] += len(entries)
            events += [
                EventRow(entry.now_ms, at + 1, kind, entry.at_ms or 0.0)
                for entry in entries
                if (kind := _KINDS.get(entry.event))
            ]
        return MeasuredSide(
            frames=self._received.take(),
            others=self._lengths.take(),
            events=tuple(sorted(events)),
            lags_ms=lags_ms,
        )

    def _new_answerer(self) -> ShortAnswerer:
        """Make the answerer of a session that has just been made; its task goes on to serve it."""
        self._records.append(self._server.sessions[-1])
        self._told.append(0)
        _session_number.set(len(self._records))
        self._begun.append(EventRow(monotonic_ms(), len(self._records), "session"))
        return ShortAnswerer()
