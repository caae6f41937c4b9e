"""Maps a function over many items, in this process or on many cores.

Invariant: the number of processes does not show in the results, and a process that dies costs no
item but the one that it died of.
"""

from __future__ import annotations

__all__ = ["WorkerDiedError", "map_in_processes"]

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Generic, TypeVar

from ..errors import VoxgateError

Item = TypeVar("Item")
Result = TypeVar("Result")

_WAITING_PER_PROCESS = 2
"""Items handed out ahead for each process: one in work, one so that it never waits for the next."""
_DIED = "the process that worked on it died; most often the machine was out of memory"


class WorkerDiedError(VoxgateError):
    """A process died of an item, and nobody said what such an item is worth."""


def map_in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    jobs: int,
    lost: Callable[[Item, str], Result] | None = None,
) -> Iterator[Result]:
    """Yield the results in the order of the items, each as soon as it is due.

    Args:
        function: Picklable where more than one process works.
        items: What it is called with, one at a time.
        jobs: Processes at most; with 1 everything happens in this one.
        lost: Returns the result for an item that killed its process twice, the second time alone,
            of the item and a reason for a person.

    Raises:
        WorkerDiedError: an item was lost, and there is no ``lost``.
    """
    jobs = min(jobs, len(items))
    if jobs <= 1:
        yield from map(function, items)
        return
    crew = _Crew(function, items, jobs, lost or _raise_died)
    try:
        yield from crew.results()
    except BaseException:
        crew.terminate()
        raise
    crew.dismiss()


def _raise_died(item: object, reason: str) -> Result:  # type: ignore[type-var]
    raise WorkerDiedError(f"{item}: {reason}")


class _Crew(Generic[Item, Result]):
    """Processes that work through items, and are replaced when one dies."""

    def __init__(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        jobs: int,
        lost: Callable[[Item, str], Result],
    ) -> None:
        self._function = function
        self._items = items
        self._jobs = jobs
        self._lost = lost
        self._todo = deque(range(len(items)))
        self._futures: dict[Future[Result], int] = {}
        self._done: dict[int, Result] = {}
        self._strangers = multiprocessing.active_children()
        self._pool = _new_pool(jobs)

    def results(self) -> Iterator[Result]:
        """Yield the results in order."""
        for index in range(len(self._items)):
            while index not in self._done:
                self._work()
            yield self._done.pop(index)

    def dismiss(self) -> None:
        """Let the processes go, which have nothing to do any more."""
        self._pool.shutdown()

    def terminate(self) -> None:
        """End the processes, whatever they are at."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in self._strangers:
                process.terminate()

    def _work(self) -> None:
        """Hand out items, and take what has been done since."""
        self._hand_out()
        finished, _ = wait(self._futures, return_when=FIRST_COMPLETED)
        suspects = [index for index in map(self._take, finished) if index is not None]
        if suspects:
            self._try_alone(sorted([*suspects, *self._recalled()]))

    def _hand_out(self) -> None:
        while self._todo and len(self._futures) < _WAITING_PER_PROCESS * self._jobs:
            try:
                future = self._pool.submit(self._function, self._items[self._todo[0]])
            except BrokenProcessPool:  # a process died that had nothing to do, or just now
                if self._futures:
                    return
                self._replace_pool(self._jobs)
            else:
                self._futures[future] = self._todo.popleft()

    def _take(self, future: Future[Result]) -> int | None:
        """Take a result; return the item instead if a process died over it, or beside it."""
        index = self._futures.pop(future)
        try:
            self._done[index] = future.result()
        except BrokenProcessPool:
            return index
        return None

    def _recalled(self) -> list[int]:
        """Return what else was handed out to a pool that is broken, results taken."""
        indices = [self._take(future) for future in list(self._futures)]
        return [index for index in indices if index is not None]

    def _try_alone(self, suspects: Sequence[int]) -> None:
        """Do one by one what was handed out when a process died: it tells which it died of."""
        self._replace_pool(1)
        for index in suspects:
            try:
                result = self._pool.submit(self._function, self._items[index]).result()
            except BrokenProcessPool:
                result = self._lost(self._items[index], _DIED)
                self._replace_pool(1)
            self._done[index] = result
        self._replace_pool(self._jobs)

    def _replace_pool(self, jobs: int) -> None:
        self._pool.shutdown()
        self._pool = _new_pool(jobs)  # processes start when there is work for them


def _new_pool(jobs: int) -> ProcessPoolExecutor:
    # Not forked: the progress display has a thread, and its locks would be copied as they stand.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_signals_to_parent)


def _leave_signals_to_parent() -> None:
    """Ignore Ctrl-C, which the terminal sends to every process: the parent ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
