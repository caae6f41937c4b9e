"""A short load run: processes of their own, real sockets, a real engine.

The modules that only such a run can drive are those of ``voxgate.lab.load``.
"""

from __future__ import annotations

import asyncio

import pytest

from voxgate.lab.load import EngineSettings, LoadFigures, LoadPlan, run_load
from voxgate.lab.load.child_process import ChildError, ChildProcess

GUARD_S = 170.0
"""No wait in a passing test comes near it, on however slow a machine."""


async def measure(plan: LoadPlan, engine: EngineSettings) -> list[LoadFigures]:
    """Run a plan."""
    async with asyncio.timeout(GUARD_S):
        return await run_load(plan, engine)


@pytest.mark.parametrize(
    ("line", "server", "mode"),
    [("audiosocket", "light", "off"), ("twilio", "embedded", "vad")],
)
async def test_three_callers_are_served_and_measured(line: str, server: str, mode: str) -> None:
    """Calls stay, frames are found again at the server, answers at the line."""
    plan = LoadPlan(steps=(3,), seconds=2.0, warm_up_s=2.0, line=line, server=server, erl_db=None)
    (figures,) = await measure(plan, EngineSettings(line=line, mode=mode, max_calls=5))
    assert (figures.calls, figures.lost_calls) == (3, 0)
    assert figures.line_to_provider.count + figures.uncertain_frames > 0
    assert figures.line_interval.count > 0
    assert figures.cpu_per_call is None or figures.cpu_per_call > 0


async def test_an_engine_that_does_not_start_is_said_so() -> None:
    """With its own last word, and nothing is left running."""
    with pytest.raises(ChildError, match="does not start"):
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
