"""Work that an event loop with calls waits for: beside it, and to its end.

Invariant: no frame of a call is late by it, and nothing of it is left half done.
"""

from __future__ import annotations

__all__ = ["aside", "to_the_end"]

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_TURN_S = 0.0005
"""Time in s after which judging a configuration lets the event loop have its turn. Judging the
default file takes 20 to 60 ms; at Python's own 5 ms every wake-up of the loop waits for so long."""


async def aside(function: Callable[P, R], *args: P.args, **keys: P.kwargs) -> R:
    """Return what a function returns that takes tens of milliseconds, run in a thread.

    Python lets other threads have their turn every 5 ms; the event loop, which has frames to send,
    gets it ten times as often meanwhile. Not to be used by two at a time.
    """

    def run() -> R:
        before = sys.getswitchinterval()
        sys.setswitchinterval(min(before, _TURN_S))
        try:
            return function(*args, **keys)
        finally:
            sys.setswitchinterval(before)

    return await asyncio.to_thread(run)


async def to_the_end(work: Coroutine[Any, Any, R]) -> R:
    """Return what something comes to that goes on even where nobody waits for it any more.

    Left off in between, the engine would go by one thing, the file say another.
    """
    return await asyncio.shield(asyncio.create_task(work, name="config change"))
