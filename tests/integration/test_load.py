"""A short load run: processes of their own, real sockets, a real engine.

The modules that only such a run can drive are those of ``voxgate.lab.load``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from voxgate.lab.load import EngineProgram, EngineSettings, LoadFigures, LoadPlan, run_load
from voxgate.lab.load.child_process import ChildError, ChildProcess
from voxgate.lab.load.engine_process import serve_engine
from voxgate.lab.load.frame_log import MeasuredSide, frame_digest

GUARD_S = 170.0
"""No wait in a passing test comes near it, on however slow a machine."""

_PCMU = {"format": {"type": "audio/pcmu"}}


async def measure(plan: LoadPlan, engine: EngineSettings) -> list[LoadFigures]:
    """Run a plan."""
    async with asyncio.timeout(GUARD_S):
        return await run_load(plan, engine)


async def test_three_callers_are_served_and_measured() -> None:
    """Calls stay, frames are found again at the server, audio comes to the line."""
    plan = LoadPlan(steps=(3,), seconds=4.0, warm_up_s=2.0)
    (figures,) = await measure(plan, EngineSettings(mode="off", max_calls=5))
    assert (figures.calls, figures.lost_calls) == (3, 0)
    assert figures.line_to_provider.count > 0
    assert figures.line_interval.count > 0
    assert figures.cpu_per_call is None or figures.cpu_per_call > 0


async def test_an_engine_of_another_make_is_started_with_the_servers_address(
    tmp_path: Path,
) -> None:
    """It says where it listens; one that can't be started is an error with its last word."""
    script = (
        "import signal, sys; open(sys.argv[1], 'w').write(sys.argv[2]); "
        "print('it listens on 127.0.0.1:4711', flush=True); signal.pause()"
    )
    words = (sys.executable, "-c", script, str(tmp_path / "url"), "{url}")
    async with serve_engine(EngineProgram(words=words), "ws://x:1/y", tmp_path / "log") as served:
        assert served.address == ("127.0.0.1", 4711)
    assert (tmp_path / "url").read_text() == "ws://x:1/y"
    with pytest.raises(ChildError, match="no such word"):
        async with serve_engine(
            EngineProgram(words=(sys.executable, "-c", "exit('no such word')")),
            "",
            tmp_path / "log",
        ):
            pass


@pytest.mark.parametrize("kind", ["light", "embedded"])
async def test_a_server_notes_each_frame_and_its_session(kind: str, tmp_path: Path) -> None:
    """In the format that the session asked for, behind its session.update."""
    frames = [bytes([0x10 + n]) * 160 for n in range(10)]
    settings = {"kind": kind, "port": 0, "speed_ratio": 8.0}
    session = {"type": "realtime", "audio": {"input": _PCMU, "output": _PCMU}}
    update = {"type": "session.update", "session": session}
    async with (
        asyncio.timeout(GUARD_S),
        ChildProcess.start("server_process", settings) as server,
        connect(f"{server.ready['url']}?model=any") as socket,
    ):
        await socket.send(json.dumps(update))
        for frame in frames:
            audio = b64encode(frame).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        await socket.send(json.dumps({"type": "nonsense"}))
        while json.loads(await socket.recv())["type"] != "error":
            pass  # what came before it has been taken by then
        assert await server.ask("write", path=str(tmp_path / "side.npz")) == {"sessions": 1}
    side = MeasuredSide.read(tmp_path / "side.npz")
    assert side.frames.mark.tolist() == [frame_digest(frame) for frame in frames]
    assert set(side.frames.number.tolist()) == {1}
    assert side.others.mark.tolist() == [160] * 10
    assert (side.events[0].kind, side.events[0].number) == ("session", 1)


async def test_an_engine_that_does_not_start_is_said_so() -> None:
    """With its own last word, and nothing is left running."""
    with pytest.raises(ChildError, match=r"does not start: (?!voxgate)"):
        await measure(LoadPlan(), EngineSettings(provider="nobody"))


async def test_an_engine_that_takes_no_calls_is_said_so() -> None:
    """The address is of somebody who does not listen."""
    settings = {
        "address": ["127.0.0.1", 9],
        "line": "audiosocket",
        "path": "",
        "corpus": None,
        "erl_db": None,
        "echo_delay_ms": 0,
        "interrupting_ratio": 0.0,
        "pause_ms": 0.0,
    }
    async with asyncio.timeout(GUARD_S), ChildProcess.start("callers_process", settings) as child:
        answer = await child.ask("place", calls=1)
        assert answer["calls"] == 0
        assert answer["error"]
