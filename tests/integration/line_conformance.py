"""What every line must do, whatever carries it.

A line passes by a test class that inherits :class:`LineConformance` and has a fixture ``exchange``
of type :class:`Exchange`, by which the tests play the caller.
"""

from __future__ import annotations

__all__ = [
    "GUARD_S",
    "CallerSide",
    "Exchange",
    "LineConformance",
    "assert_is_well",
    "audio_of",
    "collected",
    "ending",
    "frame_of",
    "heard_audio",
    "next_event",
    "until",
]

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import pytest

from voxgate.errors import LocalProtocolError
from voxgate.transports.base import Line, LineAudio, LineDtmf, LineEvent, LineHangup, LinePlayed

GUARD_S = 120.0
"""No wait in a passing test comes near it, on however slow a machine."""


class CallerSide(Protocol):
    """One call, seen from the telephone network."""

    line: Line
    """The same call as the engine sees it."""

    async def speak(self, audio: bytes) -> None:
        """Send captured audio as one frame."""

    async def press(self, digit: str) -> None:
        """Press a key."""

    async def hear(self, n_frames: int) -> list[bytes]:
        """Return the next frames that arrive."""

    async def stop_reading(self) -> None:
        """Take nothing more of what is sent, but keep the call."""

    async def misbehave(self) -> None:
        """Send what the protocol forbids."""

    async def hang_up(self) -> None:
        """Put the receiver down."""

    async def finish_sending(self) -> None:
        """Close the way in only; nothing more will ever come."""

    async def vanish(self) -> None:
        """Break the connection."""

    async def is_over(self) -> None:
        """Wait until the line has noticed the end, and all that the caller did before."""

    async def is_told_to_hang_up(self) -> bool:
        """Wait for the end of the call from the engine's side; whether it came in good order."""


class Exchange(Protocol):
    """Places calls to the line under test."""

    async def place_call(self) -> CallerSide:
        """Place a call and wait until the engine has it."""


def frame_of(line: Line, number: int) -> bytes:
    """Return a playout frame that is known by its number."""
    return bytes((number % 251 + 1, 0)) * (line.playout_format.frame_bytes // 2)


def audio_of(line: Line, number: int) -> bytes:
    """Return a captured frame that is known by its number."""
    return bytes((number % 251 + 1, 1)) * (line.capture_format.frame_bytes // 2)


async def collected(line: Line) -> list[LineEvent]:
    """Return every event up to the last."""
    return [_without_time(event) async for event in line.events()]


async def until(is_reached: Callable[[], bool]) -> None:
    """Wait for what no event announces."""
    while not is_reached():  # noqa: ASYNC110 - that is what it is for
        await asyncio.sleep(0.001)


async def next_event(line: Line) -> LineEvent:
    """Return the next event."""
    async for event in line.events():
        return _without_time(event)
    raise AssertionError("the events of a line end with a hangup")


async def next_audio(line: Line) -> LineEvent:
    """Return the next event that is not about what was played."""
    while isinstance(event := await next_event(line), LinePlayed):
        pass
    return event


def _without_time(event: LineEvent) -> LineEvent:
    """Return an event as lines without a clock of their own tell it."""
    return replace(event, timestamp_ms=None) if isinstance(event, LineAudio) else event


def heard_audio(events: list[LineEvent]) -> bytes:
    return b"".join(event.audio for event in events if isinstance(event, LineAudio))


def ending(events: list[LineEvent]) -> str:
    """Return why the call ended, having checked that it ended once and last."""
    hangups = [event for event in events if isinstance(event, LineHangup)]
    assert hangups == events[-1:]
    return hangups[0].reason


@pytest.mark.timeout(GUARD_S)
class LineConformance:
    """The tests; each runs against the exchange of the inheriting class."""

    async def test_line_knows_what_it_is(self, exchange: Exchange):
        """Name, formats and capabilities do not change while the call lives."""
        first, second = await exchange.place_call(), await exchange.place_call()
        assert first.line.call_id != second.line.call_id
        before = (first.line.call_id, first.line.capture_format, first.line.playout_format)
        await first.speak(audio_of(first.line, 1))
        await next_event(first.line)
        after = (first.line.call_id, first.line.capture_format, first.line.playout_format)
        assert before == after
        assert first.line.capabilities == second.line.capabilities
        assert first.line.capabilities.max_lead_ms >= 0

    async def test_callers_audio_and_keys_arrive_in_order(self, exchange: Exchange):
        """What the caller did first comes first, and unchanged."""
        call = await exchange.place_call()
        await call.speak(audio_of(call.line, 1))
        await call.press("5")
        await call.speak(audio_of(call.line, 2))
        await call.press("#")
        await call.hang_up()
        assert await collected(call.line) == [
            LineAudio(audio_of(call.line, 1)),
            LineDtmf("5"),
            LineAudio(audio_of(call.line, 2)),
            LineDtmf("#"),
            LineHangup("caller_hangup"),
        ]

    async def test_short_frames_are_audio(self, exchange: Exchange):
        """Any whole number of samples is data; nothing is padded, and nothing waits for more."""
        call = await exchange.place_call()
        sample_bytes = call.line.capture_format.sample_bytes
        lengths = [n_samples * sample_bytes for n_samples in (1, 138, 22, 160, 1)]
        for number, n_bytes in enumerate(lengths):
            await call.speak(audio_of(call.line, number)[:n_bytes])
        await call.hang_up()
        events = await collected(call.line)
        assert [len(event.audio) for event in events if isinstance(event, LineAudio)] == lengths
        assert heard_audio(events) == b"".join(
            audio_of(call.line, number)[:n_bytes] for number, n_bytes in enumerate(lengths)
        )

    async def test_burst_arrives_whole(self, exchange: Exchange):
        """4 s of audio at once, as after a stall, are 4 s of audio."""
        call = await exchange.place_call()
        for number in range(200):
            await call.speak(audio_of(call.line, number))
        await call.hang_up()
        events = await collected(call.line)
        assert heard_audio(events) == b"".join(audio_of(call.line, n) for n in range(200))
        assert ending(events) == "caller_hangup"

    async def test_audio_that_nobody_takes_is_bounded(self, exchange: Exchange):
        """An engine that is away for a minute finds the caller's last seconds, not the first."""
        call = await exchange.place_call()
        for number in range(3000):
            await call.speak(audio_of(call.line, number))
        await call.hang_up()
        await call.is_over()
        events = await collected(call.line)
        audio = heard_audio(events)
        n_frames = len(audio) // call.line.capture_format.frame_bytes
        assert 50 <= n_frames <= 1000
        assert audio == b"".join(audio_of(call.line, n) for n in range(3000 - n_frames, 3000))
        assert ending(events) == "caller_hangup"

    async def test_silent_caller_stays_connected(self, exchange: Exchange):
        """With DTX nothing comes for a while; the agent is heard, and the caller again later."""
        call = await exchange.place_call()
        waiting = asyncio.create_task(next_audio(call.line))
        for number in range(5):
            call.line.send_audio(frame_of(call.line, number))
        assert await call.hear(5) == [frame_of(call.line, number) for number in range(5)]
        assert not waiting.done()
        await call.speak(audio_of(call.line, 7))
        assert await waiting == LineAudio(audio_of(call.line, 7))

    async def test_frames_reach_the_caller_whole_and_in_order(self, exchange: Exchange):
        """Each frame sent is one frame heard."""
        call = await exchange.place_call()
        sent = [frame_of(call.line, number) for number in range(60)]
        for frame in sent:
            call.line.send_audio(frame)
        assert await call.hear(60) == sent

    @pytest.mark.parametrize("n_bytes", [0, 3])
    async def test_frame_that_is_no_audio_is_refused(self, exchange: Exchange, n_bytes: int):
        """A mistake of the engine is named, and the call goes on."""
        call = await exchange.place_call()
        with pytest.raises(LocalProtocolError, match=f"{n_bytes} bytes"):
            call.line.send_audio(bytes(n_bytes))
        call.line.send_audio(frame_of(call.line, 1))
        assert await call.hear(1) == [frame_of(call.line, 1)]

    async def test_caller_hangs_up(self, exchange: Exchange):
        """The consumer is told, the events end, and late frames are no error."""
        call = await exchange.place_call()
        waiting = asyncio.create_task(collected(call.line))
        await call.hang_up()
        assert ending(await waiting) == "caller_hangup"
        call.line.send_audio(frame_of(call.line, 1))
        await call.line.hangup()
        assert ending(await collected(call.line)) == "caller_hangup"

    async def test_engine_hangs_up(self, exchange: Exchange):
        """The caller is told in good order, a waiting consumer is woken, a second time is fine."""
        call = await exchange.place_call()
        waiting = asyncio.create_task(collected(call.line))
        await asyncio.sleep(0)
        hangup = asyncio.create_task(call.line.hangup())
        assert await call.is_told_to_hang_up()
        await hangup
        assert ending(await waiting) == "local_hangup"
        await call.line.hangup()
        call.line.send_audio(frame_of(call.line, 1))

    async def test_engine_can_hang_up_on_a_caller_who_does_not_read(self, exchange: Exchange):
        """The end does not depend on the other side."""
        call = await exchange.place_call()
        await call.stop_reading()
        for number in range(150):
            call.line.send_audio(frame_of(call.line, number))
        await call.line.hangup()
        assert ending(await collected(call.line)) == "local_hangup"

    async def test_half_open_call_is_over(self, exchange: Exchange):
        """Who closes the way in will never speak again."""
        call = await exchange.place_call()
        await call.speak(audio_of(call.line, 1))
        await call.finish_sending()
        events = await collected(call.line)
        assert heard_audio(events) == audio_of(call.line, 1)
        assert ending(events) == "caller_hangup"

    async def test_broken_connection_is_not_a_hangup(self, exchange: Exchange):
        """The engine can tell a caller who left from a line that broke."""
        call = await exchange.place_call()
        await call.vanish()
        assert ending(await collected(call.line)) == "transport_error"

    async def test_caller_who_never_reads_is_given_up(self, exchange: Exchange):
        """Sending never blocks and never fills the memory; in the end the line breaks."""
        slow, other = await exchange.place_call(), await exchange.place_call()
        await slow.stop_reading()
        for number in range(60_000):
            slow.line.send_audio(frame_of(slow.line, number))
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert ending(await collected(slow.line)) == "transport_error"
        await assert_is_well(other)

    async def test_malformed_peer_ends_its_own_call_only(self, exchange: Exchange):
        """The other call does not notice, nor does the next."""
        bad, good = await exchange.place_call(), await exchange.place_call()
        await bad.misbehave()
        events = await collected(bad.line)
        assert ending(events) == "protocol_error"
        last = events[-1]
        assert isinstance(last, LineHangup)
        assert last.detail, "it says what was wrong"
        await assert_is_well(good)
        await assert_is_well(await exchange.place_call())

    async def test_many_calls_do_not_mix(self, exchange: Exchange):
        """Twenty calls at once: each hears and is heard by its own other side."""
        calls = [await exchange.place_call() for _ in range(20)]
        assert len({call.line.call_id for call in calls}) == 20
        for number, call in enumerate(calls):
            await call.speak(audio_of(call.line, number))
            call.line.send_audio(frame_of(call.line, number))
        for number, call in enumerate(calls):
            assert await next_audio(call.line) == LineAudio(audio_of(call.line, number))
            assert await call.hear(1) == [frame_of(call.line, number)]


async def assert_is_well(call: CallerSide) -> None:
    """Check both ways of a call."""
    await call.speak(audio_of(call.line, 9))
    assert await next_audio(call.line) == LineAudio(audio_of(call.line, 9))
    call.line.send_audio(frame_of(call.line, 9))
    assert await call.hear(1) == [frame_of(call.line, 9)]
