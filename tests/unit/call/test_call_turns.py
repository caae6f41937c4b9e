"""Steps of a call outside of its tasks, and what they leave for one."""

from __future__ import annotations

import asyncio

import pytest

from voxgate.call.call_turns import CallTurns, await_rest


async def test_a_step_that_leaves_nothing_is_over_when_it_returns() -> None:
    """Nobody is woken for it."""
    turns, done = CallTurns(), []
    turns.do(lambda: done.append(1))
    assert done == [1]
    assert not turns.is_busy
    await turns.wait_idle()


async def test_what_a_step_leaves_is_awaited_before_the_next_is_taken() -> None:
    """In the task that is there for it."""
    turns, release, done = CallTurns(), asyncio.Event(), []

    async def rest() -> None:
        await release.wait()
        done.append("rest")

    task = asyncio.create_task(turns.run())
    turns.do(lambda: rest)
    assert turns.is_busy
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert turns.is_busy
    release.set()
    await turns.wait_idle()
    assert done == ["rest"]
    assert not turns.is_busy
    turns.do(lambda: rest)
    await turns.wait_idle()
    assert done == ["rest", "rest"]
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_a_step_or_its_rest_raises_is_raised_in_the_task(is_late) -> None:
    """And no other step is to be taken: the call is over."""
    turns = CallTurns()

    def fail() -> None:
        raise ValueError("over")

    async def rest() -> None:
        fail()

    task = asyncio.create_task(turns.run())
    turns.do((lambda: rest) if is_late else fail)
    assert turns.is_busy
    with pytest.raises(ValueError, match="over"):
        await task
    assert turns.is_busy


async def test_what_is_left_can_be_awaited_by_whoever_is_in_a_task() -> None:
    """Nothing is left, as nearly always, or something."""
    done = []

    async def rest() -> None:
        done.append(1)

    await await_rest(None)
    await await_rest(rest)
    assert done == [1]
