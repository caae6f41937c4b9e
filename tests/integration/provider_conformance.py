"""What every provider must do, whoever is at its other end.

A test module subclasses :class:`ProviderConformance` and gives it a ``harness`` fixture: the
provider, a scripted gate, and an other end that does what it is told. The line is mu-law at 8 kHz,
so that a frame is 160 bytes, and 8 bytes are 1 ms.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import pytest

from support.scripted_gate import ScriptedGate, decision_of, interruption
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.gate_decision import PASS_THROUGH
from voxgate.errors import LocalProtocolError, ProviderError
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    Provider,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ResponseDone,
    ResponseStarted,
)

__all__ = ["AUDIO", "FRAME", "ProviderConformance", "ProviderHarness", "next_event", "next_of"]

LINE = AudioFormat(Encoding.MULAW)
AUDIO = CallAudio(capture=LINE, playout=LINE)
FRAME = bytes(range(160))
PATIENCE_S = 30.0
"""Only a test that hangs takes so long."""

Event = TypeVar("Event")


class ProviderHarness(ABC):
    """A provider on a test bench."""

    provider: Provider
    gate: ScriptedGate
    is_told_of_truncation = True
    """False where the protocol has no word for what was heard of an answer."""
    has_wire = False
    """Whether the other end is at the end of a wire, on which a provider can make it wait."""

    @abstractmethod
    async def start(self) -> None:
        """Start the provider, and do the other end's part of it."""

    async def begin_start(self) -> asyncio.Future[None]:
        """Begin to start; the other end takes the connection, and says nothing so far."""
        starting = asyncio.ensure_future(self.provider.start())
        await asyncio.sleep(0)
        return starting

    async def end_start(self) -> None:  # noqa: B027 - nothing to do without a wire
        """Let the other end do its part of a start that was begun."""

    async def send_garbage(self) -> None:  # noqa: B027 - there is none without a wire
        """Have the other end send what no protocol knows, in text and in binary."""

    async def hang_up(self) -> None:
        """Have the other end close the connection in good order."""
        await self.lose_connection()

    @abstractmethod
    async def received(self, n_bytes: int) -> bytes:
        """Wait until so many bytes of the caller's audio arrived in this session; return all."""

    @abstractmethod
    async def generate(self, item_id: str, audio: bytes) -> None:
        """Have the agent say something; its answer stays under way."""

    @abstractmethod
    async def finish(self, item_id: str) -> None:
        """Complete the item and its answer."""

    @abstractmethod
    async def truncation(self) -> tuple[str, int]:
        """Wait for the next item that is cut off: its id, and the ms that were heard."""

    @abstractmethod
    async def report_speech(self, start_ms: float = 0.0) -> None:
        """Report that the caller began and ended a turn, so far into the audio received."""

    @abstractmethod
    async def begin_speech(self, start_ms: float = 0.0) -> None:
        """Report that the caller began a turn, so far into the audio received."""

    @abstractmethod
    async def lose_connection(self) -> None:
        """Break the connection."""

    @abstractmethod
    async def restore_connection(self) -> None:
        """Let the provider connect again, and do the other end's part of it."""

    @abstractmethod
    async def refuse_for_good(self) -> None:
        """End the session with an error after which no other is worth trying."""


async def next_event(events: AsyncIterator[ProviderEvent]) -> ProviderEvent:
    """Return the next event."""
    async with asyncio.timeout(PATIENCE_S):
        return await anext(events)


async def next_of(events: AsyncIterator[ProviderEvent], kind: type[Event]) -> Event:
    """Return the next event of a kind, passing others over; the end is always looked out for."""
    async with asyncio.timeout(PATIENCE_S):
        async for event in events:
            if isinstance(event, kind):
                return event
            assert not isinstance(event, ProviderEnded), f"ended while waiting for {kind}: {event}"
    raise AssertionError(f"no {kind} came")


def run_without_waiting(coroutine: Coroutine[Any, Any, Event]) -> Event:
    """Return what a coroutine returns; it may not give control away even once."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Event = stop.value
        return result
    coroutine.close()
    raise AssertionError("it waited")


class ProviderConformance:
    """The properties; each test gets a harness whose provider is not started yet."""

    @pytest.fixture(autouse=True)
    async def _nothing_is_left_behind(self) -> AsyncIterator[None]:
        """No task of the provider outlives the harness."""
        before = asyncio.all_tasks()
        yield
        left = [task for task in asyncio.all_tasks() - before if "provider" in task.get_name()]
        assert left == []

    async def test_ready_is_the_first_event(self, harness: ProviderHarness) -> None:
        """Nothing is said before the provider is connected and configured."""
        await harness.start()
        events = harness.provider.events()

        assert await next_event(events) == ProviderReady()

    async def test_send_audio_returns_the_decision_and_sends_what_it_says(
        self, harness: ProviderHarness
    ) -> None:
        """Released frames and the live one, in order; a provider that is not gated sends the
        frame."""
        await harness.start()
        decision = decision_of(b"\x11" * 160, FRAME, n_released=1)
        harness.gate.frame_decisions.append(decision)
        returned = await harness.provider.send_audio(FRAME)

        if harness.provider.capabilities.needs_gating:
            assert returned is decision
            assert await harness.received(320) == b"\x11" * 160 + FRAME
        else:
            assert returned is PASS_THROUGH
            assert await harness.received(160) == FRAME

    async def test_pass_through_sends_the_frame_and_returns_the_shared_decision(
        self, harness: ProviderHarness
    ) -> None:
        """Also at a gated provider whose policy has the gate off."""
        await harness.start()
        harness.gate.frame_decisions.append(PASS_THROUGH)

        assert await harness.provider.send_audio(FRAME) is PASS_THROUGH
        assert await harness.received(160) == FRAME

    async def test_time_without_frames_sends_what_the_gate_says(
        self, harness: ProviderHarness
    ) -> None:
        """The fill of an idle line reaches a gated provider; nothing else does."""
        await harness.start()
        if not harness.provider.capabilities.needs_gating:
            assert await harness.provider.advance() is PASS_THROUGH
            return
        harness.gate.idle_decisions.append(decision_of(b"\xff" * 160))
        await harness.provider.advance()

        assert await harness.received(160) == b"\xff" * 160

    async def test_audio_never_waits(self, harness: ProviderHarness) -> None:
        """Not for a network, not for room: 60 s of frames at one go, before and after start."""
        for _ in range(500):
            run_without_waiting(harness.provider.send_audio(FRAME))
        await harness.start()
        for _ in range(3000):
            run_without_waiting(harness.provider.send_audio(FRAME))
            run_without_waiting(harness.provider.advance())
        run_without_waiting(harness.provider.interrupt({}))

    async def test_frames_wait_for_the_other_end(self, harness: ProviderHarness) -> None:
        """What the caller says before the start, and while a slow server makes up its mind, is
        heard: from the first word, in order."""
        for number in range(3):
            await harness.provider.send_audio(bytes([number]) * 160)
        starting = await harness.begin_start()
        for number in range(3, 6):
            await harness.provider.send_audio(bytes([number]) * 160)
        await harness.end_start()
        async with asyncio.timeout(PATIENCE_S):
            await starting

        everything = b"".join(bytes([number]) * 160 for number in range(6))
        assert await harness.received(len(everything)) == everything

    async def test_frames_of_any_length_are_sent_whole(self, harness: ProviderHarness) -> None:
        """Lines cut as they like, and an empty frame is nothing."""
        await harness.start()
        frames = [b"\x11" * 7, b"", b"\x22" * 333, b"\x33" * 160]
        for frame in frames:
            harness.gate.frame_decisions.append(PASS_THROUGH)
            await harness.provider.send_audio(frame)

        assert await harness.received(500) == b"".join(frames)

    async def test_the_agent_s_voice_arrives_and_the_gate_hears_of_it(
        self, harness: ProviderHarness
    ) -> None:
        """In the playout format, with its answer around it, and with its duration at the gate."""
        await harness.start()
        events = harness.provider.events()
        await harness.generate("item-1", b"\x42" * 800)
        started = await next_of(events, ResponseStarted)
        assert await next_of(events, AgentAudio) == AgentAudio("item-1", b"\x42" * 800)
        assert harness.gate.speaking[-1] == (True, 100.0)
        await harness.finish("item-1")

        assert await next_of(events, AgentAudioDone) == AgentAudioDone("item-1")
        done = await next_of(events, ResponseDone)
        assert done == ResponseDone(started.response_id, "completed")
        assert not harness.gate.is_agent_speaking

    @pytest.mark.parametrize(("heard_ms", "told_ms"), [(33.7, 33), (3760.0, 100), (0.0, 0)])
    async def test_an_interruption_is_clamped_to_what_was_received(
        self, harness: ProviderHarness, heard_ms: float, told_ms: int
    ) -> None:
        """A line's own arithmetic may claim more than there was; the other end is told whole ms."""
        await harness.start()
        events = harness.provider.events()
        await harness.generate("item-1", b"\x42" * 800)
        await next_of(events, AgentAudio)
        await harness.provider.interrupt({"item-1": heard_ms})

        if harness.is_told_of_truncation:
            assert await harness.truncation() == ("item-1", told_ms)
        assert not harness.gate.is_agent_speaking

    async def test_what_waits_when_the_caller_interrupts_is_not_delivered(
        self, harness: ProviderHarness
    ) -> None:
        """Playout was flushed; the next thing heard is the next answer."""
        await harness.start()
        events = harness.provider.events()
        for _ in range(5):
            await harness.generate("item-1", b"\x42" * 800)
        await next_of(events, AgentAudio)
        await harness.gate.wait_for_pieces(5)
        await harness.provider.interrupt({"item-1": 40.0})
        await harness.finish("item-1")

        assert isinstance(await next_event(events), ResponseDone)
        await harness.generate("item-2", b"\x43" * 80)
        assert await next_of(events, AgentAudio) == AgentAudio("item-2", b"\x43" * 80)

    async def test_an_interruption_of_nothing_is_harmless(self, harness: ProviderHarness) -> None:
        """Neither without an answer, nor for an item that nobody knows."""
        await harness.start()
        events = harness.provider.events()
        await harness.provider.interrupt({})
        await harness.provider.interrupt({"never-said": 100.0})
        await harness.generate("item-1", b"\x42" * 80)

        assert await next_of(events, AgentAudio) == AgentAudio("item-1", b"\x42" * 80)

    async def test_the_caller_s_turn_is_reported_with_the_gate_s_word(
        self, harness: ProviderHarness
    ) -> None:
        """Whether that interrupts the agent, the gate says."""
        await harness.start()
        events = harness.provider.events()
        decision = interruption()
        harness.gate.speech_decisions.append(decision)
        await harness.report_speech()

        assert (await next_of(events, CallerSpeechStarted)).decision is decision
        await next_of(events, CallerSpeechStopped)
        assert harness.gate.heard == ["started", "stopped"]

    async def test_the_gate_gets_the_start_of_speech_on_the_call_s_clock(
        self, harness: ProviderHarness
    ) -> None:
        """Not in the provider's audio time: the frame that the turn begins with says when it was
        captured."""
        await harness.start()
        events = harness.provider.events()
        for _ in range(50):
            await harness.provider.send_audio(FRAME)
        await harness.received(50 * 160)
        await harness.report_speech(0.0)

        reported = await next_of(events, CallerSpeechStarted)
        assert harness.gate.speech_starts == [reported.capture_ms]
        if harness.gate.frames:
            _, _, first_ms = harness.gate.frames[0]
            assert reported.capture_ms == pytest.approx(first_ms - 20.0, abs=1.0)

    async def test_a_turn_that_is_lost_with_the_connection_ends_at_the_gate(
        self, harness: ProviderHarness
    ) -> None:
        """The next session knows nothing of it, and would never report its end."""
        await harness.start()
        events = harness.provider.events()
        await harness.begin_speech()
        await next_of(events, CallerSpeechStarted)
        await harness.lose_connection()
        await next_of(events, ProviderDisconnected)

        assert harness.gate.heard == ["started", "stopped"]

    async def test_a_connection_lost_between_turns_ends_none(
        self, harness: ProviderHarness
    ) -> None:
        """The gate is told of each end once."""
        await harness.start()
        events = harness.provider.events()
        await harness.report_speech()
        await next_of(events, CallerSpeechStopped)
        await harness.lose_connection()
        await next_of(events, ProviderDisconnected)

        assert harness.gate.heard == ["started", "stopped"]

    async def test_a_lost_connection_comes_back_with_the_caller_s_words(
        self, harness: ProviderHarness
    ) -> None:
        """The engine is told of both, and what was said meanwhile is not lost."""
        await harness.start()
        events = harness.provider.events()
        await next_of(events, ProviderReady)
        await harness.lose_connection()
        lost = await next_of(events, ProviderDisconnected)
        for _ in range(25):
            await harness.provider.send_audio(FRAME)
        await harness.restore_connection()

        assert lost.error.retryable
        assert await next_of(events, ProviderReady) == ProviderReady(True, 25, 0)
        assert await harness.received(25 * 160) == FRAME * 25

    async def test_an_answer_that_is_lost_has_an_end(self, harness: ProviderHarness) -> None:
        """Nobody is left waiting for the rest of it."""
        await harness.start()
        events = harness.provider.events()
        await harness.generate("item-1", b"\x42" * 800)
        await next_of(events, AgentAudio)
        await harness.lose_connection()

        assert await next_of(events, AgentAudioDone) == AgentAudioDone("item-1")
        assert (await next_of(events, ResponseDone)).status == "failed"
        await next_of(events, ProviderDisconnected)
        assert not harness.gate.is_agent_speaking

    async def test_a_server_that_hangs_up_in_an_answer_is_asked_again(
        self, harness: ProviderHarness
    ) -> None:
        """In good order or not, the answer has an end, and the next one is heard."""
        await harness.start()
        events = harness.provider.events()
        await harness.generate("item-1", b"\x42" * 800)
        await next_of(events, AgentAudio)
        await harness.hang_up()
        assert (await next_of(events, ResponseDone)).status == "failed"
        assert (await next_of(events, ProviderDisconnected)).error.retryable
        await harness.restore_connection()
        await next_of(events, ProviderReady)
        await harness.generate("item-2", b"\x43" * 80)

        assert (await next_of(events, AgentAudio)).audio == b"\x43" * 80

    async def test_garbage_disturbs_nothing(self, harness: ProviderHarness) -> None:
        """It is neither heard nor an end: the answer after it is."""
        await harness.start()
        events = harness.provider.events()
        await next_of(events, ProviderReady)
        await harness.send_garbage()
        await harness.generate("item-1", b"\x42" * 80)

        assert isinstance(await next_event(events), ResponseStarted)
        assert await next_of(events, AgentAudio) == AgentAudio("item-1", b"\x42" * 80)

    async def test_audio_without_end_is_bounded(self, harness: ProviderHarness) -> None:
        """An engine that takes nothing stops the other end instead of filling the memory, and gets
        all of it when it goes on."""
        await harness.start()
        if not harness.has_wire:
            return
        n_pieces, taken = 4000, 0
        flood = asyncio.create_task(self._flood(harness, n_pieces))
        await harness.gate.wait_for_pieces(1000)
        for _ in range(200):
            await asyncio.sleep(0)
        assert sum(is_speaking for is_speaking, _ in harness.gate.speaking) <= 1100
        events = harness.provider.events()
        while taken < n_pieces * 160:
            taken += len((await next_of(events, AgentAudio)).audio)
        await flood

    @staticmethod
    async def _flood(harness: ProviderHarness, n_pieces: int) -> None:
        for _ in range(n_pieces):
            await harness.generate("item-1", b"\x42" * 160)

    async def test_an_error_that_is_final_ends_the_events(self, harness: ProviderHarness) -> None:
        """With the reason, and without another attempt."""
        await harness.start()
        events = harness.provider.events()
        await harness.refuse_for_good()
        ended = await next_of(events, ProviderEnded)

        assert isinstance(ended.error, ProviderError)
        assert not ended.error.retryable
        assert [event async for event in events] == []
        await harness.provider.send_audio(FRAME)
        await harness.provider.interrupt({"item-1": 5.0})
        await harness.provider.stop()

    async def test_stop_ends_the_events_and_may_be_repeated(self, harness: ProviderHarness) -> None:
        """A hangup from both sides stops a provider twice."""
        await harness.start()
        async with asyncio.timeout(PATIENCE_S):
            await harness.provider.stop()
            await harness.provider.stop()
        events = [event async for event in harness.provider.events()]

        assert events[-1] == ProviderEnded()
        assert sum(isinstance(event, ProviderEnded) for event in events) == 1

    async def test_stop_in_the_middle_of_an_answer_ends_it(self, harness: ProviderHarness) -> None:
        """The caller hangs up while the agent speaks."""
        await harness.start()
        for _ in range(50):
            await harness.generate("item-1", b"\x42" * 800)
        async with asyncio.timeout(PATIENCE_S):
            await harness.provider.stop()
            events = [event async for event in harness.provider.events()]

        assert events[-1] == ProviderEnded()

    async def test_stop_without_a_start_is_an_end(self, harness: ProviderHarness) -> None:
        """A call that ends before it began."""
        await harness.provider.stop()

        assert [event async for event in harness.provider.events()] == [ProviderEnded()]
        with pytest.raises(LocalProtocolError):
            await harness.provider.start()

    async def test_stop_in_the_same_turn_of_the_loop_ends_a_start(
        self, harness: ProviderHarness
    ) -> None:
        """The caller hangs up at once: whoever waits for the start is not left waiting."""
        starting = asyncio.ensure_future(harness.provider.start())
        stopping = asyncio.ensure_future(harness.provider.stop())
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({starting, stopping})
            events = [event async for event in harness.provider.events()]

        assert isinstance(events[-1], ProviderEnded)
        assert starting.exception() is None or isinstance(starting.exception(), ProviderError)
        assert stopping.exception() is None

    async def test_stop_while_connecting_ends_the_start(self, harness: ProviderHarness) -> None:
        """The other end has said nothing so far; two hang up at the same time."""
        starting = await harness.begin_start()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(harness.provider.stop(), harness.provider.stop())
            await asyncio.wait({starting})
            events = [event async for event in harness.provider.events()]

        assert isinstance(events[-1], ProviderEnded)
        assert sum(isinstance(event, ProviderEnded) for event in events) == 1
        assert starting.exception() is None or isinstance(starting.exception(), ProviderError)

    async def test_a_start_that_is_cancelled_leaves_nothing_behind(
        self, harness: ProviderHarness
    ) -> None:
        """Whoever gave it up need not stop it."""
        starting = await harness.begin_start()
        starting.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({starting})
            if starting.cancelled():
                assert [e async for e in harness.provider.events()] == [ProviderEnded()]

    async def test_nothing_comes_after_the_end(self, harness: ProviderHarness) -> None:
        """What waited for the engine is its, what came later is nobody's; the end stays the end."""
        await harness.start()
        await harness.generate("item-1", b"\x42" * 800)
        await harness.gate.wait_for_pieces(1)
        await harness.provider.stop()
        first = [event async for event in harness.provider.events()]
        again = [event async for event in harness.provider.events()]

        assert first[-1] == ProviderEnded()
        assert again == [ProviderEnded()]

    async def test_a_provider_is_started_once(self, harness: ProviderHarness) -> None:
        """It serves one call."""
        await harness.start()

        with pytest.raises(LocalProtocolError):
            await harness.provider.start()

    async def test_late_calls_after_stop_are_harmless(self, harness: ProviderHarness) -> None:
        """A frame that was under way when the call ended gets its decision, and goes nowhere."""
        await harness.start()
        await harness.provider.stop()
        decision = await harness.provider.send_audio(FRAME)
        await harness.provider.advance()
        await harness.provider.interrupt({"item-1": 5.0})

        assert decision.audio_for(FRAME) == (FRAME,)
