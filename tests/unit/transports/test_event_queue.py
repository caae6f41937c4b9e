"""The queue between socket and engine: order, bounds, the one last event."""

from __future__ import annotations

import asyncio

import pytest

from voxgate.transports.base import LineAudio, LineDtmf, LineEvent, LineHangup, LineWarning
from voxgate.transports.event_queue import LineEventQueue

HANGUP = LineHangup("caller_hangup")


async def drained(queue: LineEventQueue) -> list[LineEvent]:
    return [event async for event in queue.drain()]


async def test_events_come_out_in_order():
    """A key pressed between two words stays between them."""
    events = [LineAudio(b"ab"), LineDtmf("1"), LineWarning("x.y"), LineAudio(b"cd"), HANGUP]
    queue = LineEventQueue()
    for event in events:
        queue.put(event)
    assert await drained(queue) == events


async def test_first_hangup_is_the_last_event():
    """Who ended the call is who did it first; nothing is taken after that."""
    queue = LineEventQueue()
    assert queue.hangup is None
    assert not queue.is_closed
    for event in (HANGUP, LineAudio(b"ab"), LineHangup("local_hangup")):
        queue.put(event)
    assert queue.hangup is HANGUP
    assert queue.is_closed
    assert await drained(queue) == [HANGUP]


async def test_consumer_that_comes_back_sees_the_hangup_again():
    """A second look at a dead line does not wait for ever."""
    queue = LineEventQueue()
    queue.put(HANGUP)
    assert await drained(queue) == [HANGUP]
    assert await drained(queue) == [HANGUP]


async def test_full_queue_drops_the_oldest_audio():
    """An engine that was away hears what the caller says now."""
    queue = LineEventQueue(max_audio_frames=3)
    queue.put(LineDtmf("1"))
    for number in range(5):
        queue.put(LineAudio(bytes((number, 0))))
    queue.put(HANGUP)
    assert queue.dropped_audio_frames == 2
    newest = [LineAudio(bytes((number, 0))) for number in (2, 3, 4)]
    assert await drained(queue) == [LineDtmf("1"), *newest, HANGUP]


async def test_huge_frames_are_bounded_by_their_bytes():
    """The bound in frames alone would let a peer fill the memory."""
    queue = LineEventQueue(max_audio_frames=100, max_audio_bytes=1000)
    for _ in range(10):
        queue.put(LineAudio(bytes(300)))
    queue.put(HANGUP)
    assert queue.dropped_audio_frames == 7
    assert await drained(queue) == [LineAudio(bytes(300))] * 3 + [HANGUP]


async def test_taken_audio_makes_room():
    """The bounds are on what waits, not on what ever came."""
    queue = LineEventQueue(max_audio_frames=1, max_audio_bytes=2)
    for _ in range(5):
        queue.put(LineAudio(b"ab"))
        assert await queue.get() == LineAudio(b"ab")
    assert queue.dropped_audio_frames == 0


async def test_flood_of_key_presses_drops_the_newest():
    """A peer can't fill the memory with digits, nor push the caller's audio out."""
    queue = LineEventQueue(max_other_events=2)
    queue.put(LineAudio(b"ab"))
    for digit in "1234":
        queue.put(LineDtmf(digit))
    queue.put(HANGUP)
    assert queue.dropped_other_events == 2
    assert await drained(queue) == [LineAudio(b"ab"), LineDtmf("1"), LineDtmf("2"), HANGUP]


@pytest.mark.parametrize("event", [LineAudio(b"ab"), LineDtmf("1"), HANGUP])
async def test_waiting_consumer_is_woken(event: LineEvent):
    """Nobody polls."""
    queue = LineEventQueue()
    consumer = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not consumer.done()
    queue.put(event)
    assert await consumer == event


async def test_cancelled_consumer_loses_no_event():
    """An engine that waits with a time limit gets the event the next time."""
    queue = LineEventQueue()
    consumer = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(LineDtmf("1"))
    consumer.cancel()
    await asyncio.wait({consumer})
    assert consumer.cancelled()
    assert await queue.get() == LineDtmf("1")


class TestDelivery:
    """Audio that is taken as it is read."""

    async def test_audio_is_taken_at_once_where_somebody_takes_it(self):
        """It was never in the queue."""
        queue, taken = LineEventQueue(), []
        queue.deliver_to(lambda event: taken.append(event) or True)
        queue.deliver(LineAudio(b"ab"))
        assert taken == [LineAudio(b"ab")]
        queue.put(HANGUP)
        assert await drained(queue) == [HANGUP]

    async def test_audio_that_nobody_takes_waits(self):
        """Before somebody comes, after he has gone, and while he has no time."""
        queue = LineEventQueue()
        queue.deliver(LineAudio(b"a1"))
        assert await queue.get() == LineAudio(b"a1")
        queue.deliver_to(lambda _: False)
        queue.deliver(LineAudio(b"b2"))
        assert await queue.get() == LineAudio(b"b2")
        queue.deliver_to(lambda _: True)
        queue.deliver_to(None)
        queue.deliver(LineAudio(b"c3"))
        assert await queue.get() == LineAudio(b"c3")

    async def test_audio_waits_behind_what_waits(self):
        """And is nothing any more once the line has ended."""
        queue, taken = LineEventQueue(), []
        queue.deliver_to(lambda event: taken.append(event) or True)
        queue.put(LineDtmf("1"))
        queue.deliver(LineAudio(b"ab"))
        queue.put(HANGUP)
        assert await drained(queue) == [LineDtmf("1"), LineAudio(b"ab"), HANGUP]
        queue.deliver(LineAudio(b"cd"))
        assert taken == []
