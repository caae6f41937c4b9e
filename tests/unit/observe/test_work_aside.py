"""Calls go on while something takes long, and it is done to its end."""

from __future__ import annotations

import asyncio
import sys

import pytest

from voxgate.observe.work_aside import aside, to_the_end


async def test_the_event_loop_gets_its_turn_often_meanwhile() -> None:
    """And Python's own setting holds again afterwards, whatever came of it."""
    usual, seen = sys.getswitchinterval(), []

    def work(number: int, *, by: int) -> float:
        seen.append(sys.getswitchinterval())
        return number / by

    assert await aside(work, 6, by=3) == 2
    with pytest.raises(ZeroDivisionError):
        await aside(work, 6, by=0)
    assert max(seen) < usual / 5
    assert sys.getswitchinterval() == usual


async def test_work_goes_on_where_nobody_waits_for_it_any_more() -> None:
    """Whoever has waited is left off at once."""
    goes_on, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await goes_on.wait()
        done.set()

    waiting = asyncio.create_task(to_the_end(work()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    goes_on.set()
    await done.wait()


async def test_what_becomes_of_it_is_told() -> None:
    """Results and errors."""

    async def work(number: int) -> float:
        return 6 / number

    assert await to_the_end(work(3)) == 2
    with pytest.raises(ZeroDivisionError):
        await to_the_end(work(0))
