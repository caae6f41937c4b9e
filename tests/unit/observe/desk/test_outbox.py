"""What waits for one watcher."""

from __future__ import annotations

import asyncio

from voxgate.observe.desk.outbox import Kind, Outbox


async def test_the_newest_of_each_kind_waits() -> None:
    """Whoever does not read holds four messages, however long that lasts."""
    outbox = Outbox()
    for number in range(1000):
        outbox.put(Kind.TICK, f"tick {number}")
    outbox.put(Kind.DETAIL, "detail")
    outbox.put(Kind.ROSTER, "roster")
    assert outbox.replaced == 999
    assert [await outbox.take() for _ in range(3)] == ["roster", "tick 999", "detail"]


async def test_whoever_takes_waits_for_a_message() -> None:
    """And gets it as soon as it is there; a wait that is given up loses nothing."""
    outbox = Outbox()
    given_up = asyncio.ensure_future(outbox.take())
    await asyncio.sleep(0)
    given_up.cancel()
    taking = asyncio.ensure_future(outbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    outbox.put(Kind.TICK, "tick")
    assert await taking == "tick"
