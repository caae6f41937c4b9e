"""One process for what takes long: previews and reports, one at a time.

The audio path has a core to itself; what an operator asks for by the way takes another, at the
lowest priority. Invariant: no work of the desk runs in the engine's process for longer than it
takes to hand it over, and a job that is cancelled is ended, whatever it is at.
"""

from __future__ import annotations

__all__ = ["WorkFailed", "Worker"]

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import structlog

from ...errors import VoxgateError

_log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_INSTALL = "pip install 'voxgate[bench]'"
_NICENESS = 10
"""By how much the process gives way to that of the calls."""


class WorkFailed(Exception):  # noqa: N818 - it says what became of the work
    """A job brought no result; the message says why, for the operator."""


class Worker:
    """Does one job after the other in a process of its own, which starts with the first.

    Args:
        timeout_s: How long a job may take, in s.
    """

    def __init__(self, *, timeout_s: float = 120.0) -> None:
        self._timeout_s = timeout_s
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether a job is at work or waits."""
        return self._turn.locked()

    async def run(self, function: Callable[..., Result], *args: Any) -> Result:
        """Return what a picklable function returns; cancellation ends the process it runs in.

        Raises:
            WorkFailed: it raised, took too long, or its process died.
        """
        async with self._turn:
            pool = self._pool = self._pool or _new_pool()
            try:
                async with asyncio.timeout(self._timeout_s):
                    # To start a process takes longer than a frame may wait.
                    future = await asyncio.to_thread(pool.submit, function, *args)
                    return await asyncio.wrap_future(future)
            except TimeoutError:
                self._end()
                raise WorkFailed("It took too long.") from None
            except asyncio.CancelledError:
                self._end()
                raise
            except BrokenProcessPool:
                self._end()
                raise WorkFailed("Its process died; most often memory ran out.") from None
            except VoxgateError as error:
                raise WorkFailed(f"{error}.") from error
            except ModuleNotFoundError as error:
                raise WorkFailed(f"{error.name} is not installed: {_INSTALL}") from error
            except Exception as error:
                _log.warning("desk.work_failed", error=type(error).__name__)
                raise WorkFailed("It could not be done; the log says of what kind.") from error

    def stop(self) -> None:
        """End the process. Idempotent."""
        self._end()

    def _end(self) -> None:
        """End the process, whatever it is at; the next job gets another."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = getattr(pool, "_processes", None)
        pool.shutdown(wait=False, cancel_futures=True)  # waits for one that is being started
        for process in list((processes or {}).values()):
            process.kill()


def _new_pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_give_way)


def _give_way() -> None:
    """Leave signals to the engine's process, and the processor to its calls."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    with contextlib.suppress(AttributeError, OSError):
        os.nice(_NICENESS)
