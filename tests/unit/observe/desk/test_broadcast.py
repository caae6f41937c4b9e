"""One feed for all who watch, as long as somebody does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from structlog.testing import capture_logs

from support.desk_calls import decided, ended, roster_with, started
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call_observer import CallObserver
from voxgate.core.config import GatingConfig
from voxgate.observe.desk.broadcast import INTERVAL_MS, Broadcast, Watcher
from voxgate.observe.desk.call_roster import CallRoster

FRAME = bytes(320)


class Engine:
    """Knows who watches it."""

    def __init__(self) -> None:
        self.observers: list[CallObserver] = []

    def add_observer(self, observer: CallObserver) -> None:
        self.observers.append(observer)

    def remove_observer(self, observer: CallObserver) -> None:
        self.observers.remove(observer)


def broadcast_of(engine: Engine, roster: CallRoster) -> Broadcast:
    return Broadcast(engine, roster, GatingConfig().policy_for, virtual_ms)


async def taken(watcher: Watcher, n_messages: int) -> list[dict[str, Any]]:
    return [json.loads(await watcher.outbox.take()) for _ in range(n_messages)]


@in_virtual_time
async def test_the_feed_is_attached_while_somebody_watches() -> None:
    """The engine tells nobody anything before the first and after the last."""
    engine = Engine()
    broadcast = broadcast_of(engine, roster_with())
    assert engine.observers == []
    first, second = broadcast.join(), broadcast.join()
    assert len(engine.observers) == 1
    broadcast.leave(first)
    assert (len(engine.observers), broadcast.watchers) == (1, 1)
    broadcast.leave(second)
    broadcast.leave(second)
    assert (engine.observers, broadcast.watchers) == ([], 0)
    await asyncio.sleep(1.0)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert "desk feed" not in names


@in_virtual_time
async def test_a_watcher_is_told_of_calls_as_they_go() -> None:
    """First what the numbers mean, then who calls, then ten and more messages a second."""
    engine, roster = Engine(), roster_with("one")
    broadcast = broadcast_of(engine, roster)
    watcher = broadcast.join()
    hello, calls = await taken(watcher, 2)
    assert (hello["type"], hello["interval_ms"]) == ("hello", INTERVAL_MS)
    assert [call["call_id"] for call in calls["calls"]] == ["one"]
    engine.observers[0].on_decision("one", 0.0, FRAME, decided())
    ticks = await taken(watcher, 13)
    assert [tick["seq"] for tick in ticks] == list(range(1, 14))
    assert [len(tick["calls"]) for tick in ticks] == [1] + 12 * [0]
    assert ticks[-1]["t"] - ticks[0]["t"] == round(12 * INTERVAL_MS)
    broadcast.leave(watcher)


@in_virtual_time
async def test_the_list_of_calls_comes_again_when_it_differs() -> None:
    """Before the message about what the new call did."""
    engine, roster = Engine(), roster_with()
    broadcast = broadcast_of(engine, roster)
    watcher = broadcast.join()
    await taken(watcher, 2)
    roster.on_call_started(started("two"))
    engine.observers[0].on_decision("two", 0.0, FRAME, decided())
    calls, tick = await taken(watcher, 2)
    assert [call["k"] for call in calls["calls"]] == [row[0] for row in tick["calls"]] == [1]
    roster.on_call_ended(ended("two"))
    engine.observers[0].on_call_ended(ended("two"))
    calls, tick = await taken(watcher, 2)
    assert (calls["calls"], tick["type"]) == ([], "tick")
    broadcast.leave(watcher)


@in_virtual_time
async def test_a_watcher_that_does_not_read_holds_nobody_up() -> None:
    """It holds the newest of each kind; the other one misses nothing."""
    engine, roster = Engine(), roster_with("one")
    broadcast = broadcast_of(engine, roster)
    slow, quick = broadcast.join(), broadcast.join()
    await taken(quick, 2)
    ticks = await taken(quick, 50)
    assert [tick["seq"] for tick in ticks] == list(range(1, 51))
    kept = await taken(slow, 3)
    assert [message["type"] for message in kept] == ["hello", "roster", "tick"]
    assert kept[2]["seq"] == 50
    assert slow.outbox.replaced == 49
    for watcher in (slow, quick):
        broadcast.leave(watcher)


@in_virtual_time
async def test_who_looks_at_a_call_is_told_more_of_it() -> None:
    """Nobody else is; and looking away ends it."""
    engine, roster = Engine(), roster_with("one")
    broadcast = broadcast_of(engine, roster)
    looking, other = broadcast.join(), broadcast.join()
    await taken(looking, 2)
    await taken(other, 2)
    broadcast.focus(looking, "one")
    engine.observers[0].on_decision("one", 0.0, FRAME, decided(capture_rms=1.0))
    tick, detail = await taken(looking, 2)
    assert (tick["type"], detail["type"]) == ("tick", "detail")
    assert len(detail["frames"]) == 1
    assert [message["type"] for message in await taken(other, 2)] == ["tick", "tick"]
    await taken(looking, 2)
    broadcast.focus(looking, None)
    assert [message["type"] for message in await taken(looking, 2)] == ["tick", "tick"]
    for watcher in (looking, other):
        broadcast.leave(watcher)


@in_virtual_time
async def test_a_message_that_can_not_be_made_is_logged_once() -> None:
    """The next ones are tried all the same."""
    engine, roster = Engine(), roster_with()
    broadcast = broadcast_of(engine, roster)
    watcher = broadcast.join()
    await taken(watcher, 2)
    watcher.outbox.put = None  # type: ignore[assignment,method-assign]
    with capture_logs() as logged:
        await asyncio.sleep(1.0)
    assert [line["event"] for line in logged] == ["desk.feed_failed"]
    broadcast.leave(watcher)
