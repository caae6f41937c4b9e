"""Audio of one side that was recorded lately, to be found again by what it is and when it was.

The gate is told what the line has delivered a moment before, and where a provider takes over the
last seconds are told once more: neither is recorded twice.

Invariant: what is found is, byte for byte, what was looked for.
"""

from __future__ import annotations

__all__ = ["RecentAudio"]

from collections import deque

from .audio_tracks import Stretch

_KEPT_MS = 15_000.0
"""What a gate that takes over is shown of the past is at most a second longer than
``engine.provider_hold_ms``, 10 s unless turned; what is older is recorded once more."""

_SAME_MS = 10.0
"""The line's word and the gate's of one piece are at most so far apart."""


class RecentAudio:
    """Remembers pieces of one side for some seconds.

    In parallel queues of plain values: an object a piece would be thousands for the garbage
    collector to look through, with every call that is recorded.
    """

    def __init__(self) -> None:
        self._times_ms: deque[float] = deque()
        self._pieces: deque[bytes] = deque()
        self._places: deque[int | Stretch] = deque()

    def remember(self, audio: bytes, now_ms: float, stretch: Stretch) -> None:
        """Take a piece that was recorded."""
        self._times_ms.append(now_ms)
        self._pieces.append(audio)
        self._places.append(stretch if stretch.at is None else stretch.at)
        while self._times_ms[0] < now_ms - _KEPT_MS:
            self._times_ms.popleft()
            self._pieces.popleft()
            self._places.popleft()

    def find(self, audio: bytes, now_ms: float) -> int | Stretch | None:
        """Return the first sample of a piece that was recorded at about this time."""
        for n, recorded_ms in enumerate(reversed(self._times_ms), 1):
            if recorded_ms < now_ms - _SAME_MS:
                return None  # they are in order of time
            if recorded_ms <= now_ms + _SAME_MS and self._pieces[-n] == audio:
                return self._places[-n]
        return None

    def find_any(self, audio: bytes) -> int | Stretch | None:
        """Return that of the newest piece that has these bytes, whenever it was recorded."""
        for n, piece in enumerate(reversed(self._pieces), 1):
            if piece == audio:
                return self._places[-n]
        return None
