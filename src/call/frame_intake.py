"""Takes what a line delivers: a frame as it is read, and the rest in a task.

Invariant: events are taken in the line's order, one after the other; a frame that finds one before
it unfinished, or comes right after one, waits in the line's own queue, which is bounded and counts
what it drops. So no line holds the loop, whatever it sends.
"""

from __future__ import annotations

__all__ = ["FrameIntake"]

import math
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from ..clock import Clock
from ..transports.base import FrameTaker, Line, LineAudio, LineEvent
from .call_turns import CallTurns, Rest
from .closing import CallOver
from .slices import Slices

_LEAST_DISTANCE_MS = 5.0
"""A frame that is read so soon after another comes in a burst, which is worked off in slices."""


class FrameIntake:
    """The events of one call's line.

    Args:
        line: Where they come from; one that has ``deliver_to`` is asked to deliver frames at once.
        take_frame: Takes a frame, and what time it is in ms; returns what is left of it that has to
            wait.
        follow: Does what another event asks for.
        clock: Monotonic time in ms.
    """

    def __init__(
        self,
        line: Line,
        *,
        take_frame: Callable[[LineAudio, float], Rest | None],
        follow: Callable[[LineEvent], None],
        clock: Clock,
    ) -> None:
        self._line = line
        self._take_frame = take_frame
        self._follow = follow
        self._clock = clock
        self._turns = CallTurns()
        self._is_taking = False
        """An event from the queue is not done with."""
        self._read_ms = -math.inf
        """When the last frame was taken as it was read."""

    async def run(self) -> NoReturn:
        """Take events until the line ends; :meth:`run_turns` runs beside it.

        Raises:
            CallOver: the line has ended without a word.
            Exception: what taking an event raises.
        """
        self._deliver_to(self._take)
        slices = Slices(self._clock)
        try:
            async for event in self._line.events():
                if self._turns.is_busy:
                    await self._wait_idle()
                if isinstance(event, LineAudio):
                    await self._take_from_queue(event)
                    await slices.end_one()
                else:
                    self._follow(event)
        finally:
            self._deliver_to(None)
        raise CallOver("transport_error")

    async def run_turns(self) -> NoReturn:
        """Do what is left of frames that were taken as they were read, until cancelled.

        Raises:
            Exception: what taking a frame raises.
        """
        await self._turns.run()

    def _deliver_to(self, taker: FrameTaker | None) -> None:
        deliver_to: Callable[[FrameTaker | None], None] | None
        deliver_to = getattr(self._line, "deliver_to", None)
        if deliver_to is not None:
            deliver_to(taker)

    def _take(self, event: LineAudio) -> bool:
        """Take a frame as it is read, if nobody is at another."""
        now_ms = self._clock()
        is_burst = now_ms - self._read_ms < _LEAST_DISTANCE_MS
        if is_burst or self._is_taking or self._turns.is_busy:
            return False
        self._read_ms = now_ms
        self._turns.do(partial(self._take_frame, event, now_ms))
        return True

    async def _wait_idle(self) -> None:
        """Wait until a frame that was taken as it was read is done with; none is meanwhile."""
        self._is_taking = True
        try:
            await self._turns.wait_idle()
        finally:
            self._is_taking = False

    async def _take_from_queue(self, event: LineAudio) -> None:
        rest = self._take_frame(event, self._clock())
        if rest is None:
            return
        self._is_taking = True
        try:
            await rest()
        finally:
            self._is_taking = False
