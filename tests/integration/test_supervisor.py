"""The parent of workers that only pretend to be processes: what it makes of their fates."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from support.served_process import GUARD_S
from voxgate.config.load import parse_config
from voxgate.workers.crew import RestartPolicy
from voxgate.workers.held_config import HeldConfig
from voxgate.workers.messages import DRAIN, FromWorker, Message
from voxgate.workers.shared_lines import SharedLines
from voxgate.workers.supervisor import Supervisor, WorkersFailedError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers share ports on Unix only")

_CONFIG = """
engine: {workers: 2, drain_timeout_s: 30}
lines: {audiosocket: {port: 0}}
"""
_AT_ONCE = RestartPolicy(first_pause_ms=0.0, max_pause_ms=0.0, max_deaths=3)


async def _starts_at_once(_number: int) -> None:
    pass


class PretendedWorker:
    """What a parent has of a worker's process."""

    pid = 4711
    lives: ClassVar[list[PretendedWorker]] = []
    at_start: ClassVar[Callable[[int], Awaitable[None]]] = staticmethod(_starts_at_once)

    def __init__(self, number: int) -> None:
        self.number = number
        self.words: list[int] = []
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @classmethod
    async def started(
        cls, orders: Mapping[str, Any], environ: Mapping[str, str]
    ) -> PretendedWorker:
        del environ
        await cls.at_start(orders["number"])
        worker = cls(orders["number"])
        cls.lives.append(worker)
        return worker

    def tell(self, kind: FromWorker, **fields: object) -> None:
        """Say something to the parent."""
        self._said.put_nowait(Message(kind, fields))

    def end(self, status: int) -> None:
        """End as a process does."""
        if not self._status.done():
            self._status.set_result(status)
            self._said.put_nowait(None)

    def say(self, word: int) -> bool:
        self.words.append(word)
        return True

    def hand(self, connection: socket.socket, line: int) -> bool:
        del connection, line
        return True

    async def messages(self) -> AsyncIterator[Message]:
        while (message := await self._said.get()) is not None:
            yield message

    async def wait(self) -> int:
        return await self._status

    def kill(self) -> None:
        self.end(-signal.SIGKILL)


class Parent:
    """A supervisor of such workers, that runs."""

    def __init__(self, path: Path) -> None:
        path.write_text(_CONFIG, encoding="utf-8")
        self.now_ms = 0.0
        self.supervisor = Supervisor(HeldConfig(path), policy=_AT_ONCE, clock=lambda: self.now_ms)
        self.running: asyncio.Task[None]

    def run(self) -> None:
        """Start it."""
        self.running = asyncio.create_task(self.supervisor.run(lambda: None))

    async def life(self, at: int) -> PretendedWorker:
        """Return the worker that was started as the ``at``-th, once it was."""
        async with asyncio.timeout(GUARD_S):
            while len(PretendedWorker.lives) <= at:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)
        return PretendedWorker.lives[at]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that the parent comes to know."""
        async with asyncio.timeout(GUARD_S):
            while not is_so():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)

    async def serving(self) -> list[PretendedWorker]:
        """Run it, and have both workers serve."""
        self.run()
        workers = [await self.life(at) for at in range(2)]
        for worker in workers:
            worker.tell(FromWorker.READY)
        await self.until(lambda: len(self.supervisor.crew.takers(self.now_ms)) == 2)
        return workers


@pytest.fixture
async def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parent]:
    """Yield a parent that is stopped at the end, if it was run."""
    monkeypatch.setattr(PretendedWorker, "lives", [])
    monkeypatch.setattr(PretendedWorker, "at_start", staticmethod(_starts_at_once))
    monkeypatch.setattr("voxgate.workers.supervisor.WorkerProcess", PretendedWorker)
    parent = Parent(tmp_path / "agent.yaml")
    yield parent
    parent.running.cancel()
    await asyncio.wait({parent.running})
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_crash_loop_after_service_is_given_up_with_its_own_reason(parent: Parent) -> None:
    """Both die time and again: the last death says why, not what was wrong once, long ago."""
    first, second = await parent.serving()
    first.tell(FromWorker.FAILED, error="a disk was full that night")
    first.end(1)
    again = await parent.life(2)
    again.end(-signal.SIGSEGV)
    again = await parent.life(3)
    again.end(-signal.SIGSEGV)  # the third in a row, but another serves
    last = await parent.life(4)
    assert not parent.running.done()
    second.end(-signal.SIGSEGV)
    last.end(-signal.SIGSEGV)
    with pytest.raises(WorkersFailedError, match=r"ended with status -11"):
        async with asyncio.timeout(GUARD_S):
            await parent.running


async def test_who_is_just_being_started_does_not_outlive_the_parent(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first death before any service gives all up; a process of a moment later is killed."""
    may_start = asyncio.Event()

    async def start(number: int) -> None:
        if number == 2:
            await may_start.wait()
        else:
            raise OSError("no more processes")

    monkeypatch.setattr(PretendedWorker, "at_start", staticmethod(start))
    parent.run()
    await parent.until(lambda: parent.supervisor.crew[1].deaths_in_a_row > 0)
    await parent.until(lambda: not parent.supervisor.addresses)
    may_start.set()
    with pytest.raises(WorkersFailedError, match="OSError"):
        async with asyncio.timeout(GUARD_S):
            await parent.running


async def test_a_worker_that_hangs_gets_no_calls_and_is_started_anew(parent: Parent) -> None:
    """Soon the other one is asked first, and in the end it is killed."""
    first, second = await parent.serving()
    crew = parent.supervisor.crew
    crew.note_handed(2)
    takers = {}
    with capture_logs() as log:
        while crew[1].restarts == 0 and parent.now_ms < 60_000:
            parent.now_ms += 1000
            second.tell(FromWorker.REPORT, running_calls=1, max_calls=9)
            parent.supervisor._news.set()
            await parent.until(lambda: crew[2].heard_ms == crew._looked_ms == parent.now_ms)
            takers[parent.now_ms] = crew.takers(parent.now_ms)
    assert (takers[3000.0], takers[4000.0]) == ((1, 2), (2, 1))
    assert await first.wait() == -signal.SIGKILL
    assert [line["worker"] for line in log if line["event"] == "worker.hung"] == [1]
    again = await parent.life(2)
    assert again.number == 1


async def test_draining_takes_as_long_as_the_workers_were_given(parent: Parent) -> None:
    """They follow the file by themselves, and the parent what they say of it."""
    workers = await parent.serving()
    parent.supervisor.crew[1].handed += 2
    for worker in workers:
        worker.tell(FromWorker.REPORT, drain_timeout_s=3600.0)
    await parent.until(lambda: all(each.report for each in parent.supervisor.crew.workers))
    parent.supervisor.stop()
    assert [worker.words for worker in workers] == [[DRAIN], [DRAIN]]
    with capture_logs() as log:
        parent.now_ms = 3_629_000.0
        await asyncio.sleep(0.5)  # the parent looks in between; more often does no harm
        assert not [line for line in log if line["event"] == "worker.killed"]
        parent.now_ms = 3_631_000.0
        async with asyncio.timeout(GUARD_S):
            await parent.running
    killed = [line for line in log if line["event"] == "worker.killed"]
    assert [(line["worker"], line["lost_connections"]) for line in killed] == [(1, 2), (2, 0)]
    assert not [line for line in log if line["event"] == "worker.died"]


async def test_a_crash_while_draining_is_told(parent: Parent) -> None:
    """It takes its calls along as any other; who ends by itself does not."""
    first, second = await parent.serving()
    parent.supervisor.stop()
    with capture_logs() as log:
        first.end(-signal.SIGSEGV)
        second.end(0)
        async with asyncio.timeout(GUARD_S):
            await parent.running
    died = [line for line in log if line["event"] == "worker.died"]
    assert [(line["worker"], line["status"]) for line in died] == [(1, -signal.SIGSEGV)]
    assert (died[0]["signal"], died[0]["restart_in_s"]) == ("SIGSEGV", None)


async def test_who_dies_before_any_service_is_not_said_to_be_started_anew(parent: Parent) -> None:
    """It is not: the whole ends, and says why; who is killed for it has not died."""
    parent.run()
    first, second = await parent.life(0), await parent.life(1)
    with capture_logs() as log:
        first.tell(FromWorker.FAILED, error="OPENAI_API_KEY: is not set")
        first.end(1)
        async with asyncio.timeout(GUARD_S):
            with pytest.raises(WorkersFailedError, match="OPENAI_API_KEY: is not set"):
                await asyncio.shield(parent.running)
    assert await second.wait() == -signal.SIGKILL
    (died,) = [line for line in log if line["event"] == "worker.died"]
    assert (died["worker"], died["status"], died["signal"]) == (1, 1, None)
    assert died["restart_in_s"] is None


async def test_told_to_stop_while_a_worker_is_started_anew(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to drain as soon as it can hear, and nobody is started after it."""
    first, second = await parent.serving()
    may_start = asyncio.Event()

    async def start(_number: int) -> None:
        await may_start.wait()

    monkeypatch.setattr(PretendedWorker, "at_start", staticmethod(start))
    first.end(-signal.SIGKILL)
    await parent.until(lambda: parent.supervisor.crew[1].restarts == 1)
    parent.supervisor.stop()
    second.end(0)
    may_start.set()
    again = await parent.life(2)
    await parent.until(lambda: again.words == [DRAIN])
    again.end(0)
    async with asyncio.timeout(GUARD_S):
        await parent.running
    assert len(PretendedWorker.lives) == 3


async def test_all_who_have_connected_are_handed_on_before_a_line_closes() -> None:
    """However many they are: who waits in the queue of a socket that closes is cut off."""
    config = parse_config(_CONFIG, "test", {}).config
    n_handed = 0

    def hand(connection: socket.socket, line: int) -> bool:
        nonlocal n_handed
        assert (connection.fileno() >= 0, line) == (True, 0)
        n_handed += 1
        return True

    lines = SharedLines(config, hand=hand, has_taker=lambda: True)
    lines.accept()
    callers = [socket.create_connection(lines.addresses["audiosocket"]) for _ in range(150)]
    lines.close()
    for caller in callers:
        caller.close()
    assert n_handed == len(callers)


async def test_a_host_name_is_listened_on_at_all_its_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one engine alone does: whoever is told ``localhost`` may try IPv6 first."""
    text = "lines: {audiosocket: {host: localhost, port: 0}}\n"
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0)),  # of nobody here
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    lines = SharedLines(
        parse_config(text, "test", {}).config, hand=lambda *_: True, has_taker=lambda: True
    )
    hosts = [each.getsockname()[0] for each in lines._sockets["audiosocket"]]
    lines.close()
    assert hosts == ["127.0.0.1", "127.0.0.2"]
