"""An engine's life in a process: start, serve, drain at the first signal, end at the second.

Invariant: a signal is never lost, whenever it comes, and whatever was started is stopped.
"""

from __future__ import annotations

__all__ = ["run_engine", "stop_signals"]

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine import AIEngine
    from ..observe.operations import Operations


def stop_signals(counts: Callable[[], bool] = lambda: True) -> asyncio.Queue[None]:
    """Return a queue that gets an entry for each signal to stop.

    Args:
        counts: Asked at each signal whether it counts.
    """
    signals: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def take_signal() -> None:
        if counts():
            signals.put_nowait(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has none of this; Ctrl-C there cancels what runs, which ends the calls at once.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, take_signal)
    return signals


async def run_engine(
    engine: AIEngine,
    operations: Operations,
    signals: asyncio.Queue[None],
    tell_running: Callable[[], None],
) -> None:
    """Run an engine to its end, and stop what an operator sees of it.

    Args:
        engine: Not yet started.
        operations: What an operator sees of it; not yet started.
        signals: Gets an entry for each signal to stop: the first drains, a second one ends.
        tell_running: Called once, as soon as calls are taken.
    """
    try:
        await _run(engine, operations, signals, tell_running)
    finally:
        await operations.stop()


async def _run(
    engine: AIEngine,
    operations: Operations,
    signals: asyncio.Queue[None],
    tell_running: Callable[[], None],
) -> None:
    if not await _done_before_signal(_start(operations, engine), signals):
        await engine.stop()
        return
    try:
        with _start_left_alone():
            tell_running()
            await signals.get()
            await _done_before_signal(engine.drain(), signals)
    finally:
        await engine.stop()


@contextlib.contextmanager
def _start_left_alone() -> Iterator[None]:
    """Let the garbage collector leave out what the start has made, which stays as long as we do.

    With 50 recorded calls a full collection held the loop for 120 to 280 ms of CPU time, and so for
    30 to 75 (measured; 110,000 objects of modules and models).
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _start(operations: Operations, engine: AIEngine) -> None:
    """Start what an operator sees, so that it sees the engine's start too, and then the engine."""
    await operations.start()
    await engine.start()


async def _done_before_signal(
    work: Coroutine[None, None, None], signals: asyncio.Queue[None]
) -> bool:
    """Do something, and leave off when a signal comes; return whether none came."""
    working = asyncio.create_task(work, name="until a signal")
    told = asyncio.create_task(signals.get(), name="signal")
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return not told.done()
    finally:
        working.cancel()
        told.cancel()
        await asyncio.wait({working, told})
