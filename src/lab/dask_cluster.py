"""Maps a function over many items on the workers of a Dask scheduler.

Invariant: the results are those of :func:`map_in_processes`, in the same order, however many
workers there are, come and go; workers whose code differs are refused.
"""

from __future__ import annotations

__all__ = ["ClusterError", "code_fingerprint", "map_on_cluster", "worker_address"]

import asyncio
import hashlib
import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import numpy as np

from .. import __version__
from ..errors import VoxgateError

Item = TypeVar("Item")
Result = TypeVar("Result")

_CONNECT_TIMEOUT_S = 5.0
"""Time within which a scheduler must answer."""
_WORKER_TIMEOUT_S = 30.0
"""Time for which a scheduler may be left without any worker: one that died is often restarted."""
_CODE_SUFFIXES = (".py", ".npz", ".yaml")
"""Files of the package that decide what a gate does."""


class ClusterError(VoxgateError):
    """A scheduler or its workers can't be used, or not any more."""


def map_on_cluster(
    function: Callable[..., Result],
    items: Sequence[Item],
    *,
    address: str,
    lost: Callable[[Item, str], Result],
    shared: Mapping[str, object] | None = None,
) -> Iterator[Result]:
    """Yield the results in the order of the items, each as soon as it is due.

    Args:
        function: Importable on the workers by the same name.
        items: What it is called with, one at a time.
        address: Of the scheduler, such as ``tcp://10.0.0.5:8786``. What it takes to speak TLS is
            read from Dask's own configuration.
        lost: Returns the result for an item of which worker after worker died, of the item and a
            reason for a person.
        shared: Large arguments by name, sent to each worker once.

    Raises:
        ClusterError: the scheduler can't be reached, has no workers or is lost; or a worker has not
            the same code.
        ModuleNotFoundError: ``distributed`` is not installed.
    """
    if not items:
        return
    with _connected(address) as client:
        _check_workers(client, address)
        sent = {
            name: client.scatter(value, broadcast=True, hash=False)
            for name, value in (shared or {}).items()
        }
        futures = client.map(function, items, pure=False, **sent)
        yield from _in_order(client, address, futures, items, lost)


def worker_address() -> str:
    """Return the address of the worker that this runs on."""
    from distributed import get_worker

    return str(get_worker().address)


@cache
def code_fingerprint() -> str:
    """Return what tells this code from other code: its version and a hash of its files."""
    digest = hashlib.sha256()
    for name, file in _code_files("", files("voxgate")):
        digest.update(f"{name}\0".encode())
        digest.update(file.read_bytes())
    return f"voxgate {__version__} ({digest.hexdigest()[:12]}), numpy {np.__version__}"


def _code_files(name: str, folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _code_files(path, entry)
        elif entry.name.endswith(_CODE_SUFFIXES):
            yield path, entry


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Connect to a scheduler for as long as the context lasts; what is left there is cancelled."""
    from distributed import Client

    with _hushed():
        _check_scheduler(address)
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, timeout=_CONNECT_TIMEOUT_S, set_as_default=False
        )
        with client:
            yield client


def _check_scheduler(address: str) -> None:
    """Raise unless a scheduler answers.

    A client of Dask would wait for ever for a peer that takes the connection and is none, and one
    that failed says so once more when the process ends.
    """
    from distributed.comm.addressing import get_address_host_port

    try:
        socket.create_connection(get_address_host_port(address), _CONNECT_TIMEOUT_S).close()
        asyncio.run(_greet(address))
    except MemoryError as error:  # what it takes for the length of a message is none
        raise ClusterError(f"--dask: what answers at {address} is no Dask scheduler") from error
    except (OSError, ValueError) as error:
        reason = str(error) or f"nothing within {_CONNECT_TIMEOUT_S:g} s"
        raise ClusterError(f"--dask: no scheduler answers at {address}: {reason}") from error


async def _greet(address: str) -> None:
    from distributed import Security
    from distributed.core import rpc

    security: Any = Security()  # type: ignore[no-untyped-call]
    async with asyncio.timeout(_CONNECT_TIMEOUT_S):
        peer: Any = rpc(  # type: ignore[no-untyped-call]
            address, connection_args=security.get_connection_args("client")
        )
        async with peer:
            await peer.identity()


@contextmanager
def _hushed() -> Iterator[None]:
    """Silence Dask's own log for as long as the context lasts.

    What goes wrong on the cluster is said by us, once, in one line. The log is the process's, so
    that every level is put back.
    """
    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] == "distributed"]
    levels = {logger: logger.level for logger in map(logging.getLogger, names)}
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _check_workers(client: Any, address: str) -> None:
    """Raise unless there are workers, and all have the code that we have."""
    try:
        client.wait_for_workers(1, timeout=_CONNECT_TIMEOUT_S)
    except TimeoutError as error:
        raise ClusterError(f"--dask: the scheduler at {address} has no workers") from error
    ours = code_fingerprint()
    for worker, theirs in client.run(code_fingerprint, on_error="return").items():
        if isinstance(theirs, ImportError):
            raise ClusterError(f"--dask: voxgate is not installed on worker {worker}: {theirs}")
        if theirs != ours:
            raise ClusterError(
                f"--dask: worker {worker} has {theirs}, this is {ours}; results would differ"
            )


def _in_order(
    client: Any,
    address: str,
    futures: Sequence[Any],
    items: Sequence[Item],
    lost: Callable[[Item, str], Result],
) -> Iterator[Result]:
    """Fetch each result once it is there, before its worker may die; yield them in order."""
    ended: SimpleQueue[int] = SimpleQueue()
    waiting = dict(enumerate(futures))
    for index, future in waiting.items():
        future.add_done_callback(lambda _, index=index: ended.put(index))
    done: dict[int, Result] = {}
    for due in range(len(items)):
        while due not in done:
            index = _next_ended(client, address, ended)
            done[index] = _result_of(waiting.pop(index), address, items[index], lost)
        yield done.pop(due)


def _next_ended(client: Any, address: str, ended: SimpleQueue[int]) -> int:
    """Return the next item that has ended; raise if there is nobody left to work on any."""
    while True:
        try:
            return ended.get(timeout=_WORKER_TIMEOUT_S)
        except Empty:
            if not client.scheduler_info()["workers"]:
                raise ClusterError(
                    f"--dask: the scheduler at {address} has no workers any more"
                ) from None


def _result_of(
    future: Any, address: str, item: Item, lost: Callable[[Item, str], Result]
) -> Result:
    from distributed import CancelledError, KilledWorker

    try:
        result: Result = future.result()
    except KilledWorker as error:
        tries = error.allowed_failures + 1
        return lost(item, f"{tries} workers died of it, one after the other")
    except CancelledError as error:
        raise ClusterError(f"--dask: the scheduler at {address} was lost") from error
    finally:
        future.release()
    return result
