"""A burst gives others their turn."""

from __future__ import annotations

import asyncio

from voxgate.call.slices import Slices


async def test_the_loop_has_its_turn_when_a_slice_is_over() -> None:
    """And not before, as each turn costs time."""
    now_ms = 0.0
    turns: list[float] = []

    async def other() -> None:
        while True:
            turns.append(now_ms)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    slices = Slices(lambda: now_ms)
    for step in range(1, 31):
        now_ms = step / 10
        await slices.end_one()
    task.cancel()
    assert turns == [1.0, 2.0, 3.0]
