"""When captured audio was captured, on our clock, where the line numbers it on a clock of its own.

A line that tells where its audio lies in the stream (Twilio's ``media.timestamp``) leaves only the
distance between its clock and ours open. No audio comes before it was captured, so the audio that
came soonest, for its place, shows the distance; what comes later than that was held up on its way.

Clocks drift by up to some hundred ppm, and a stream may begin anew, so only the last seconds count.
Invariant: no audio is placed after it came, and audio that follows other audio in the stream is
placed after it.
"""

from __future__ import annotations

__all__ = ["StreamClock"]

import math

_BLOCK_MS = 5000.0
"""Arrivals of one or two blocks count: 10 s, in which clocks at 100 ppm drift apart by 1 ms."""

_MAX_HELD_MS = 20_000.0
"""Audio that seems older is of another stream or a clock that was set: no line holds it so long."""


class StreamClock:
    """Places one call's captured audio on our clock."""

    __slots__ = ("_block_end_ms", "_block_ms", "_last_ms", "_previous_ms")

    def __init__(self) -> None:
        self._block_ms = self._previous_ms = math.inf
        """Least distance of an arrival from its place, in this block and the one before."""
        self._block_end_ms = -math.inf
        self._last_ms = -math.inf

    def place(self, end_ms: float, now_ms: float) -> float:
        """Return when audio was captured that ends at ``end_ms`` of the stream and comes now."""
        distance_ms = now_ms - end_ms
        if distance_ms - min(self._block_ms, self._previous_ms) > _MAX_HELD_MS:
            self._block_ms = self._previous_ms = math.inf
        if now_ms >= self._block_end_ms:
            self._previous_ms, self._block_ms = self._block_ms, math.inf
            self._block_end_ms = now_ms + _BLOCK_MS
        self._block_ms = min(self._block_ms, distance_ms)
        placed_ms = end_ms + min(self._block_ms, self._previous_ms)
        self._last_ms = min(now_ms, max(placed_ms, self._last_ms))
        return self._last_ms
