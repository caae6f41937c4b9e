"""Who has the agent's side of a call, and what the gate of the next one is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from support.scripted_call import PromptProvider
from support.signals import Signal, at_level, frames_of, speech_like, white_noise
from voxgate.call import Agent, Candidate
from voxgate.call.agent_seat import AgentSeat, Handover
from voxgate.clock import Clock
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gate_decision import GateDecision
from voxgate.core.playout import PlayoutFrame
from voxgate.providers.base import CallAudio, Capabilities
from voxgate.providers.scripted import GATED, PASSED_THROUGH, ScriptedProvider
from voxgate.transports.scripted import ScriptedLine

_FORMAT = AudioFormat()
_SILENCE = PlayoutFrame(audio=bytes(320), is_agent_audio=False, item_id=None)


def voice(audio: bytes, item_id: str = "item") -> PlayoutFrame:
    return PlayoutFrame(audio=audio, is_agent_audio=True, item_id=item_id)


class Rig:
    """A seat, its gate, and a time that stands where it is put."""

    def __init__(self, *, second: Capabilities = GATED, hold_ms: float = 60_000) -> None:
        self.now_ms = 0.0
        self.manager = AudioGatingManager()
        self.line = ScriptedLine()
        self.first = self._provider(lambda: self.now_ms, GATED)
        self.second: ScriptedProvider
        self._second = second
        name = "openai_realtime_2" if second.needs_gating else "deepgram"
        self.seat = AgentSeat(
            self.line,
            "openai_realtime",
            Agent(self.first),
            manager=self.manager,
            clock=lambda: self.now_ms,
            successors=[Candidate(name, self._make)],
            hold_ms=hold_ms,
        )
        self.seat.open_gate(0.0)
        self.told: list[tuple[float, bytes, GateDecision]] = []

    def _provider(self, clock: Clock, capabilities: Capabilities) -> ScriptedProvider:
        return ScriptedProvider(
            call_id=self.line.call_id,
            call_audio=CallAudio(capture=_FORMAT, playout=_FORMAT),
            manager=self.manager,
            clock=clock,
            capabilities=capabilities,
        )

    def _make(self, clock: Clock) -> Agent:
        self.second = self._provider(clock, self._second)
        return Agent(self.second)

    async def pass_time(self, capture: list[bytes], played: list[PlayoutFrame]) -> None:
        """Let the line capture and play, a frame each in every slot."""
        for frame, slot in zip(capture, played, strict=True):
            self.now_ms += 20.0
            await self.seat.pass_slot(slot, self.now_ms)
            await self.seat.send_audio(frame, self.now_ms, None)

    async def take_next(self, pause: Callable[[], object] = lambda: None) -> Handover:
        async def turn() -> None:
            pause()
            await asyncio.sleep(0)

        self.seat.leave()
        return await self.seat.take_next(lambda *told: self.told.append(told), turn)


def scene(seconds: int = 8) -> tuple[list[bytes], list[PlayoutFrame]]:
    """Return a noisy line on which the caller speaks, over the agent too, with its echo."""
    rng = np.random.default_rng(5)
    duration_ms = seconds * 1000
    agent: Signal = at_level(speech_like(2000, seed=1), -20.0)
    far_end = np.zeros(duration_ms * 8, np.int16)
    far_end[16_000 : 16_000 + agent.size] = agent[: far_end.size - 16_000]
    echo = np.roll(far_end, 8 * 120).astype(np.float64) * 0.05
    caller = np.zeros(duration_ms * 8)
    for start_s, seed in ((1, 2), (3, 3), (6, 4)):
        words = at_level(speech_like(800, seed=seed), -24.0)
        if start_s < seconds:
            caller[start_s * 8000 : start_s * 8000 + words.size] = words
    noise = at_level(white_noise(duration_ms, seed=int(rng.integers(9))), -60.0)
    capture = np.clip(echo + caller + noise, -32768, 32767).astype(np.int16)
    played = [voice(frame) if any(frame) else _SILENCE for frame in frames_of(far_end)]
    return frames_of(capture), played


class TestReplay:
    """What the second hears of the time before it."""

    async def test_it_hears_what_it_would_have_heard_had_it_been_there(self) -> None:
        """To the byte: noise kept out, echo kept out, the caller let through, over the agent too;
        though it is judged seconds later, and in one go."""
        capture, played = scene()
        there, late = Rig(), Rig()
        await there.pass_time(capture, played)
        await late.pass_time(capture, played)
        delivered = (await late.take_next()).held_frames
        held = list(there.first._held)
        assert delivered == len(capture)
        assert list(late.second._held) == held
        loud = [frame for frame in held if any(frame)]
        assert 50 < len(loud) < 0.6 * len(held)
        stats = there.manager.get_stats(there.line.call_id)
        assert stats is not None
        assert stats.silence_frames > 0

    async def test_what_comes_meanwhile_joins_the_end(self) -> None:
        """In order, each frame once, and those that nobody judged before are told."""
        capture, _ = scene(4)
        rig = Rig(second=PASSED_THROUGH)
        await rig.pass_time(capture, [_SILENCE] * len(capture))
        late = [bytes([n + 1]) * 320 for n in range(5)]
        waiting = list(late)
        tasks: list[asyncio.Task[object]] = []

        def come() -> None:
            if waiting:
                rig.now_ms += 20.0
                coroutine = rig.seat.send_audio(waiting.pop(0), rig.now_ms, None)
                tasks.append(asyncio.ensure_future(coroutine))

        await rig.take_next(come)
        assert rig.second.frames[-5:] == late
        assert len(rig.second.frames) == len(capture) + 5
        assert [frame for _, frame, _ in rig.told] == late
        times = [now_ms for now_ms, _, _ in rig.told]
        assert all(earlier < later for earlier, later in pairwise(times))

    async def test_a_provider_that_came_back_leaves_nothing_for_the_next(self) -> None:
        """What it has heard is not answered twice; what was played is still known."""
        capture, played = scene(4)
        rig = Rig()
        rig.seat.lose_provider()
        await rig.pass_time(capture, played)
        rig.seat.find_provider()
        await rig.pass_time(capture, played)
        assert (await rig.take_next()).held_frames == 0
        assert rig.second.n_advances == 51

    async def test_slots_that_nothing_was_sent_in_are_shown_and_no_time_passes(self) -> None:
        """As when they were missed."""
        rig = Rig()
        for _ in range(10):
            rig.now_ms += 20.0
            rig.seat.skip_slot(_SILENCE, rig.now_ms)
        await rig.take_next()
        assert rig.second.n_advances == 0

    async def test_audio_that_the_line_places_is_placed_again(self) -> None:
        """Where it ended at the caller's, not when it came."""
        rig = Rig()
        placed: list[float] = []
        rig.manager.place_capture = (  # type: ignore[method-assign]
            lambda call_id, captured_ms: placed.append(captured_ms)
        )
        for number in range(3):
            rig.now_ms += 20.0
            await rig.seat.send_audio(bytes(320), rig.now_ms, 100.0 * number)
        await rig.take_next()
        assert placed == [0.0, 100.0, 200.0] * 2


class TestSeat:
    """Who has it."""

    async def test_the_next_takes_over_name_provider_and_gate(self) -> None:
        """And there is none after it."""
        rig = Rig(second=PASSED_THROUGH)
        assert (rig.seat.name, rig.seat.next_name) == ("openai_realtime", "deepgram")
        await rig.take_next()
        assert (rig.seat.name, rig.seat.next_name) == ("deepgram", None)
        assert rig.seat.provider is rig.second
        assert rig.seat.predecessors == ("openai_realtime",)
        assert rig.manager.get_stats(rig.line.call_id) is None
        assert len(rig.manager) == 1

    async def test_while_nobody_has_it_nothing_is_judged(self) -> None:
        """It waits."""
        rig = Rig()
        rig.seat.leave()
        assert await rig.seat.send_audio(bytes(320), 20.0, None) is None
        assert await rig.seat.pass_slot(_SILENCE, 20.0) is None
        assert rig.first.frames == []

    async def test_the_counters_stay_when_the_gate_goes(self) -> None:
        """The sum over both providers; closing it twice counts nothing twice."""
        capture, played = scene(4)
        rig = Rig()
        rig.seat.find_provider()
        await rig.pass_time(capture, played)
        await rig.take_next()
        await rig.pass_time(capture, played)
        rig.seat.close_gate()
        rig.seat.close_gate()
        assert rig.seat.stats is not None
        assert rig.seat.stats.captured_frames == 2 * len(capture)
        assert len(rig.manager) == 0

    async def test_a_gate_that_is_not_ours_is_not_closed(self) -> None:
        """The call of that id which lives is another's."""
        rig = Rig()
        other = Rig()
        seat = AgentSeat(
            rig.line,
            "openai_realtime",
            Agent(other.first),
            manager=rig.manager,
            clock=lambda: 0.0,
            hold_ms=0,
        )
        with pytest.raises(ValueError, match="already started"):
            seat.open_gate(0.0)
        seat.close_gate()
        assert seat.stats is None
        assert len(rig.manager) == 1

    async def test_each_is_told_of_its_own_items_by_its_own_names(self) -> None:
        """The first of all; the second of those that it said."""
        rig = Rig()
        heard: list[dict[str, float]] = []

        async def interrupt(heard_ms: dict[str, float]) -> None:
            heard.append(heard_ms)

        rig.first.interrupt = interrupt  # type: ignore[method-assign, assignment]
        assert rig.seat.name_item("item") == "item"
        await rig.seat.interrupt({"item": 1.0})
        await rig.take_next()
        rig.second.interrupt = interrupt  # type: ignore[method-assign, assignment]
        name = rig.seat.name_item("item")
        await rig.seat.interrupt({"announcement:lost": 5.0, "item": 2.0, name: 3.0})
        assert heard == [{"item": 1.0}, {"item": 3.0}]


class TestShield:
    """A second provider that is not gated."""

    async def test_it_does_not_hear_what_others_say(self) -> None:
        """Nor the echo, in the time before it and after; its own voice is its business."""
        rig = Rig(second=PASSED_THROUGH)
        loud = [bytes([n % 250 + 1]) * 320 for n in range(100)]
        await rig.pass_time(loud[:50], [*[_SILENCE] * 10, *[voice(b"\1" * 320)] * 40])
        await rig.take_next()
        assert rig.second.frames == [*loud[:10], *[bytes(320)] * 40]
        await rig.pass_time(loud[50:], [_SILENCE] * 50)
        assert rig.second.frames[50:] == [*[bytes(320)] * 24, *loud[74:]]
        own = voice(b"\1" * 320, rig.seat.name_item("item"))
        await rig.pass_time(loud[:50], [own] * 50)
        assert rig.second.frames[100:] == loud[:50]
        assert all(a is b for a, b in zip(rig.second.frames[100:], loud, strict=False))


class ListeningProvider(PromptProvider):
    """A kind of a prompt one that does something else with a frame, in the way that all have."""

    async def send_audio(self, frame: bytes) -> GateDecision:
        return await super().send_audio(frame)


class SilentProvider(PromptProvider):
    """A kind that does it in the prompt way."""

    def send_audio_at_once(self, frame: bytes) -> GateDecision:
        return super().send_audio_at_once(bytes(len(frame)))


@pytest.mark.parametrize(
    ("kind", "is_prompt"),
    [
        (ScriptedProvider, False),
        (PromptProvider, True),
        (SilentProvider, True),
        (ListeningProvider, False),
    ],
)
def test_a_provider_whose_coroutine_was_made_anew_is_not_passed_over(
    kind: type[ScriptedProvider], is_prompt: bool
) -> None:
    """What it has of its base without a coroutine would do what the base does."""
    rig = Rig()
    provider = kind(
        call_id="call",
        call_audio=CallAudio(capture=_FORMAT, playout=_FORMAT),
        manager=rig.manager,
        clock=lambda: rig.now_ms,
    )
    seat = AgentSeat(
        rig.line,
        "openai_realtime",
        Agent(provider),
        manager=rig.manager,
        clock=lambda: rig.now_ms,
        hold_ms=0.0,
    )
    assert seat.is_prompt is is_prompt
