"""``voxgate serve`` with two workers on one port, as an operator runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.audiosocket_peer import AUDIO, AudioSocketPeer
from support.served_process import GUARD_S, served
from voxgate.workers.messages import FromWorker
from voxgate.workers.worker_process import WorkerProcess

pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers share ports on Unix only")

_CONFIG = """
engine: {workers: 2, log_format: json, drain_timeout_s: 3600, reload_on_change: true}
lines: {audiosocket: {port: 0}}
desk: {port: 0, phone: false}
"""


class Workers:
    """Two workers and their parent, and what they have logged so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.address = ("", 0)
        self.status_url = ""
        self.log: list[dict[str, Any]] = []
        self._news = asyncio.Condition()

    async def follow_log(self) -> None:
        """Take every line of the log."""
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.log.append(json.loads(line))
            async with self._news:
                self._news.notify_all()

    def lines(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Return the lines of an event so far, with these fields."""
        wanted = {"event": event, **fields}
        return [line for line in self.log if wanted.items() <= line.items()]

    async def logged(self, event: str, *, count: int = 1, **fields: object) -> None:
        """Wait until so many lines of an event are there."""
        async with asyncio.timeout(GUARD_S), self._news:
            await self._news.wait_for(lambda: len(self.lines(event, **fields)) >= count)

    async def read_addresses(self) -> None:
        """Wait until calls are taken."""
        assert self.process.stdout is not None
        async with asyncio.timeout(GUARD_S):
            first = (await self.process.stdout.readline()).decode()
            second = (await self.process.stdout.readline()).decode()
        assert first.startswith("audiosocket listens on "), first
        self.address = ("127.0.0.1", int(first.rpartition(":")[2]))
        self.status_url = second.split()[-1]

    def pid_of(self, worker: int) -> int:
        """Return the process of a worker, the newest."""
        return int(self.lines("worker.started", worker=worker)[-1]["pid"])

    def worker_of(self, peer: AudioSocketPeer) -> int:
        """Return who serves a call."""
        (line,) = self.lines("call.started", call_id=str(peer.call_id))
        return int(line["worker"])

    async def call(self, stack: AsyncExitStack) -> AudioSocketPeer:
        """Place a call, and wait until the agent talks and the log has it."""
        peer = await stack.enter_async_context(await AudioSocketPeer.connect(self.address))
        await peer.send(AUDIO, bytes(320))
        async with asyncio.timeout(GUARD_S):
            await peer.read_audio(2)
        await self.logged("call.started", call_id=str(peer.call_id))
        return peer

    async def ask(self, path: str) -> tuple[int, str]:
        """Return status and text of an answer of the parent."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.status_url + path) as answer,
        ):
            return answer.status, await answer.text()


@asynccontextmanager
async def two_workers(folder: Path) -> AsyncIterator[Workers]:
    """Run them until the end of the block."""
    async with served(folder, _CONFIG, {}) as process:
        workers = Workers(process)
        following = asyncio.create_task(workers.follow_log())
        try:
            await workers.read_addresses()
            yield workers
            async with asyncio.timeout(GUARD_S):
                await process.wait()
        finally:
            following.cancel()


def running(metrics: str, worker: int) -> float:
    """Return how many calls of a worker the metrics show."""
    start = f'voxgate_calls_running{{line="audiosocket",provider="embedded",worker="{worker}"}} '
    (line,) = (line for line in metrics.splitlines() if line.startswith(start))
    return float(line.removeprefix(start))


async def test_two_workers_share_a_port_and_one_may_die(tmp_path: Path) -> None:
    """Calls land on both; killed, one takes its calls along, and comes back; the rest drains.

    It comes back with the configuration that the other one has, though the file is wrong by then.
    """
    path = tmp_path / "agent.yaml"
    async with two_workers(tmp_path) as workers, AsyncExitStack() as stack:
        peers = [await workers.call(stack) for _ in range(4)]
        ours = [peer for peer in peers if workers.worker_of(peer) == 1]
        others = [peer for peer in peers if workers.worker_of(peer) == 2]
        assert (len(ours), len(others)) == (2, 2)
        path.write_text(_CONFIG.replace("workers: 2", "workers: 2, max_calls: 7"), encoding="utf-8")
        workers.process.send_signal(signal.SIGHUP)
        for worker in (1, 2):
            await workers.logged("config.reloaded", worker=worker)
        path.write_text("engine: {workers: nonsense}\n", encoding="utf-8")

        os.kill(workers.pid_of(1), signal.SIGKILL)
        async with asyncio.timeout(GUARD_S):
            for peer in ours:
                await peer.read_to_end()
            for peer in others:
                await peer.read_audio(25)
        others.append(await workers.call(stack))
        await workers.logged("workers.config_kept")
        await workers.logged("worker.serving", count=2, worker=1)
        others += [await workers.call(stack) for _ in range(3)]
        (died,) = workers.lines("worker.died")
        assert (died["worker"], died["status"], died["lost_connections"]) == (1, -9, 2)
        assert (died["signal"], died["restart_in_s"]) == ("SIGKILL", 0.5)
        status, text = await workers.ask("readyz")
        assert (status, json.loads(text)["max_calls"]) == (200, 14)
        _, metrics = await workers.ask("metrics")
        assert [running(metrics, worker) for worker in (1, 2)] == [3.0, 3.0]
        assert 'voxgate_worker_restarts_total{worker="1"} 1.0' in metrics
        assert "desk listens on" in (await workers.ask(""))[1]

        # As systemd does without KillMode=mixed: workers and parent are told at once, and the
        # parent tells the workers too. That is no second signal, which would end the calls.
        for worker in (1, 2):
            os.kill(workers.pid_of(worker), signal.SIGTERM)
        workers.process.terminate()
        await workers.logged("engine.draining", count=2)
        status, text = await workers.ask("readyz")
        assert (status, json.loads(text)["status"]) == (503, "draining")
        with pytest.raises(ConnectionError):
            await AudioSocketPeer.connect(workers.address)
        async with asyncio.timeout(GUARD_S):
            for peer in others:
                await peer.read_audio(25)
        assert workers.process.returncode is None
        for peer in others:
            peer.hang_up()
    assert workers.process.returncode == 0
    reasons = [line["reason"] for line in workers.lines("call.ended")]
    # A peer that closes with audio unread resets the connection; what it does not do is drop one.
    assert len(reasons) == 6
    assert set(reasons) <= {"caller_hangup", "transport_error"}
    assert workers.lines("worker.died") == [died]


async def test_what_a_worker_lacks_is_said_once(tmp_path: Path) -> None:
    """In one line, with status 1: a key that is not set, which the others would lack too."""
    config = "engine: {workers: 2, default_provider: openai}\nlines: {audiosocket: {port: 0}}\n"
    async with served(tmp_path, config + "desk: {port: 0}\n", {}) as process:
        async with asyncio.timeout(GUARD_S):
            _, errors = await process.communicate()
    lines = [line for line in errors.decode().splitlines() if line.startswith("voxgate: ")]
    assert len(lines) == 1
    assert "OPENAI_API_KEY: is not set" in lines[0]
    assert process.returncode == 1


async def test_a_worker_whose_parent_is_gone_ends() -> None:
    """Its connections are read to their end, and nobody is left behind."""
    orders = {
        "number": 1,
        "config_path": None,
        "config_text": "desk: {enabled: false}\nrealtime_server: {answered_by: scripted}\n",
        "config_source": "test",
        "lines": {"audiosocket": ["127.0.0.1", 1]},
    }
    process = await WorkerProcess.started(orders, {})
    try:
        async with asyncio.timeout(GUARD_S):
            async for message in process.messages():
                if message.kind is FromWorker.READY:
                    process._connections.close()
            assert await process.wait() == 0
    finally:
        process.kill()
