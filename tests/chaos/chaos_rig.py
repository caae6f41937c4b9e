"""An engine under load in a process of its own, and what its calls notice of a fault elsewhere.

The engine is ``voxgate serve``; callers and Realtime server are those of ``voxgate load``, in
processes of their own, and stamp every frame. Calls to :data:`FAULTY_CALL` go to a provider at an
address where the test puts one that misbehaves.
"""

from __future__ import annotations

__all__ = ["FAULTY_CALL", "ChaosRig", "Seen", "running_rig"]

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import yaml

from support.audiosocket_peer import HANGUP, AudioSocketPeer
from support.telephone import is_sound
from voxgate.clock import monotonic_ms
from voxgate.lab.load.child_process import ChildProcess
from voxgate.lab.load.engine_process import EngineSettings, ServedEngine, serve_engine
from voxgate.lab.load.frame_log import MeasuredSide
from voxgate.lab.load.frame_matching import tie_sessions
from voxgate.lab.load.load_figures import LoadFigures, compute_figures
from voxgate.lab.load.load_plan import LoadPlan
from voxgate.lab.load.load_run import callers_settings

FAULTY_CALL = UUID("0badca11-0000-4000-8000-000000000001")
"""A call that goes to the provider that misbehaves."""
_CALLS = int(os.environ.get("CHAOS_CALLS", "20"))
_MAX_P99_MS = float(os.environ.get("CHAOS_P99_MS", "20"))
_WARM_UP_S = 8.0


class Seen:
    """What the calls that have nothing to do with a fault noticed of it."""

    def __init__(self, n_lost: int) -> None:
        self.figures: LoadFigures | None = None
        self._n_lost = n_lost

    def assert_unharmed(self) -> None:
        """No frame lost, none late but what any machine makes late now and then."""
        figures = self.figures
        assert figures is not None
        assert figures.lost_calls == self._n_lost
        assert figures.lost_frames == 0, figures
        p99_ms = figures.line_to_provider.p99_ms
        assert p99_ms is not None
        sys.stdout.write(f"the others: {figures.line_to_provider}\n")
        assert p99_ms <= _MAX_P99_MS


class FaultyCall:
    """A call, and what its caller hears."""

    def __init__(self, peer: AudioSocketPeer) -> None:
        self.peer = peer
        self.n_frames = self.n_sounds = 0
        self.is_over = asyncio.Event()

    async def live(self) -> None:
        """Deliver silence, and hear."""
        listening = asyncio.create_task(self._listen())
        with contextlib.suppress(ConnectionError):
            while not self.is_over.is_set():
                await self.peer.send(0x10, bytes(320))
                await asyncio.sleep(0.02)
        await listening

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (frame := await self.peer.read_frame()) is not None and frame[0] != HANGUP:
                self.n_frames += 1
                self.n_sounds += is_sound(frame[1])
        self.is_over.set()


class ChaosRig:
    """The engine and those around it."""

    def __init__(
        self,
        engine: ServedEngine,
        server: ChildProcess,
        callers: ChildProcess,
        folder: Path,
        *,
        server_port: int,
        faulty_port: int,
    ) -> None:
        self.engine = engine
        self.server = server
        self.callers = callers
        self.folder = folder
        self.n_calls = _CALLS
        """Calls that have nothing to do with the fault."""
        self.server_port = server_port
        """Of the Realtime server of all other calls."""
        self.faulty_port = faulty_port
        """Of the provider that the test may put there."""
        self._ties: dict[int, int] = {}

    @property
    def config_path(self) -> Path:
        """The engine's configuration."""
        return self.folder / "agent.yaml"

    def log(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Return what the engine has logged of a kind, with these fields."""
        text = (self.folder / "engine.log").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event and fields.items() <= line.items()]

    async def logged(
        self, event: str, *, timeout_s: float = 30.0, **fields: object
    ) -> dict[str, Any]:
        """Wait until something is logged, and return it."""
        async with asyncio.timeout(timeout_s):
            while not (found := self.log(event, **fields)):  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.05)
        return found[-1]

    def metric(self, name: str, page: str) -> float:
        """Return the sum of a metric on a page of metrics."""
        lines = [line for line in page.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    async def metrics(self) -> str:
        """Return the engine's metrics."""
        url = (await self.logged("desk.started"))["url"]
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /metrics HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        page = (await reader.read()).decode()
        writer.close()
        return page

    @asynccontextmanager
    async def watched(self, *, n_lost: int = 0) -> AsyncIterator[Seen]:
        """Measure what the other calls notice of what happens in the block.

        Args:
            n_lost: Calls that the fault ends: so many are to be lost, and the others are measured.
        """
        seen = Seen(n_lost)
        earlier = await self._collect()
        start_ms = monotonic_ms()
        yield seen
        end_ms = monotonic_ms()
        await asyncio.sleep(1.0)
        callers, server = (
            side.following(before)
            for side, before in zip(await self._collect(), earlier, strict=True)
        )
        lost = {event.number for event in callers.events if event.kind == "lost"}
        seen.figures = compute_figures(
            callers,
            server,
            {session: call for session, call in self._ties.items() if call not in lost},
            window_ms=(start_ms, end_ms),
            n_calls=_CALLS,
            engine=None,
            idle=None,
            load_cpu_s=None,
        )

    def forget_ties(self) -> None:
        """Take that the server is another one, which knows nothing of the calls' sessions."""
        self._ties.clear()

    def calling_healthy(self) -> AbstractAsyncContextManager[FaultyCall]:
        """Place one more call to the provider of all others."""
        return self.calling(uuid4())

    @asynccontextmanager
    async def calling(self, call_id: UUID = FAULTY_CALL) -> AsyncIterator[FaultyCall]:
        """Place a call to the provider that misbehaves."""
        peer = await AudioSocketPeer.connect(self.engine.address, call_id=call_id)
        call = FaultyCall(peer)
        living = asyncio.create_task(call.live())
        try:
            yield call
        finally:
            call.is_over.set()
            peer.finish_sending()
            await asyncio.wait({living}, timeout=5.0)
            living.cancel()
            peer.hang_up()

    async def _collect(self) -> tuple[MeasuredSide, MeasuredSide]:
        sides = []
        for name, child in (("callers", self.callers), ("server", self.server)):
            path = self.folder / f"{name}.npz"
            await child.ask("write", path=str(path))
            sides.append(MeasuredSide.read(path))
        self._ties |= tie_sessions(sides[0].frames, sides[1].frames)
        return sides[0], sides[1]


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@asynccontextmanager
async def running_rig(
    folder: Path, change: Callable[[dict[str, Any]], None] = lambda _: None
) -> AsyncIterator[ChaosRig]:
    """Run the engine with its calls until the end of the block.

    Args:
        folder: For files.
        change: Changes the configuration.
    """
    faulty_port, server_port = free_port(), free_port()
    config: dict[str, Any] = {
        "engine": {"default_provider": "embedded", "log_format": "json"},
        "providers": {
            "embedded": {
                "kind": "openai_realtime",
                "url": f"ws://127.0.0.1:{server_port}/v1/realtime",
            },
            "faulty": {
                "kind": "openai_realtime",
                "url": f"ws://127.0.0.1:{faulty_port}/v1/realtime",
                "api_key_env": None,
                "greeting": "Good morning.",
                "connect_timeout_s": 2.0,
            },
        },
        "routes": [{"match": {"call_id": str(FAULTY_CALL)}, "provider": "faulty"}],
    }
    change(config)
    path = folder / "agent.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    settings = EngineSettings(
        config=path, mode="echo_aware", max_calls=2 * _CALLS, log_level="info"
    )
    serving = {"kind": "light", "port": server_port, "speed_ratio": 8.0, "core": None}
    async with (
        ChildProcess.start("server_process", serving) as server,
        serve_engine(settings, str(server.ready["url"]), folder / "engine.log") as engine,
        ChildProcess.start(
            "callers_process", callers_settings(LoadPlan(interrupting_ratio=0.0), engine)
        ) as callers,
    ):
        placed = await callers.ask("place", calls=_CALLS)
        assert placed.get("calls") == _CALLS, placed
        await asyncio.sleep(_WARM_UP_S)
        yield ChaosRig(
            engine, server, callers, folder, server_port=server_port, faulty_port=faulty_port
        )
