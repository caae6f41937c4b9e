"""The events that wait for the engine."""

from __future__ import annotations

import asyncio

import pytest

from voxgate.errors import ProviderError
from voxgate.providers.base import AgentAudioDone, ProviderEnded, ProviderEvent
from voxgate.providers.event_queue import EventQueue


def _event(number: int) -> ProviderEvent:
    return AgentAudioDone(f"item-{number}")


async def test_events_come_out_in_order_and_the_final_one_for_ever() -> None:
    """A consumer that asks again after the end is told again that it is the end."""
    queue = EventQueue()
    await queue.put(_event(1))
    queue.put_nowait(_event(2))
    final = ProviderEnded()
    queue.close(final)

    assert [await queue.get() for _ in range(4)] == [_event(1), _event(2), final, final]


async def test_get_waits_for_an_event() -> None:
    """The consumer sleeps until there is something, and then gets it."""
    queue = EventQueue()
    consumer = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not consumer.done()
    await queue.put(_event(1))

    assert await consumer == _event(1)


async def test_put_waits_while_full_and_goes_on_when_there_is_room() -> None:
    """A slow consumer slows its producer down; no event is lost."""
    queue = EventQueue(limit=2)
    await queue.put(_event(1))
    await queue.put(_event(2))
    producer = asyncio.create_task(queue.put(_event(3)))
    await asyncio.sleep(0)
    assert not producer.done()

    assert await queue.get() == _event(1)
    await producer
    assert [await queue.get(), await queue.get()] == [_event(2), _event(3)]


async def test_closing_frees_a_producer_that_waits() -> None:
    """Nothing hangs when a full queue is closed; the late event is lost, the final one is not."""
    queue = EventQueue(limit=1)
    await queue.put(_event(1))
    producer = asyncio.create_task(queue.put(_event(2)))
    await asyncio.sleep(0)
    final = ProviderEnded()
    queue.close(final)
    await producer

    assert [await queue.get(), await queue.get()] == [_event(1), final]


async def test_the_first_final_event_counts() -> None:
    """An end with a reason is not replaced by a later, plainer one."""
    queue = EventQueue()
    first = ProviderEnded(ProviderError("peer", "is gone", retryable=True))
    queue.close(first)
    queue.close(ProviderEnded())
    queue.put_nowait(_event(1))

    assert queue.is_closed
    assert await queue.get() is first


def test_a_queue_without_room_is_refused() -> None:
    """A limit of 0 could never deliver anything."""
    with pytest.raises(ValueError, match="limit: 0"):
        EventQueue(limit=0)
