"""How many threads numpy's matrix products take where calls are served or replayed: one.

A product on many threads waits for the slowest of them, and on a busy machine that is milliseconds
in which no call is served. Measured: a 44.1 kHz call beside eight busy processes on two cores
played 129 to 140 of 150 frames in 3 s with two threads, 148 or more with one. And how many share a
product may change its last bit: what was recorded on one thread is replayed on one.
"""

from __future__ import annotations

__all__ = ["one_blas_thread", "use_one_blas_thread"]

from collections.abc import Iterator
from contextlib import contextmanager


def use_one_blas_thread() -> None:
    """Let the products of this process run on the thread that asks for them.

    Raises:
        ModuleNotFoundError: threadpoolctl is not installed (extra ``server``).
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Do so within the block, in all threads of the process; afterwards as before.

    Raises:
        ModuleNotFoundError: threadpoolctl is not installed (extra ``server``).
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
