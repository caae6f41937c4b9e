"""Maps a function over many items, in this process or on many cores.

Invariant: the number of processes does not show in the results.
"""

from __future__ import annotations

__all__ = ["map_in_processes"]

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], *, jobs: int
) -> Iterator[Result]:
    """Yield the results in the order of the items, each as soon as it is due.

    Args:
        function: Picklable where more than one process works.
        items: What it is called with, one at a time.
        jobs: Processes at most; with 1 everything happens in this one.
    """
    jobs = min(jobs, len(items))
    if jobs <= 1:
        yield from map(function, items)
        return
    # Not forked: the progress display has a thread, and its locks would be copied as they stand.
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)
