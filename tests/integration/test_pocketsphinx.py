"""Pocketsphinx hears as every recogniser does, in processes that come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from integration.local_agent_conformance import RecogniserBench, RecogniserConformance
from support.processes import end_processes
from support.telephone import until
from voxgate.config.local_models import PocketsphinxConfig
from voxgate.core.stream_converter import StreamConverter
from voxgate.local_agent.agent_parts import make_recogniser
from voxgate.local_agent.pocketsphinx_recogniser import PocketsphinxRecogniser
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT
from voxgate.realtime_server.voice_library import agent_voices

pytest.importorskip(
    "pocketsphinx", reason="voxgate[local]; there is no wheel for Python 3.14 and later"
)

PATIENCE_S = 120.0
"""Only a test that hangs takes so long."""
CONFIG = PocketsphinxConfig(processes=1, timeout_s=PATIENCE_S)


class PocketsphinxBench(RecogniserBench):
    """Hears a packaged voice over a telephone line."""

    words = frozenset({"still", "there"})

    def __init__(self) -> None:
        made = make_recogniser(CONFIG)
        assert isinstance(made, PocketsphinxRecogniser)
        self.recogniser: PocketsphinxRecogniser = made
        line = agent_voices()["still_there"]
        to_wide = StreamConverter(line.audio_format, RECOGNISER_FORMAT)
        self.speech = to_wide.process(line.audio)

    async def break_down(self) -> None:
        end_processes(await self.process_ids())

    async def process_ids(self) -> tuple[int, ...]:
        """Those of the processes, once there are any: the test before may have ended one."""
        await until(lambda: self.recogniser.process_ids)
        return self.recogniser.process_ids


@pytest_asyncio.fixture(loop_scope="class", scope="class")
async def bench() -> AsyncIterator[PocketsphinxBench]:
    bench = PocketsphinxBench()
    await bench.recogniser.start()
    yield bench
    await bench.recogniser.stop()


class TestPocketsphinx(RecogniserConformance):
    async def test_a_process_that_died_is_replaced(self, bench: PocketsphinxBench) -> None:
        """By another one, and nobody has to ask for it."""
        (process_id,) = await bench.process_ids()
        await bench.break_down()
        await until(lambda: bench.recogniser.process_ids not in {(), (process_id,)})

    async def test_a_process_ends_with_whoever_started_it(self, bench: PocketsphinxBench) -> None:
        """It reads the end of its messages, and nobody has to tell it."""
        (process_id,) = await bench.process_ids()
        (member,) = bench.recogniser._crew._members
        member.worker._input.close()
        async with asyncio.timeout(PATIENCE_S):
            assert await member.worker._process.wait() == 0
        # What ends a process next is to find the one that follows.
        await until(lambda: bench.recogniser.process_ids not in {(), (process_id,)})

    async def test_a_process_gets_no_keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What needs none of them does not see them."""
        monkeypatch.setenv("SOME_API_KEY", "secret")
        made = PocketsphinxRecogniser(CONFIG)
        await made.start()
        seen = environment_of(made.process_ids[0])
        await made.stop()
        assert b"PATH=" in seen
        assert b"secret" not in seen


def environment_of(process_id: int) -> bytes:
    file = Path(f"/proc/{process_id}/environ")
    if not file.exists():
        pytest.skip("this system does not show a process's environment")
    return file.read_bytes()
