"""What a line delivers, as it is read and from its queue."""

from __future__ import annotations

import asyncio

import pytest

from voxgate.call.call_turns import Rest
from voxgate.call.closing import CallOver
from voxgate.call.frame_intake import FrameIntake
from voxgate.transports.base import LineAudio, LineDtmf, LineEvent, LineHangup
from voxgate.transports.scripted import ScriptedLine


class Rig:
    """An intake and what it took, in order."""

    def __init__(self, line: ScriptedLine | None = None) -> None:
        self.line = line or ScriptedLine()
        self.taken: list[object] = []
        self.release: asyncio.Event | None = None
        """What frames wait for, where they do."""
        self.error: Exception | None = None
        self.now_ms = 0.0
        self.intake = FrameIntake(
            self.line, take_frame=self._take, follow=self._follow, clock=self._clock
        )
        self.tasks = [
            asyncio.create_task(self.intake.run()),
            asyncio.create_task(self.intake.run_turns()),
        ]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)

    def _clock(self) -> float:
        return self.now_ms

    def _take(self, event: LineAudio, now_ms: float) -> Rest | None:
        assert now_ms == self.now_ms
        if self.error is not None:
            raise self.error
        if self.release is None:
            self.taken.append(event.audio)
            return None

        async def rest() -> None:
            assert self.release is not None
            await self.release.wait()
            self.taken.append(event.audio)

        return rest

    def _follow(self, event: LineEvent) -> None:
        if isinstance(event, LineHangup):
            raise CallOver(event.reason)
        self.taken.append(event)


async def turns_of_the_loop(n_turns: int = 8) -> None:
    for _ in range(n_turns):
        await asyncio.sleep(0)


async def test_a_frame_is_taken_as_it_is_read() -> None:
    """Without any other turn of the loop."""
    rig = Rig()
    await turns_of_the_loop()
    rig.line.deliver(b"ab")
    assert rig.taken == [b"ab"]
    await rig.stop()


async def test_a_burst_is_left_to_the_task() -> None:
    """However each of its frames is read: the others have their turn between them."""
    rig = Rig()
    await turns_of_the_loop()
    for audio in (b"a1", b"b2", b"c3"):
        rig.line.deliver(audio)
    assert rig.taken == [b"a1"]
    await turns_of_the_loop()
    assert rig.taken == [b"a1", b"b2", b"c3"]
    rig.now_ms = 20.0
    rig.line.deliver(b"d4")
    assert rig.taken == [b"a1", b"b2", b"c3", b"d4"]
    await rig.stop()


async def test_a_frame_does_not_overtake_what_waits() -> None:
    """Nor a key that was pressed before it."""
    rig = Rig()
    await turns_of_the_loop()
    rig.line.receive(LineDtmf("1"))
    rig.line.deliver(b"ab")
    assert rig.taken == []
    await turns_of_the_loop()
    assert rig.taken == [LineDtmf("1"), b"ab"]
    await rig.stop()


@pytest.mark.parametrize("first", ["deliver", "receive"])
async def test_a_frame_that_has_to_wait_holds_up_those_behind_it_and_no_one_else(first) -> None:
    """They wait in the queue, in order, whichever way they come."""
    rig = Rig()
    await turns_of_the_loop()
    rig.release = asyncio.Event()
    if first == "deliver":
        rig.line.deliver(b"a1")
    else:
        rig.line.receive(LineAudio(b"a1"))
    await turns_of_the_loop()
    rig.line.deliver(b"b2")
    rig.line.receive(LineDtmf("1"))
    rig.line.deliver(b"c3")
    await turns_of_the_loop()
    assert rig.taken == []
    rig.release.set()
    await turns_of_the_loop()
    assert rig.taken == [b"a1", b"b2", LineDtmf("1"), b"c3"]
    await rig.stop()


async def test_a_frame_does_not_overtake_what_was_taken_from_the_queue() -> None:
    """And waits until the frame before it is done with: just then the socket is read again."""
    rig = Rig()
    await turns_of_the_loop()
    rig.release = asyncio.Event()
    rig.line.deliver(b"a1")
    await turns_of_the_loop()
    rig.line.receive(LineDtmf("1"))
    await turns_of_the_loop()
    rig.now_ms = 20.0
    rig.release.set()
    rig.release = None
    asyncio.get_running_loop().call_soon(rig.line.deliver, b"b2")
    await turns_of_the_loop()
    assert rig.taken == [b"a1", LineDtmf("1"), b"b2"]
    await rig.stop()


@pytest.mark.parametrize("is_read", [False, True])
async def test_what_taking_a_frame_raises_is_raised_in_a_task_of_the_call(is_read) -> None:
    """And not where the line is read."""
    rig = Rig()
    await turns_of_the_loop()
    rig.error = ValueError("over")
    if is_read:
        rig.line.deliver(b"ab")
    else:
        rig.line.receive(LineAudio(b"ab"))
    with pytest.raises(ValueError, match="over"):
        await rig.tasks[is_read]
    await rig.stop()


async def test_the_end_of_the_line_ends_the_intake() -> None:
    """What comes after it is for nobody; a second call of the same code finds a line as it was."""
    rig = Rig()
    await turns_of_the_loop()
    rig.line.receive(LineHangup("caller_hangup"))
    with pytest.raises(CallOver):
        await rig.tasks[0]
    rig.line.deliver(b"ab")
    await rig.stop()
    assert rig.taken == []


async def test_a_line_that_can_only_queue_is_served_too() -> None:
    """As any line of an operator's own may be."""

    class Queueing(ScriptedLine):
        deliver_to = None  # type: ignore[assignment]

    rig = Rig(Queueing())
    await turns_of_the_loop()
    rig.line.deliver(b"ab")
    assert rig.taken == []
    await turns_of_the_loop()
    assert rig.taken == [b"ab"]
    await rig.stop()


async def test_a_line_that_ends_without_a_word_is_broken() -> None:
    """The call is over all the same."""

    class Silent(ScriptedLine):
        async def events(self):
            for event in ():
                yield event

    rig = Rig(Silent())
    with pytest.raises(CallOver) as over:
        await rig.tasks[0]
    assert over.value.reason == "transport_error"
    await rig.stop()
