"""When the pieces of captured audio were captured, where the line numbers its stream.

Messages say where their audio lies in the stream; what a framework makes of them comes later, in
pieces of other lengths, as it resamples. So a piece's place is the audio that came before it, and
what the line left out. Invariant: times never go back, and no piece is placed after it came.
"""

from __future__ import annotations

__all__ = ["CapturedStream"]

from collections import deque

from ..core.audio import FRAME_MS
from ..core.stream_clock import StreamClock

_MAX_WAITING = 500
"""Pieces on their way through the framework, ten seconds; the oldest are forgotten."""

_NEW_STREAM_MS = 1000.0
"""A message that lies so far before the one it follows is of another stream: no line sends audio
twice, and a client that comes back numbers from 0."""


class CapturedStream:
    """Places captured audio in time.

    A piece is known by being the very object that was announced.
    """

    __slots__ = ("_clock", "_end_ms", "_expected_ms", "_last_ms", "_waiting")

    def __init__(self) -> None:
        self._clock = StreamClock()
        self._waiting: deque[tuple[bytes, float]] = deque(maxlen=_MAX_WAITING)
        self._expected_ms: float | None = None
        self._end_ms = 0.0
        self._last_ms = 0.0

    def announce(self, audio: bytes, duration_ms: float, begin_ms: float, wire_ms: float) -> None:
        """Take what a message was made into, in the order in which messages came.

        Args:
            audio: What the framework is going to pass on, may be empty.
            duration_ms: Its length.
            begin_ms: Where the message's audio begins in the stream.
            wire_ms: Length of the message's audio.
        """
        expected_ms = self._expected_ms
        if expected_ms is None or expected_ms - begin_ms > _NEW_STREAM_MS:
            self._begin_anew(begin_ms)
            expected_ms = begin_ms
        left_out_ms = begin_ms - expected_ms
        # Less than a frame is jitter of the times; it counts on, so that it can't add up unseen.
        if abs(left_out_ms) >= FRAME_MS:
            self._end_ms += left_out_ms
            expected_ms = begin_ms
        self._expected_ms = expected_ms + wire_ms
        self._end_ms += duration_ms
        if audio:
            self._waiting.append((audio, self._end_ms))

    def place(self, audio: bytes, now_ms: float) -> float:
        """Return when a piece was captured that comes now; now, if it was not announced."""
        end_ms = self._find(audio)
        if end_ms is not None:
            now_ms = min(now_ms, self._clock.place(end_ms, now_ms))
        self._last_ms = max(self._last_ms, now_ms)
        return self._last_ms

    def pass_time(self, now_ms: float) -> None:
        """Take that the time ``now_ms`` was told: nothing is placed before it from now on."""
        self._last_ms = max(self._last_ms, now_ms)

    def _begin_anew(self, begin_ms: float) -> None:
        self._clock = StreamClock()
        self._waiting.clear()
        self._end_ms = begin_ms

    def _find(self, audio: bytes) -> float | None:
        """Return the end of a piece; those before it got lost on their way."""
        if not any(waiting is audio for waiting, _ in self._waiting):
            return None
        while True:
            waiting, end_ms = self._waiting.popleft()
            if waiting is audio:
                return end_ms
