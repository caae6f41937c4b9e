"""Plays the 20 ms slots of one call as they become due.

While the line delivers frames in step with them, a slot is played in the turn of the loop that
brings a frame: to be woken once more costs more than most of what a slot does. Where none comes in
time, and where none is awaited, a timer plays it. Invariant: slots are played one after the other,
each once, whatever brings them about.
"""

from __future__ import annotations

__all__ = ["SlotPlayer"]

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from ..clock import Clock
from ..core.audio import FRAME_MS
from ..core.pacing import SlotPacer
from .call_turns import CallTurns, Rest
from .skipped_slots import SkippedSlots
from .slices import Slices

_EARLY_MS = 1.0
"""A slot may be played so early: the timers of some loops count whole ms, and to be woken a second
time for the rest costs more than half of what the slot does."""


class SlotPlayer:
    """The slots of one call.

    Args:
        call_id: Id of the call.
        pacer: When they are due.
        play: Plays one: when it was due, and what time it is, in ms. Returns what is left of it
            that has to wait; the next slot is played after that.
        skip: Lets one pass whose time was missed, likewise; nothing is left of it.
        clock: Monotonic time in ms.
    """

    def __init__(
        self,
        call_id: str,
        pacer: SlotPacer,
        *,
        play: Callable[[float, float], Rest | None],
        skip: Callable[[float, float], None],
        clock: Clock,
    ) -> None:
        self._pacer = pacer
        self._play = play
        self._skip = skip
        self._clock = clock
        self._turns = CallTurns()
        self._skipped = SkippedSlots(call_id)
        self._n_skipped = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        """While slots are played."""
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> NoReturn:
        """Play slots until cancelled, or until playing one raises.

        Raises:
            Exception: what playing a slot raises.
        """
        self._loop = asyncio.get_running_loop()
        self._turns.do(self._play_due)
        try:
            await self._turns.run()
        finally:
            self._loop = None
            self._stop_timer()

    def receive_frame(self) -> None:
        """Play what is due now that the line has delivered a frame, and await the next."""
        self._go_on()

    def _go_on(self) -> None:
        if self._loop is not None and not self._turns.is_busy:
            self._turns.do(self._play_due)

    def _play_due(self) -> Rest | None:
        """Play the slots that are due, and set the timer for the next one."""
        now_ms = self._clock()
        n_due = self._pacer.slots_due(now_ms + _EARLY_MS)
        if n_due:
            n_skipped = self._pacer.skipped_slots - self._n_skipped
            self._n_skipped += n_skipped
            self._skipped.receive(n_skipped, now_ms)
            slot_ms = self._pacer.next_deadline_ms - (n_skipped + n_due) * FRAME_MS
            if n_due > 1 or n_skipped:
                return partial(self._play_late, slot_ms, n_skipped, n_due)
            rest = self._play(slot_ms, now_ms)
            if rest is not None:
                return partial(self._finish, rest)
        self._set_timer()
        return None

    async def _play_late(self, slot_ms: float, n_skipped: int, n_due: int) -> None:
        """Make good what a stall has put off, and let others have their turn meanwhile."""
        slices = Slices(self._clock)
        for _ in range(n_skipped):
            self._skip(slot_ms, self._clock())
            slot_ms += FRAME_MS
            await slices.end_one()
        for _ in range(n_due):
            rest = self._play(slot_ms, self._clock())
            if rest is not None:
                await rest()
            slot_ms += FRAME_MS
        self._set_timer()

    async def _finish(self, rest: Rest) -> None:
        await rest()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            wait_ms = max(0.0, self._pacer.next_wake_ms - self._clock())
            self._timer = self._loop.call_later(wait_ms / 1000, self._wake)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        self._go_on()
