"""An event loop whose time is made up: whoever sleeps is woken at once, in the right order.

A test of minutes runs in milliseconds and comes out the same on any machine. Time stands still
while code runs, and jumps to the next timer when nothing is left to run.
"""

from __future__ import annotations

__all__ = ["VirtualTimeLoop", "in_virtual_time", "virtual_ms"]

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

_Params = ParamSpec("_Params")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that never waits; without anything left to wait for, it fails instead of hanging."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._n_turns = 0
        super().__init__(_NeverWaits(self.pass_time))

    @property
    def n_turns(self) -> int:
        """How often the loop has come round, and so let everybody have their turn."""
        return self._n_turns

    def time(self) -> float:
        """Return the time that was made up so far, in s."""
        return self._now_s

    def pass_time(self, duration_s: float | None) -> None:
        """Let time pass, as a loop's turn without anything ready does."""
        self._n_turns += 1
        if duration_s is None:
            raise RuntimeError("every task waits for something that will never happen")
        self._now_s += duration_s


class _NeverWaits(selectors.DefaultSelector):
    """Reports sockets that are ready; where it would wait for one, time passes instead."""

    def __init__(self, pass_time: Callable[[float | None], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        self._pass_time(0.0 if ready else timeout)
        return ready


def in_virtual_time(
    test: Callable[_Params, Coroutine[Any, Any, None]],
) -> Callable[_Params, None]:
    """Make a test of an asynchronous one, in a loop whose time is made up."""

    @functools.wraps(test)
    def run(*args: _Params.args, **kwargs: _Params.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def virtual_ms() -> float:
    """Return the time of the running loop in ms: the clock to inject."""
    return asyncio.get_running_loop().time() * 1000
