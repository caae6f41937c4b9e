"""Thousands of short calls through one engine: what each leaves behind is nothing.

Everything is real but the time: telephones on AudioSocket, the engine with its gate, the embedded
Realtime server, all in one process. ``SOAK_CALLS`` says how many calls.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict

import pytest

from soak.soak_table import show_table
from soak.soaked_engine import run_in_made_up_time, soaked_engine
from support.growth import PROCESS_NOISE, assert_no_growth
from support.process_use import ProcessUse
from support.telephone import Telephone, spoken
from voxgate.engine import AIEngine

_CALLS = int(os.environ["SOAK_CALLS"])
_AT_ONCE = 20
_CHECKPOINTS = 30

pytestmark = pytest.mark.timeout(4 * 3600)


async def _caller(engine: AIEngine, numbers: list[int]) -> None:
    """Call one time after the other: speak over the agent, hang up in the middle of something."""
    question = spoken("question")
    while numbers:
        number = numbers.pop()
        address = engine.addresses["audiosocket"]
        async with Telephone.calling(address, echo_loss_db=12.0) as phone:
            await asyncio.sleep(0.3 + number % 7 * 0.2)
            if number % 3:
                phone.say(question[: 8000 + number % 5 * 4000])
            await asyncio.sleep(0.5 + number % 11 * 0.1)


async def _soak() -> list[ProcessUse]:
    uses = []
    async with soaked_engine() as engine:
        for _ in range(_CHECKPOINTS):
            numbers = list(range(_CALLS // _CHECKPOINTS))
            async with asyncio.TaskGroup() as callers:
                for _ in range(_AT_ONCE):
                    callers.create_task(_caller(engine, numbers))
            while engine.running_calls:  # noqa: ASYNC110 - the last of them are about to end
                await asyncio.sleep(0.02)
            await asyncio.sleep(5.0)
            assert len(engine.manager) == 0
            uses.append(ProcessUse.measured())
        assert engine.counters.calls_accepted == _CALLS // _CHECKPOINTS * _CHECKPOINTS
        assert engine.counters.calls_refused == 0
        assert engine.observer_failures == 0
    return uses


def test_short_calls_leave_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    """Tasks, descriptors and threads are as many after a third of the calls as after all; memory
    and objects do not grow from there by more than chance."""
    uses = run_in_made_up_time(_soak())
    # The last 256 sessions and ended calls that are remembered are as many by then.
    first, last = uses[_CHECKPOINTS // 3 - 1], uses[-1]
    rows = [asdict(use) for use in uses]
    with capsys.disabled():
        show_table("short calls", rows)
    assert last.tasks == first.tasks
    assert last.descriptors == first.descriptors
    assert last.threads == first.threads
    assert_no_growth(rows, PROCESS_NOISE)
