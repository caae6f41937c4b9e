"""What of ``distributed`` a client uses, without processes or sockets: calls run when asked for."""

from __future__ import annotations

__all__ = ["FakeCancelledError", "FakeCluster", "FakeKilledWorkerError"]

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import ModuleType
from typing import Any

import pytest


class FakeCancelledError(Exception):
    """The scheduler is gone."""


class FakeKilledWorkerError(Exception):
    """Worker after worker died."""

    allowed_failures = 3


class _Future:
    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self.is_released = False

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        callback(self)

    def result(self) -> Any:
        assert not self.is_released
        return self._call()

    def release(self) -> None:
        self.is_released = True


class FakeCluster(AbstractContextManager["FakeCluster"]):
    """A scheduler and its workers; install it in the place of ``distributed``.

    Args:
        workers: What each worker says of its code, by its address.
        is_stuck: True if no call ever ends.
    """

    def __init__(self, workers: dict[str, Any], *, is_stuck: bool = False) -> None:
        self.workers = workers
        self.is_stuck = is_stuck
        self.is_closed = False
        self.scattered: list[Any] = []
        self.futures: list[_Future] = []
        self.identity_error: BaseException | None = None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand in for ``distributed`` during a test."""
        fakes: dict[str, dict[str, Any]] = {
            "distributed": {
                "Client": lambda *_, **__: self,
                "Security": _Security,
                "CancelledError": FakeCancelledError,
                "KilledWorker": FakeKilledWorkerError,
                "get_worker": lambda: ModuleType("worker"),
            },
            "distributed.core": {"rpc": lambda *_, **__: _Peer(self.identity_error)},
            "distributed.comm": {},
            "distributed.comm.addressing": {"get_address_host_port": lambda _: ("127.0.0.1", 1)},
        }
        for name, contents in fakes.items():
            module = ModuleType(name)
            vars(module).update(contents)
            monkeypatch.setitem(sys.modules, name, module)

    def __exit__(self, *_: object) -> None:
        self.is_closed = True

    def wait_for_workers(self, n_workers: int, *, timeout: float) -> None:
        if len(self.workers) < n_workers:
            raise TimeoutError

    def run(self, function: Callable[[], Any], *, on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        return {address: function() if it is ... else it for address, it in self.workers.items()}

    def scatter(self, value: Any, *, broadcast: bool, hash: bool) -> Any:  # noqa: A002
        self.scattered.append(value)
        return value

    def map(
        self, function: Callable[..., Any], items: Iterable[Any], *, pure: bool, **shared: Any
    ) -> list[_Future]:
        assert not pure
        self.futures = [_Future(lambda item=item: function(item, **shared)) for item in items]
        if self.is_stuck:
            for future in self.futures:
                future.add_done_callback = lambda _: None  # type: ignore[method-assign]
            self.workers = {}
        return self.futures

    def scheduler_info(self) -> dict[str, Any]:
        return {"workers": self.workers}


class _Security:
    def get_connection_args(self, role: str) -> dict[str, Any]:
        return {"role": role}


class _Peer(AbstractAsyncContextManager["_Peer"]):
    def __init__(self, error: BaseException | None) -> None:
        self._error = error

    async def __aexit__(self, *_: object) -> None:
        pass

    async def identity(self) -> dict[str, Any]:
        if self._error is not None:
            raise self._error
        return {"type": "Scheduler"}
