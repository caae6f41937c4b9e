"""Event loops whose time is made up: whoever sleeps is woken early, and in the right order.

Time stands still while code runs, and goes on when nothing is left to run; so a test of minutes
takes seconds or less, and a slow machine changes nothing. :func:`in_virtual_time` is for tests
without sockets. :func:`in_socket_time` is for tests whose peers all live in the loop of the test:
time stands still there as long as anything is on its way from socket to socket.
"""

from __future__ import annotations

__all__ = ["VirtualTimeLoop", "in_socket_time", "in_virtual_time", "virtual_ms"]

import asyncio
import functools
import math
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

_Params = ParamSpec("_Params")

_PATIENCE_S = 0.000_1
"""Real time in which what is on its way over the loopback arrives: nearly always it is there when
the call that sends it returns."""

_STEP_S = 0.02
"""Longest step of the time between two such waits: one that comes late is late by a frame or so,
and a guard of minutes is not over before its seconds of real time are."""

_HANG_S = 20.0
"""Real time after which what is waited for without a timer will not come any more."""

_MAX_TURNS = 300_000
"""Turns of the loop after which a test is taken to wait in vain while others go on: an hour of a
call."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that makes up its time; without anything left to wait for, or without end, it fails.

    Args:
        patience_s: Real time to wait for sockets before time goes on.
        step_s: Longest step of the time.
        hang_s: Real time to wait for sockets where nothing else is left to wait for.
        max_turns: Turns that a test may take.
    """

    def __init__(
        self,
        *,
        patience_s: float = 0.0,
        step_s: float = math.inf,
        hang_s: float = 0.0,
        max_turns: int = _MAX_TURNS,
    ) -> None:
        self._now_s = 0.0
        self._n_turns = 0
        self._patience_s = patience_s
        self._step_s = step_s
        self._hang_s = hang_s
        self._max_turns = max_turns
        super().__init__(_Selector(self._wait))

    @property
    def n_turns(self) -> int:
        """How often the loop has come round, and so let everybody have their turn."""
        return self._n_turns

    def time(self) -> float:
        """Return the time that was made up so far, in s."""
        return self._now_s

    def _wait(self, timeout_s: float | None, poll: Callable[[float], bool]) -> None:
        """Let time pass as a loop's turn does, unless a socket is ready."""
        self._n_turns += 1
        if self._n_turns % self._max_turns == 0:
            raise RuntimeError(f"the test does not come to an end in {self._now_s:.0f} s")
        if poll(0.0) or timeout_s == 0:
            return
        if timeout_s is None:
            if not poll(self._hang_s):
                raise RuntimeError("every task waits for something that will never happen")
        elif not self._has_late_news(poll):
            self._now_s += min(timeout_s, self._step_s)

    def _has_late_news(self, poll: Callable[[float], bool]) -> bool:
        if not self._patience_s:
            return False
        time.sleep(self._patience_s)  # a selector would wait for a whole ms at least
        return poll(0.0)


class _Selector(selectors.DefaultSelector):
    """Reports sockets that are ready; how long to wait for one, the loop decides."""

    def __init__(self, wait: Callable[[float | None, Callable[[float], bool]], None]) -> None:
        super().__init__()
        self._wait = wait
        self._ready: list[tuple[selectors.SelectorKey, int]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._ready = []
        self._wait(timeout, self._poll)
        return self._ready

    def _poll(self, real_timeout_s: float) -> bool:
        self._ready = super().select(real_timeout_s)
        return bool(self._ready)


def in_virtual_time(
    test: Callable[_Params, Coroutine[Any, Any, None]],
) -> Callable[_Params, None]:
    """Make a test of an asynchronous one without sockets."""
    return _run_in(VirtualTimeLoop, test)


def in_socket_time(
    test: Callable[_Params, Coroutine[Any, Any, None]],
) -> Callable[_Params, None]:
    """Make a test of an asynchronous one whose sockets all begin and end in its own loop."""
    return _run_in(
        lambda: VirtualTimeLoop(patience_s=_PATIENCE_S, step_s=_STEP_S, hang_s=_HANG_S), test
    )


def virtual_ms() -> float:
    """Return the time of the running loop in ms: the clock to inject."""
    return asyncio.get_running_loop().time() * 1000


def _run_in(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    test: Callable[_Params, Coroutine[Any, Any, None]],
) -> Callable[_Params, None]:
    @functools.wraps(test)
    def run(*args: _Params.args, **kwargs: _Params.kwargs) -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(test(*args, **kwargs))

    return run
