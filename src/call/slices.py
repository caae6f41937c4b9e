"""Gives the event loop its turn where a burst leaves no other await that would.

Invariant: nothing that uses it holds the loop for much longer than a slice.
"""

from __future__ import annotations

__all__ = ["Slices"]

import asyncio

from ..clock import Clock

_SLICE_MS = 1.0
"""Time for which a burst is worked off before the loop gets its turn: half of the 2 ms that
nothing may hold it."""


class Slices:
    """The time that one task has held the loop.

    Args:
        clock: Monotonic time in ms.
    """

    __slots__ = ("_began_ms", "_clock")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_ms = clock()

    async def end_one(self) -> None:
        """Yield if the loop was held for the length of a slice, or may have been."""
        if self._clock() - self._began_ms >= _SLICE_MS:
            await asyncio.sleep(0)
            self._began_ms = self._clock()
