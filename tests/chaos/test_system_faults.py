"""Faults of the machine and of those who run it."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chaos.chaos_rig import running_rig
from support.audiosocket_peer import AudioSocketPeer
from support.telephone import until
from voxgate.lab.load.child_process import ChildProcess
from voxgate.recordings import open_call

pytestmark = pytest.mark.timeout(600)


async def test_a_broken_configuration_changes_nothing(tmp_path: Path) -> None:
    async with running_rig(tmp_path) as rig, rig.watched() as seen:
        rig.config_path.write_text("engine: {max_calls: none of it\n", encoding="utf-8")
        os.kill(rig.engine.pid, signal.SIGHUP)
        await rig.logged("config.reload_refused")
        await asyncio.sleep(5.0)
    seen.assert_unharmed()


async def test_a_full_disk_ends_recordings_and_no_call(tmp_path: Path) -> None:
    """Of the file that can't grow any more, what was written stays."""
    record = _record_into(tmp_path / "calls")
    async with running_rig(tmp_path, record) as rig, rig.watched() as seen:
        await asyncio.sleep(3.0)
        largest = max(path.stat().st_size for path in (tmp_path / "calls").rglob("*.*"))
        resource.prlimit(rig.engine.pid, resource.RLIMIT_FSIZE, (largest + 100_000, -1))
        failed = await rig.logged("recording.failed", timeout_s=60.0)
        assert failed["level"] == "warning"
        await asyncio.sleep(5.0)
    seen.assert_unharmed()


async def test_a_worker_that_is_killed_takes_its_own_calls_along(tmp_path: Path) -> None:
    """The other one's calls notice nothing, and the dead one is started anew."""

    def share(config: dict[str, Any]) -> None:
        config["engine"]["workers"] = 2

    async with running_rig(tmp_path, share) as rig:
        its_calls = rig.log("call.started", worker=1)
        assert its_calls
        async with rig.watched(n_lost=len(its_calls)) as seen:
            os.kill((await rig.logged("worker.started", worker=1))["pid"], signal.SIGKILL)
            died = await rig.logged("worker.died", worker=1)
            assert (died["signal"], died["lost_connections"]) == ("SIGKILL", len(its_calls))
            await asyncio.sleep(1.0)
            async with rig.calling_healthy() as call:
                await until(lambda: call.n_sounds > 20)
            async with asyncio.timeout(30):
                while len(rig.log("worker.serving", worker=1)) < 2:  # noqa: ASYNC110 - a file
                    await asyncio.sleep(0.05)
            await asyncio.sleep(5.0)
    seen.assert_unharmed()


async def test_the_wall_clock_may_be_set(tmp_path: Path, clock_shim: Path) -> None:
    """An hour forward and two back: calls go by another clock, time stamps follow."""
    shift = tmp_path / "shift"
    shift.write_bytes(struct.pack("q", 0))
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("LD_PRELOAD", str(clock_shim))
        environ.setenv("CLOCK_SHIFT", str(shift))
        running = running_rig(tmp_path, _record_into(tmp_path / "calls"))
        rig = await running.__aenter__()
    async with AsyncExitStack() as stack:
        stack.push_async_exit(running)
        async with rig.watched() as seen:
            for shift_s in (3600, -3600):
                shift.write_bytes(struct.pack("q", shift_s))
                async with rig.calling_healthy() as call:
                    await until(lambda call=call: call.n_sounds > 20)  # type: ignore[misc]
                ended = await rig.logged("call.ended", call_id=str(call.peer.call_id))
                assert abs(_time(ended) - time.time() - shift_s) < 60
                assert ended["reason"] == "caller_hangup"
        assert not rig.log("provider.disconnected")
        seen.assert_unharmed()


async def test_a_full_disk_under_the_log_costs_lines_and_no_call(tmp_path: Path) -> None:
    """Calls begin, talk and end; when there is room again, the log says what is missing."""
    async with running_rig(tmp_path) as rig, rig.watched() as seen:
        n_bytes = (tmp_path / "engine.log").stat().st_size
        resource.prlimit(rig.engine.pid, resource.RLIMIT_FSIZE, (n_bytes, -1))
        for _ in range(3):
            async with rig.calling_healthy() as call:
                await until(lambda call=call: call.n_sounds > 20)  # type: ignore[misc]
        resource.prlimit(rig.engine.pid, resource.RLIMIT_FSIZE, (-1, -1))
        async with rig.calling_healthy() as call:
            await until(lambda: call.n_sounds > 20)
        assert (await rig.logged("log.lines_lost"))["lines"] > 0
    seen.assert_unharmed()


async def test_without_descriptors_no_call_begins_and_none_ends(tmp_path: Path) -> None:
    """When there are some again, calls are taken again."""
    async with running_rig(tmp_path) as rig:
        async with rig.watched() as seen:
            n_open = _open_descriptors(rig.engine.pid)
            before = resource.prlimit(rig.engine.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(rig.engine.pid, resource.RLIMIT_NOFILE, (n_open + 1, before[1]))
            peers = [await AudioSocketPeer.connect(rig.engine.address) for _ in range(10)]
            await asyncio.sleep(5.0)
            for peer in peers:
                peer.hang_up()
            resource.prlimit(rig.engine.pid, resource.RLIMIT_NOFILE, before)
            await asyncio.sleep(3.0)
        async with rig.calling_healthy() as call:
            await until(lambda: call.n_sounds > 20)
    seen.assert_unharmed()


async def test_without_a_descriptor_for_the_provider_a_call_ends_with_words(
    tmp_path: Path,
) -> None:
    """It was taken with the last one; with the next ones calls are as ever."""
    async with running_rig(tmp_path) as rig:
        async with rig.watched() as seen:
            n_open = _open_descriptors(rig.engine.pid)
            before = resource.prlimit(rig.engine.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(rig.engine.pid, resource.RLIMIT_NOFILE, (n_open + 1, before[1]))
            async with rig.calling_healthy() as call:
                await asyncio.wait_for(call.is_over.wait(), 60)
            resource.prlimit(rig.engine.pid, resource.RLIMIT_NOFILE, before)
            assert call.n_sounds > 50
            assert (await rig.logged("provider.lost"))["code"] == "no_descriptors"
            assert (await rig.logged("call.announced"))["announcement"] == "unreachable"
            assert (await rig.logged("call.ended"))["reason"] == "provider_unreachable"
        async with rig.calling_healthy() as call:
            await until(lambda: call.n_sounds > 20)
    seen.assert_unharmed()


async def test_calls_outlive_a_process_that_stood_still(tmp_path: Path) -> None:
    """As on a machine that is suspended, or whose clock jumps: the time is made good or skipped."""
    async with running_rig(tmp_path) as rig:
        async with rig.watched() as seen:
            os.kill(rig.engine.pid, signal.SIGSTOP)
            await asyncio.sleep(1.5)
            os.kill(rig.engine.pid, signal.SIGCONT)
            await asyncio.sleep(1.5)
        assert seen.figures is not None
        assert seen.figures.lost_calls == 0
        assert rig.log("call.slots_skipped")
        async with rig.watched() as seen:
            await asyncio.sleep(8.0)
    seen.assert_unharmed()


async def test_a_provider_s_restart_is_over_in_two_seconds(tmp_path: Path) -> None:
    """Every call has a session again within 2 s of the server's return, and is not lost."""
    async with running_rig(tmp_path) as rig:
        os.kill(rig.server.pid, signal.SIGKILL)
        await rig.logged("provider.disconnected")
        await asyncio.sleep(0.5)
        settings = {"kind": "light", "port": rig.server_port, "speed_ratio": 8.0, "core": None}
        async with ChildProcess.start("server_process", settings) as server:
            loop = asyncio.get_running_loop()
            returned_s = loop.time()
            while len(rig.log("provider.reconnected")) < rig.n_calls:
                await asyncio.sleep(0.05)
                assert loop.time() - returned_s < 20.0
            took_s = loop.time() - returned_s
            rig.server = server
            rig.forget_ties()
            lost = [_time(line) for line in rig.log("provider.disconnected")]
            back = [_time(line) for line in rig.log("provider.reconnected")]
            sys.stdout.write(
                f"all back {took_s:.2f} s after the server; away {max(back) - min(lost):.2f} s\n"
            )
            assert took_s <= 2.0
            assert not rig.log("provider.lost")
            await asyncio.sleep(3.0)
            async with rig.watched() as seen:
                await asyncio.sleep(8.0)
            seen.assert_unharmed()


@pytest.fixture(scope="module")
def clock_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that shifts the wall clock of processes that load it first."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("the wall clock of one process is set by a library that a C compiler makes")
    path = tmp_path_factory.mktemp("shim") / "clock_shim.so"
    source = Path(__file__).with_name("clock_shim.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


def _record_into(folder: Path) -> Callable[[dict[str, Any]], None]:
    def record(config: dict[str, Any]) -> None:
        config["recording"] = {"calls": "all", "audio": True, "folder": str(folder)}

    return record


def _open_descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _time(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()


async def test_sigterm_lets_calls_end_in_order(tmp_path: Path) -> None:
    """No call is taken any more, those that run get their time, then they are ended."""
    async with running_rig(tmp_path) as rig:
        os.kill(rig.engine.pid, signal.SIGTERM)
        await rig.logged("engine.draining")
        with pytest.raises(ConnectionRefusedError):
            await AudioSocketPeer.connect(rig.engine.address)
        stopped = await rig.logged("engine.stopped")
        assert stopped["ended_calls"] == rig.n_calls
        ended = rig.log("call.ended")
        assert len(ended) == rig.n_calls
        assert {line["reason"] for line in ended} == {"drained"}


async def test_sigkill_ends_calls_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Callers hear the end; what was recorded is readable; the next engine takes calls."""
    recorded = tmp_path / "calls"
    record = _record_into(recorded)
    async with running_rig(tmp_path, record) as rig:
        os.kill(rig.engine.pid, signal.SIGKILL)
        await asyncio.sleep(1.0)
        assert (await rig.callers.ask("place", calls=0))["calls"] == 0
        calls = [open_call(folder) for folder in recorded.iterdir()]
        assert len(calls) == rig.n_calls
        # The calls had 8 s before it: all but the last quarter of a second is there.
        assert all(sum(1 for _ in call.steps()) > 300 for call in calls)
    async with running_rig(tmp_path, record) as rig, rig.watched() as seen:
        await asyncio.sleep(5.0)
    seen.assert_unharmed()
