"""``voxgate serve``, as an operator runs it: how it starts, how it refuses to, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from support.audiosocket_peer import AUDIO, HANGUP, AudioSocketPeer
from voxgate import __version__
from voxgate.cli import main, serve
from voxgate.config.desk_model import DeskConfig
from voxgate.config.models import AppConfig
from voxgate.engine import AIEngine
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider

_GUARD_S = 120.0
"""No wait in a passing test comes near it, on however slow a machine."""

_COMMAND = "from voxgate.cli import main; main()"


def configured(folder: Path, text: str) -> Path:
    """Return a configuration file."""
    path = folder / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class Served:
    """``voxgate serve`` in a process of its own."""

    def __init__(self, process: Process, address: tuple[str, int]) -> None:
        self.process = process
        self.address = address

    @classmethod
    @asynccontextmanager
    async def running(cls, config: Path) -> AsyncIterator[Served]:
        """Start it, and wait until it listens; killed at the end of the block if need be."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _COMMAND, "serve", str(config), stdout=PIPE, stderr=PIPE
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(_GUARD_S):
                line = (await process.stdout.readline()).decode()
            assert line.startswith("audiosocket listens on "), line
            host, _, port = line.split()[-1].rpartition(":")
            yield cls(process, (host, int(port)))
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    def terminate(self, number: int = signal.SIGTERM) -> None:
        """Tell it to stop."""
        self.process.send_signal(number)

    async def end(self) -> tuple[int, list[str]]:
        """Wait for its end, and return its status and what it wrote to standard error."""
        async with asyncio.timeout(_GUARD_S):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode().splitlines()

    async def refuses_calls(self) -> None:
        """Wait until it does not listen any more."""
        async with asyncio.timeout(_GUARD_S):
            with contextlib.suppress(ConnectionError):
                while True:  # a process can't tell us that it has stopped to listen
                    _, writer = await asyncio.open_connection(*self.address)
                    writer.close()
                    await asyncio.sleep(0.02)


async def in_call(served: Served) -> AudioSocketPeer:
    """Place a call, and wait until the engine talks."""
    peer = await AudioSocketPeer.connect(served.address)
    await peer.send(AUDIO, bytes(320))
    async with asyncio.timeout(_GUARD_S):
        await peer.read_audio(5)
    return peer


async def test_a_running_call_gets_its_time(tmp_path: Path) -> None:
    """Told to stop, it takes no more calls and serves the running one to its end; status 0."""
    config = configured(
        tmp_path, "lines: {audiosocket: {port: 0}}\nengine: {log_format: json, log_level: debug}\n"
    )
    async with Served.running(config) as served:
        peer = await in_call(served)
        served.terminate()
        await served.refuses_calls()
        async with asyncio.timeout(_GUARD_S):
            await peer.read_audio(25)
        assert served.process.returncode is None
        peer.hang_up()
        status, log = await served.end()
    assert status == 0
    events = [json.loads(line) for line in log]
    names = [event["event"] for event in events]
    assert (
        names.index("engine.draining") < names.index("call.ended") < names.index("engine.stopped")
    )
    (ended,) = (event for event in events if event["event"] == "call.ended")
    assert ended["reason"] == "caller_hangup"
    assert events[-1]["event"] == "engine.stopped"
    assert events[-1]["ended_calls"] == 0


@pytest.mark.parametrize("numbers", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT,) * 2])
async def test_a_second_signal_ends_calls_at_once(tmp_path: Path, numbers: tuple[int, int]) -> None:
    """The caller is hung up in good order, and the status is 0."""
    config = configured(
        tmp_path, "lines: {audiosocket: {port: 0}}\nengine: {drain_timeout_s: 3600}\n"
    )
    async with Served.running(config) as served:
        peer = await in_call(served)
        for number in numbers:
            served.terminate(number)
            await served.refuses_calls()
        async with asyncio.timeout(_GUARD_S):
            frames = await peer.read_to_end()
        assert frames[-1] == (HANGUP, b"")
        peer.hang_up()
        status, log = await served.end()
    assert status == 0
    assert any("call.ended" in line and "drained" in line for line in log)


async def test_a_call_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """After ``drain_timeout_s`` the caller is hung up, and the status is 0."""
    config = configured(
        tmp_path, "lines: {audiosocket: {port: 0}}\nengine: {drain_timeout_s: 0.2}\n"
    )
    async with Served.running(config) as served:
        peer = await in_call(served)
        served.terminate()
        async with asyncio.timeout(_GUARD_S):
            frames = await peer.read_to_end()
        assert frames[-1] == (HANGUP, b"")
        peer.hang_up()
        status, _ = await served.end()
    assert status == 0


class _SlowEngine(AIEngine):
    """Is told to stop while it starts, or in the very moment in which it has started."""

    def __init__(self, config: AppConfig, *, is_quick: bool) -> None:
        super().__init__(config)
        self._is_quick = is_quick
        self.told: list[str] = []

    async def start(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(0 if self._is_quick else 3600)
        except asyncio.CancelledError:
            self.told.append("left off")
            raise

    async def drain(self) -> None:
        """No calls."""

    async def stop(self) -> None:
        self.told.append("stopped")


@pytest.mark.parametrize(
    ("is_quick", "told"), [(False, ["left off", "stopped"]), (True, ["stopped"])]
)
async def test_a_signal_while_it_starts_is_no_signal_lost(
    is_quick: bool, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models take their time: whoever does not want to wait need not."""
    config = AppConfig(desk=DeskConfig(enabled=False))
    engine = _SlowEngine(config, is_quick=is_quick)
    monkeypatch.setattr("voxgate.engine.AIEngine", lambda *arguments, **options: engine)
    async with asyncio.timeout(_GUARD_S):
        await serve._serve(config)
    assert engine.told == told


@pytest.fixture
def put_back() -> Iterator[None]:
    """Leave the log of the process as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Return a port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.usefixtures("put_back")
class TestRefusal:
    """Where no call could be served, it says so in one line and exits with 1."""

    def refused(
        self, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> list[str]:
        """Run it in this process, and return what it wrote but for the log."""
        monkeypatch.setattr(sys, "argv", ["voxgate", "serve", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        assert ended.value.code == 1
        assert output.out == ""
        assert "Traceback" not in output.err
        log_or_start = ("20", "voxgate 0.")
        return [line for line in output.err.splitlines() if not line.startswith(log_or_start)]

    def test_a_provider_that_is_not_there_yet(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Named, with what there is instead."""
        registry = ProviderRegistry()
        registry.register("deepgram", ScriptedProvider.from_setup)
        registry.register("local", None)
        monkeypatch.setattr("voxgate.engine.default_registry", lambda: registry)
        config = configured(tmp_path, "engine: {default_provider: local}\n")
        (line,) = self.refused(config, monkeypatch, capsys)
        assert line == (
            "voxgate: local: not available in this version; there is deepgram "
            "[provider_not_available]"
        )

    def test_a_key_that_is_not_set(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Named by its variable."""
        config = configured(tmp_path, "engine: {default_provider: openai}\n")
        (line,) = self.refused(config, monkeypatch, capsys)
        assert line.startswith("voxgate: OPENAI_API_KEY: is not set")

    def test_a_line_whose_port_is_taken(
        self,
        taken_port: int,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Named by its address and key, before anything slow is started."""

        def never(*_: object, **__: object) -> None:
            raise AssertionError("the engine is made")

        monkeypatch.setattr(serve, "_serve", never)
        config = configured(tmp_path, f"lines: {{audiosocket: {{port: {taken_port}}}}}\n")
        (line,) = self.refused(config, monkeypatch, capsys)
        assert line.startswith(f"voxgate: audiosocket 127.0.0.1:{taken_port}: can't listen")
        assert "EADDRINUSE" in line
        assert "lines.audiosocket.port" in line

    def test_an_embedded_server_whose_port_is_taken(
        self,
        taken_port: int,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Named by its address too."""
        text = f"lines: {{audiosocket: {{port: 0}}}}\nrealtime_server: {{port: {taken_port}}}\n"
        (line,) = self.refused(configured(tmp_path, text), monkeypatch, capsys)
        assert line.startswith(f"voxgate: realtime_server 127.0.0.1:{taken_port}: can't listen")
        assert "EADDRINUSE" in line

    def test_a_configuration_that_is_wrong(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Named by its key, as ``check-config`` does."""
        config = configured(tmp_path, "engine: {max_calls: 0}\n")
        (line,) = self.refused(config, monkeypatch, capsys)
        assert line.startswith("voxgate: engine.max_calls: 0 is not in 1..10000")

    def test_it_says_at_once_that_it_starts(
        self,
        taken_port: int,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Before the first thing that can take long, or fail: version and providers."""
        config = configured(tmp_path, f"lines: {{audiosocket: {{port: {taken_port}}}}}\n")
        monkeypatch.setattr(sys, "argv", ["voxgate", "serve", str(config)])
        with pytest.raises(SystemExit):
            main()
        first, second = capsys.readouterr().err.splitlines()
        assert first == f"voxgate {__version__} starts; providers: embedded"
        assert "can't listen" in second

    def test_no_line_at_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An engine that nobody can call would wait for ever."""
        config = configured(tmp_path, "lines: {audiosocket: {enabled: false}}\n")
        (line,) = self.refused(config, monkeypatch, capsys)
        assert line.startswith("voxgate: lines: none is enabled")


def test_the_environment_of_tests_has_no_key() -> None:
    """The test of the key that is not set would else prove nothing."""
    assert "OPENAI_API_KEY" not in os.environ


class _QuickEngine(AIEngine):
    """Starts at once, and notes how much the garbage collector leaves out when it is to drain."""

    frozen = 0

    async def start(self) -> None:
        """Nothing."""

    async def drain(self) -> None:
        self.frozen = gc.get_freeze_count()


async def test_what_the_start_made_is_left_out_of_collections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As long as it serves, and no longer: a full one holds the loop for a tenth of a second."""
    engine = _QuickEngine(AppConfig(desk=DeskConfig(enabled=False)))
    monkeypatch.setattr("voxgate.engine.AIEngine", lambda *arguments, **options: engine)
    monkeypatch.setattr(
        serve, "_show_addresses", lambda *given: os.kill(os.getpid(), signal.SIGINT)
    )
    async with asyncio.timeout(_GUARD_S):
        await serve._serve(engine.config)
    assert engine.frozen > 10_000
    assert gc.get_freeze_count() == 0
