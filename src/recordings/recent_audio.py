"""Audio of one side that was recorded lately, to be found again by what it is.

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
    """Remembers pieces of one side for some seconds."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._places: dict[bytes, list[tuple[float, Stretch]]] = {}

    def remember(self, audio: bytes, now_ms: float, stretch: Stretch) -> None:
        """Take a piece that was recorded."""
        self._pieces.append((now_ms, audio))
        self._places.setdefault(audio, []).append((now_ms, stretch))
        while self._pieces[0][0] < now_ms - _KEPT_MS:
            _, oldest = self._pieces.popleft()
            places = self._places[oldest]
            del places[0]
            if not places:
                del self._places[oldest]

    def find(self, audio: bytes, now_ms: float) -> Stretch | None:
        """Return where a piece lies that was recorded at about this time."""
        for recorded_ms, stretch in reversed(self._places.get(audio, ())):
            if recorded_ms < now_ms - _SAME_MS:
                return None  # they are in order of time
            if recorded_ms <= now_ms + _SAME_MS:
                return stretch
        return None

    def find_any(self, audio: bytes) -> Stretch | None:
        """Return where the newest piece lies that has these bytes, whenever it was recorded."""
        places = self._places.get(audio)
        return places[-1][1] if places else None
