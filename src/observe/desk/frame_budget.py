"""How many frames a peer may send by its WebSocket: what each costs us, it gets for six bytes.

Invariant: who sends no faster than the rate is never refused, whatever its network gathers and
hands over at once, up to the burst.
"""

from __future__ import annotations

__all__ = ["BURST_FRAMES", "FRAMES_PER_S", "FrameBudget"]

FRAMES_PER_S = 200.0
"""Frames a second in the long run: four times the phone's fifty of audio."""
BURST_FRAMES = 500.0
"""Frames at once: ten seconds of the phone that a network held up."""


class FrameBudget:
    """A bucket of frames that is filled with time.

    Args:
        now_s: The time, in s, of any clock that does not go back.
    """

    def __init__(self, now_s: float) -> None:
        self._filled_s = now_s
        self._frames = BURST_FRAMES

    def take(self, now_s: float) -> bool:
        """Take one frame out; return whether there was one left."""
        self._frames += (now_s - self._filled_s) * FRAMES_PER_S
        self._frames = min(BURST_FRAMES, self._frames)
        self._filled_s = now_s
        if self._frames < 1.0:
            return False
        self._frames -= 1.0
        return True
