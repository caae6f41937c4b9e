"""What a call does in a turn of the loop that is no task's: as a socket is read, or a timer is up.

Nobody is woken for it, which costs more than most of what is done. Invariant: steps are taken one
after the other, each wholly; and what goes wrong in one ends the call as it would in a task, and
never reaches the loop or another call.
"""

from __future__ import annotations

__all__ = ["CallTurns", "Rest", "await_rest"]

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

Rest = Callable[[], Awaitable[None]]
"""What is left of a step that has to wait for something; called and awaited once, or never."""


class CallTurns:
    """The steps of one side of a call."""

    def __init__(self) -> None:
        self.is_busy = False
        """Whether something is left of the last step, so that no other can be taken."""
        self._rest: Rest | None = None
        self._error: Exception | None = None
        self._has_work = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def do(self, step: Callable[[], Rest | None]) -> None:
        """Take a step; what it leaves is awaited, and what it raises is raised, in :meth:`run`.

        Only where :attr:`is_busy` says that nothing is left of the one before.
        """
        try:
            self._rest = step()
        except Exception as exc:  # noqa: BLE001 - raised in the task
            self._error = exc
        if self._rest is not None or self._error is not None:
            self.is_busy = True
            self._is_idle.clear()
            self._has_work.set()

    async def wait_idle(self) -> None:
        """Wait until nothing is left of the last step."""
        await self._is_idle.wait()

    async def run(self) -> NoReturn:
        """Do what steps leave, until cancelled.

        Raises:
            Exception: what a step raised, or what was left of it.
        """
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            if self._error is not None:
                raise self._error
            if self._rest is not None:
                await self._rest()
            self._rest = None
            self.is_busy = False
            self._is_idle.set()


async def await_rest(rest: Rest | None) -> None:
    """Wait for what is left of a step, in a task; at once where nothing is."""
    if rest is not None:
        await rest()
