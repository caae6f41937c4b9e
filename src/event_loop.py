"""Which event loop calls are served in: uvloop's where it is installed, else asyncio's own.

Same behaviour, less work: its sockets and timers are written in C. What it saves stands in
``docs/operations/performance.md``. Invariant: nothing but the time that things take depends on it.
"""

from __future__ import annotations

__all__ = ["loop_name", "run_serving"]

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

_Result = TypeVar("_Result")


def run_serving(main: Coroutine[None, None, _Result]) -> _Result:
    """Run to its end what serves calls, as ``asyncio.run`` does, in the best loop there is."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def loop_name() -> str:
    """Return whose loop runs: ``uvloop`` or ``asyncio``, or whatever a program has chosen."""
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's loops; None where it is not installed, as on Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
