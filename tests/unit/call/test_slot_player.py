"""Slots that are played in step with frames, and by themselves where none come."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call.call_turns import Rest
from voxgate.call.slot_player import SlotPlayer
from voxgate.core.pacing import SlotPacer


class Rig:
    """A player and what it played."""

    def __init__(self, *, in_step: bool = True) -> None:
        self.pacer = SlotPacer(virtual_ms(), in_step=in_step)
        self.played: list[tuple[float, float]] = []
        """When slots were due, and when they were played, in ms."""
        self.skipped: list[float] = []
        self.takes_s = 0.0
        self.error: Exception | None = None
        self.player = SlotPlayer(
            "call-1", self.pacer, play=self._play, skip=self._skip, clock=virtual_ms
        )
        self.task = asyncio.create_task(self.player.run())

    @property
    def due_ms(self) -> list[float]:
        return [due_ms for due_ms, _ in self.played]

    async def deliver(self, n_frames: int, *, late_ms: float = 0.0) -> None:
        """Let frames come, 20 ms apart."""
        for _ in range(n_frames):
            await asyncio.sleep((20.0 + late_ms) / 1000)
            self.pacer.on_inbound(virtual_ms())
            self.player.receive_frame()
            late_ms = 0.0

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    def _play(self, slot_ms: float, now_ms: float) -> Rest | None:
        self.played.append((slot_ms, now_ms))
        if self.error is not None:
            raise self.error
        return self._take_time if self.takes_s else None

    async def _take_time(self) -> None:
        await asyncio.sleep(self.takes_s)

    def _skip(self, slot_ms: float, now_ms: float) -> None:
        del now_ms
        self.skipped.append(slot_ms)


@in_virtual_time
async def test_slots_run_by_themselves_where_no_frame_comes() -> None:
    """Each when it is due."""
    rig = Rig()
    await asyncio.sleep(0.1)
    await rig.stop()

    assert rig.due_ms[:5] == pytest.approx([0, 20, 40, 60, 80])
    assert all(now_ms - due_ms <= 0.001 for due_ms, now_ms in rig.played)


@in_virtual_time
async def test_slots_are_played_when_a_frame_comes_once_frames_have_a_rhythm() -> None:
    """None is left out or played twice, and none before it is due."""
    rig = Rig()
    await asyncio.sleep(0.009)
    await rig.deliver(50)
    last_frame_ms = virtual_ms()
    await rig.stop()

    assert rig.played[-1][1] == pytest.approx(last_frame_ms)
    steps = [later - earlier for earlier, later in pairwise(rig.due_ms)]
    assert steps[6:] == pytest.approx([20.0] * len(steps[6:]), abs=0.1)
    assert all(20.0 - 0.1 <= step < 40.0 for step in steps)
    assert all(-1.0 <= now_ms - due_ms <= 8.0 for due_ms, now_ms in rig.played)


@in_virtual_time
async def test_a_slot_whose_frame_does_not_come_is_played_all_the_same() -> None:
    """A few ms late at most, and the ones after it in time."""
    rig = Rig()
    await rig.deliver(30)
    n_before = len(rig.played)
    await asyncio.sleep(0.1)
    await rig.stop()

    late_ms = [now_ms - due_ms for due_ms, now_ms in rig.played[n_before:]]
    assert late_ms[0] == pytest.approx(8.0)
    assert late_ms[1:] == pytest.approx([0.0] * len(late_ms[1:]), abs=0.01)
    assert len(late_ms) >= 4


@in_virtual_time
async def test_a_frame_that_comes_late_finds_its_slot_played() -> None:
    """And once frames have come in time again for a while, slots are in step with them."""
    rig = Rig()
    await rig.deliver(30)
    await rig.deliver(1, late_ms=10.0)
    assert virtual_ms() - rig.played[-1][1] > 1.0
    await rig.deliver(1, late_ms=-10.0)
    await rig.deliver(12)
    played_ms = rig.played[-1][1]
    await rig.stop()

    assert played_ms == pytest.approx(virtual_ms())
    assert max(later - earlier for earlier, later in pairwise(rig.due_ms[8:])) < 20.2


@in_virtual_time
async def test_a_slot_that_has_to_wait_is_not_overtaken_by_the_next() -> None:
    """Whatever brings it about, a frame or a timer."""
    rig = Rig()
    await rig.deliver(30)
    rig.takes_s = 0.03
    before = len(rig.played)
    frames = asyncio.create_task(rig.deliver(10))
    await asyncio.sleep(0.3)
    await rig.stop()
    frames.cancel()

    times = [now_ms for _, now_ms in rig.played[before:]]
    assert len(times) >= 9
    assert times == sorted(times)
    assert rig.due_ms == sorted(set(rig.due_ms))


@in_virtual_time
async def test_what_playing_a_slot_raises_ends_the_player_alone() -> None:
    """Not whoever brought the frame: that is the line's turn of the loop."""
    rig = Rig()
    await rig.deliver(30)
    rig.error = ValueError("over")
    await rig.deliver(1)
    with pytest.raises(ValueError, match="over"):
        await rig.task
    n_played = len(rig.played)
    await rig.deliver(2)
    assert len(rig.played) == n_played


@in_virtual_time
async def test_slots_that_are_missed_are_skipped_and_counted() -> None:
    """More than a few at once would only fill the line."""
    rig = Rig(in_step=False)
    await asyncio.sleep(0.001)
    loop = asyncio.get_running_loop()
    loop._now_s += 0.5  # type: ignore[attr-defined]
    await asyncio.sleep(0.1)
    await rig.stop()

    assert len(rig.skipped) == rig.pacer.skipped_slots > 0
    everything = sorted([*rig.due_ms, *rig.skipped])
    assert all(later - earlier == pytest.approx(20.0) for earlier, later in pairwise(everything))


@in_virtual_time
async def test_late_slots_keep_their_times_though_a_frame_moves_the_next_one() -> None:
    """The task that plays them has its turn after what is read meanwhile."""
    rig = Rig()
    await asyncio.sleep(0.001)
    loop = asyncio.get_running_loop()
    loop._now_s += 0.05  # type: ignore[attr-defined]
    rig.player.receive_frame()
    for number in range(4):
        rig.pacer.on_inbound(virtual_ms() + 20.0 * number)
    assert rig.pacer.next_deadline_ms > 60.0
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await rig.stop()
    assert rig.due_ms == pytest.approx([0.0, 20.0, 40.0])


@in_virtual_time
async def test_a_frame_before_the_player_runs_or_after_its_end_plays_nothing() -> None:
    """No slot is awaited then."""
    rig = Rig()
    rig.player.receive_frame()
    assert rig.played == []
    await asyncio.sleep(0.001)
    await rig.stop()
    rig.player.receive_frame()
    await asyncio.sleep(1.0)

    assert len(rig.played) == 1
