"""One call from start to end, with a scripted line and a scripted provider, in made-up time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from support.scripted_call import (
    PromptProvider,
    ReadLine,
    RecordingObserver,
    ScriptedManager,
    decision,
    loud_frame,
)
from support.scripted_gate import interruption
from support.virtual_time import VirtualTimeLoop, in_virtual_time, virtual_ms
from voxgate.call import CallSession
from voxgate.call_observer import CallEnded, Observers
from voxgate.clock import Clock
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.gate_decision import PASS_THROUGH, GateEventType
from voxgate.errors import ProviderError, TransportError
from voxgate.providers.base import (
    CallAudio,
    Capabilities,
    ProviderEnded,
    TokenUsage,
    UsageReported,
)
from voxgate.providers.call_control import CallControl
from voxgate.providers.responses import Truncation
from voxgate.providers.scripted import GATED, PASSED_THROUGH, ScriptedProvider
from voxgate.providers.tools import ToolRegistry
from voxgate.transports.base import (
    LineAudio,
    LineCapabilities,
    LineDtmf,
    LineEvent,
    LineHangup,
    LinePlayed,
    LineWarning,
)
from voxgate.transports.scripted import ScriptedLine

_SILENCE = bytes(320)
_LOST = ProviderError("openai_realtime", "gone", code="lost", retryable=True)


@pytest.fixture(params=["by tasks", "at once"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames from the line's queue to a provider that may wait; or as read, to one that does not.

    What a call comes to is the same.
    """
    if request.param == "at once":
        monkeypatch.setattr(f"{__name__}.ScriptedLine", ReadLine)
        monkeypatch.setattr(f"{__name__}.ScriptedProvider", PromptProvider)


class Rig:
    """A call that can be run, and everything around it that can be looked at."""

    def __init__(
        self,
        *,
        capabilities: Capabilities = GATED,
        provider_name: str = "openai_realtime",
        start_error: ProviderError | None = None,
        line: ScriptedLine | None = None,
        manager: ScriptedManager | None = None,
        clock: Clock = virtual_ms,
        control: CallControl | None = None,
    ) -> None:
        self.line = line or ScriptedLine()
        self.manager = manager or ScriptedManager()
        self.observer = RecordingObserver()
        self.provider = ScriptedProvider(
            call_id=self.line.call_id,
            call_audio=CallAudio(
                capture=self.line.capture_format, playout=self.line.playout_format
            ),
            manager=self.manager,
            clock=clock,
            capabilities=capabilities,
            start_error=start_error,
        )
        self.session = CallSession(
            self.line,
            self.provider,
            provider_name=provider_name,
            manager=self.manager,
            observer=Observers([self.observer]),
            clock=clock,
            control=control,
        )
        self.task: asyncio.Task[CallEnded] | None = None

    async def start(self) -> None:
        """Run the call in a task of its own, until the provider is ready."""
        self.task = asyncio.create_task(self.session.run())
        await asyncio.sleep(0.001)

    async def pass_slots(self, n_slots: int) -> None:
        """Let 20 ms slots pass."""
        await asyncio.sleep(0.02 * n_slots)

    async def hang_up(self) -> CallEnded:
        """Let the caller hang up, and return what the call came to."""
        self.line.receive(LineHangup("caller_hangup"))
        return await self.wait_ended()

    async def wait_ended(self) -> CallEnded:
        """Wait for the end of the call."""
        assert self.task is not None
        return await self.task

    def heard(self, n_frames: int) -> list[bytes]:
        """Return the last frames that reached the caller."""
        return list(self.line.heard[-n_frames:])


async def started(rig: Rig) -> Rig:
    await rig.start()
    return rig


@dataclass(frozen=True)
class CountingStats:
    """Of a line."""

    dropped_sent_frames: int = 4


@in_virtual_time
async def test_what_line_and_provider_counted_is_told_at_the_end() -> None:
    """And the agent's audio that was too much."""
    rig = await started(Rig())
    rig.line.stats = CountingStats()
    rig.provider.counts = {"frames_dropped": 2, "keep_alives": 0}
    rig.provider.speak(bytes(16_000 * 601))
    await rig.pass_slots(2)
    ended = await rig.hang_up()
    assert ended.line_counts == {"dropped_sent_frames": 4}
    assert ended.provider_counts == {"openai_realtime": {"frames_dropped": 2}}
    assert ended.playout_dropped_ms == 1000.0


class TestInWalk:
    """Line to provider."""

    @in_virtual_time
    async def test_a_pass_through_provider_gets_the_frames_of_the_line(self) -> None:
        """The very objects, in order, and the decision on each is the one shared constant."""
        rig = await started(Rig(capabilities=PASSED_THROUGH, provider_name="deepgram"))
        frames = [loud_frame(number) for number in range(50)]
        for frame in frames:
            rig.line.receive(LineAudio(frame))
            await rig.pass_slots(1)
        await rig.hang_up()
        assert len(rig.provider.sent) == len(frames)
        assert all(sent is frame for sent, frame in zip(rig.provider.sent, frames, strict=True))
        judged = [made for frame, made in rig.observer.decisions if frame is not None]
        assert all(made is PASS_THROUGH for made in judged)
        assert len(judged) == len(frames)

    @in_virtual_time
    async def test_a_gated_provider_is_sent_what_the_gate_says(self) -> None:
        """The session sends nothing by itself: what the decision holds goes out, no more."""
        rig = await started(Rig())
        released, silence = loud_frame(7), _SILENCE
        rig.manager.frame_decisions += [
            decision(audio=(silence,)),
            decision(audio=(released, loud_frame(2))),
        ]
        rig.line.receive(LineAudio(loud_frame(1)))
        rig.line.receive(LineAudio(loud_frame(2)))
        await asyncio.sleep(0.001)
        assert rig.provider.sent == [silence, released, loud_frame(2)]
        await rig.hang_up()

    @in_virtual_time
    async def test_key_presses_and_warnings_are_told_and_change_nothing(self) -> None:
        """What is not audio reaches observers only."""
        rig = await started(Rig())
        odd: list[LineEvent] = [LineDtmf("5"), LineWarning("audiosocket.odd_length")]
        for event in odd:
            rig.line.receive(event)
        ended = await rig.hang_up()
        assert rig.observer.line_events[:2] == odd
        assert rig.provider.frames == []
        assert ended.reason == "caller_hangup"

    @in_virtual_time
    async def test_time_passes_at_the_gate_without_frames(self) -> None:
        """A line that delivers nothing still lets the gate's time go on, once a slot."""
        rig = await started(Rig())
        await rig.pass_slots(250)
        slots = len(rig.manager.far_end)
        assert rig.provider.n_advances == slots
        assert 250 <= slots <= 252
        await rig.hang_up()

    @in_virtual_time
    async def test_silence_that_the_gate_sends_in_time_reaches_the_provider(self) -> None:
        """What a decision of passing time holds goes to the provider as well."""
        rig = await started(Rig())
        rig.manager.idle_decisions.append(decision(audio=(_SILENCE,)))
        await rig.pass_slots(2)
        assert rig.provider.sent == [_SILENCE]
        await rig.hang_up()

    @in_virtual_time
    async def test_the_gate_knows_the_formats_of_the_line(self) -> None:
        """Wide capture is judged in frames of its own length, and so is what is played."""
        line = ScriptedLine(
            capture_format=AudioFormat(Encoding.PCM16, 16_000),
            playout_format=AudioFormat(Encoding.MULAW),
        )
        rig = await started(Rig(line=line))
        for number in range(20):
            rig.line.receive(LineAudio(loud_frame(number) * 2))
            await rig.pass_slots(1)
        ended = await rig.hang_up()
        assert ended.gate is not None
        assert ended.gate.captured_frames == 20
        assert ended.gate.malformed_far_end_frames == 0
        assert {len(frame) for frame, _ in rig.manager.far_end} == {160}

    @in_virtual_time
    async def test_audio_is_placed_where_the_line_says_that_it_lies(self) -> None:
        """A burst is spread over its stall, a gap stays one; the gate is told before the frame."""
        rig = await started(Rig())
        placed: list[float] = []
        rig.manager.place_capture = (  # type: ignore[method-assign]
            lambda call_id, captured_ms: placed.append(captured_ms)
        )
        for number in range(10):
            await asyncio.sleep(0.02)
            rig.line.receive(LineAudio(loud_frame(number), 20.0 * number))
        await asyncio.sleep(1.0)
        for number in (10, 11, 12, 50):
            rig.line.receive(LineAudio(loud_frame(number), 20.0 * number))
        await asyncio.sleep(0.01)
        await rig.hang_up()
        steps = [later - now for now, later in pairwise(placed)]
        assert steps == pytest.approx([20.0] * 12 + [760.0])

    @in_virtual_time
    async def test_audio_of_a_line_without_a_clock_is_not_placed(self) -> None:
        """It lies where it comes."""
        rig = await started(Rig())
        placed: list[float] = []
        rig.manager.place_capture = (  # type: ignore[method-assign]
            lambda call_id, captured_ms: placed.append(captured_ms)
        )
        rig.line.receive(LineAudio(loud_frame()))
        await rig.pass_slots(2)
        await rig.hang_up()
        assert placed == []

    @in_virtual_time
    async def test_what_the_peer_said_of_the_call_is_told(self) -> None:
        """Observers and routes may want to know the number that was called."""
        rig = await started(Rig(line=ScriptedLine(metadata={"to": "+15550100"})))
        await rig.hang_up()
        assert rig.observer.started[0].metadata == {"to": "+15550100"}


BUFFERED = LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200)


class TestLinesThatBuffer:
    """Sent ahead, and told to forget."""

    @in_virtual_time
    async def test_a_line_is_sent_ahead_and_the_gate_is_shown_what_it_plays(self) -> None:
        """Ten frames at once, then one a slot; no silence is sent."""
        rig = await started(Rig(line=ScriptedLine(capabilities=BUFFERED)))
        await rig.pass_slots(5)
        assert rig.line.heard == ()
        rig.provider.speak(b"".join(TALK), "talk")
        await rig.pass_slots(1)
        assert 10 <= len(rig.line.heard) <= 11
        await rig.pass_slots(60)
        assert list(rig.line.heard) == TALK
        assert [frame for frame, is_agent in rig.manager.far_end if is_agent] == TALK
        await rig.hang_up()

    @in_virtual_time
    async def test_an_interruption_flushes_the_line_and_counts_what_it_has_reported(self) -> None:
        """Marks are the truth: of 15 frames sent, the line has played four."""
        rig = await started(Rig(line=ScriptedLine(capabilities=BUFFERED)))
        rig.provider.speak(b"".join(TALK), "talk")
        await rig.pass_slots(6)
        for n_frames in range(1, 5):
            rig.line.receive(LinePlayed(n_frames))
        await asyncio.sleep(0.001)
        sent = len(rig.line.heard)
        rig.manager.frame_decisions.append(decision(GateEventType.INTERRUPTED))
        rig.line.receive(LineAudio(loud_frame()))
        await asyncio.sleep(0.001)
        assert rig.line.flushed_at == (sent,)
        assert len(rig.line.heard) == sent + 1
        assert rig.line.heard[-1].endswith(bytes(200))
        (truncation,) = rig.provider.truncations
        assert 80 <= truncation.audio_end_ms <= 120
        await rig.hang_up()

    @in_virtual_time
    async def test_a_line_that_can_not_forget_is_not_sent_ahead(self) -> None:
        """A lead that can't be taken back would be heard over the caller."""
        stubborn = LineCapabilities(max_silence_ms=None, can_flush=False, max_lead_ms=200)
        rig = await started(Rig(line=ScriptedLine(capabilities=stubborn)))
        rig.provider.speak(b"".join(TALK), "talk")
        await rig.pass_slots(2)
        assert len([frame for frame in rig.line.heard if frame != _SILENCE]) <= 3
        await rig.hang_up()


class TestOutWalk:
    """Provider to line."""

    @in_virtual_time
    async def test_the_agents_voice_is_played_at_real_time(self) -> None:
        """Generated at once, it reaches the caller a frame a slot, complete and in order."""
        rig = await started(Rig())
        voice = [loud_frame(number) for number in range(10)]
        rig.provider.speak(b"".join(voice))
        before = len(rig.line.heard)
        await rig.pass_slots(5)
        assert 4 <= len(rig.line.heard) - before <= 5
        await rig.pass_slots(10)
        assert [frame for frame in rig.line.heard if frame != _SILENCE] == voice
        await rig.hang_up()

    @in_virtual_time
    async def test_the_last_word_is_played_to_its_end(self) -> None:
        """A sentence whose last frame is not full waits for no more, once it is done."""
        rig = await started(Rig())
        rig.provider.speak(loud_frame(1) + loud_frame(2)[:100])
        await rig.pass_slots(4)
        voice = [frame for frame in rig.line.heard if frame != _SILENCE]
        assert voice == [loud_frame(1), loud_frame(2)[:100] + bytes(220)]
        ended = await rig.hang_up()
        assert ended.playout_underruns == 0

    @in_virtual_time
    async def test_playout_keeps_step_with_a_line_of_another_clock(self) -> None:
        """A line whose clock is 0.4 % slow is sent as many frames as it delivers, not more."""
        rig = await started(Rig())
        n_frames = 3000
        for _ in range(n_frames):
            rig.line.receive(LineAudio(_SILENCE))
            await asyncio.sleep(0.02008)
        assert abs(len(rig.line.heard) - n_frames) <= 3
        await rig.hang_up()

    @in_virtual_time
    async def test_every_frame_sent_is_shown_to_the_gate(self) -> None:
        """One far-end frame a slot: what the line got, and whether it is the agent's voice."""
        rig = await started(Rig())
        rig.provider.speak(b"".join(loud_frame(number) for number in range(10)))
        await rig.pass_slots(100)
        await rig.hang_up()
        assert [frame for frame, _ in rig.manager.far_end] == list(rig.line.heard)
        assert all(is_agent == (frame != _SILENCE) for frame, is_agent in rig.manager.far_end)

    @in_virtual_time
    async def test_a_line_is_never_silent_while_the_provider_connects(self) -> None:
        """A provider that takes seconds to connect does not starve the line of frames."""
        rig = Rig()
        may_start = asyncio.Event()
        begin = rig.provider.start

        async def start_late() -> None:
            await may_start.wait()
            await begin()

        rig.provider.start = start_late  # type: ignore[method-assign]
        await rig.start()
        rig.line.receive(LineAudio(loud_frame()))
        await rig.pass_slots(150)
        assert len(rig.line.heard) >= 150
        may_start.set()
        await rig.pass_slots(1)
        assert rig.provider.frames == [loud_frame()]
        await rig.hang_up()

    @in_virtual_time
    async def test_slots_missed_in_a_stall_are_shown_as_silence(self) -> None:
        """A loop that stands still for a second loses no slot of the gate's timeline."""
        stalled_ms = 0.0
        rig = await started(Rig(clock=lambda: virtual_ms() + stalled_ms))
        await rig.pass_slots(10)
        shown, heard = len(rig.manager.far_end), len(rig.line.heard)
        stalled_ms = 1000.0
        with capture_logs() as logged:
            await rig.pass_slots(1)
        assert [line["event"] for line in logged] == ["call.slots_skipped"]
        n_shown = len(rig.manager.far_end) - shown
        assert n_shown in (51, 52)
        assert len(rig.line.heard) - heard <= 4
        await rig.pass_slots(10)
        ended = await rig.hang_up()
        assert ended.skipped_slots == len(rig.manager.far_end) - len(rig.line.heard)
        assert ended.skipped_slots >= 47


class TestGateEvents:
    """What the gate says of playout."""

    @in_virtual_time
    @pytest.mark.parametrize(
        "event_type", [GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED]
    )
    async def test_early_evidence_stops_playout_within_a_frame(
        self, event_type: GateEventType
    ) -> None:
        """The next frame fades out, and silence follows."""
        rig = await talking_rig()
        rig.manager.frame_decisions.append(decision(event_type))
        rig.line.receive(LineAudio(loud_frame()))
        before = len(rig.line.heard)
        await rig.pass_slots(4)
        fade, *rest = rig.line.heard[before:]
        assert fade.endswith(bytes(200))
        assert set(rest) == {_SILENCE}
        await rig.hang_up()

    @in_virtual_time
    @pytest.mark.parametrize("event_type", [GateEventType.CANDIDATE_DROPPED, GateEventType.RESUMED])
    async def test_evidence_that_does_not_hold_resumes_playout(
        self, event_type: GateEventType
    ) -> None:
        """The caller misses nothing: what is played after the pause begins where it stopped."""
        rig = await talking_rig()
        n_played = len([frame for frame in rig.line.heard if frame != _SILENCE])
        rig.manager.frame_decisions.append(decision(GateEventType.CANDIDATE_STARTED))
        rig.line.receive(LineAudio(loud_frame()))
        await rig.pass_slots(4)
        rig.manager.idle_decisions.append(decision(event_type))
        await rig.pass_slots(100)
        await rig.hang_up()
        whole = [frame for frame in rig.line.heard if frame in TALK]
        # The fade-out is no whole frame, and the first one after the pause fades in.
        assert whole == TALK[:n_played] + TALK[n_played + 1 :]

    @in_virtual_time
    async def test_an_interruption_flushes_playout_and_tells_what_was_heard(self) -> None:
        """The provider is told what the caller heard of the item: the frames that were sent."""
        rig = await talking_rig()
        n_played = len([frame for frame in rig.line.heard if frame != _SILENCE])
        rig.manager.frame_decisions.append(decision(GateEventType.INTERRUPTED))
        rig.line.receive(LineAudio(loud_frame()))
        await rig.pass_slots(4)
        assert rig.provider.truncations == [Truncation("talk", 20 * n_played)]
        assert rig.heard(3) == [_SILENCE] * 3
        await rig.hang_up()

    @in_virtual_time
    async def test_an_interruption_while_playout_is_paused_counts_no_pause(self) -> None:
        """Silence of our own is not something that the caller heard of the agent."""
        rig = await talking_rig()
        n_played = len([frame for frame in rig.line.heard if frame != _SILENCE])
        rig.manager.frame_decisions.append(decision(GateEventType.BARGE_IN_COMMITTED))
        rig.line.receive(LineAudio(loud_frame()))
        await rig.pass_slots(8)
        rig.manager.idle_decisions.append(decision(GateEventType.INTERRUPTED))
        await rig.pass_slots(2)
        assert rig.provider.truncations == [Truncation("talk", 20 * n_played)]
        await rig.hang_up()

    @in_virtual_time
    async def test_the_providers_word_interrupts_where_the_gate_agrees(self) -> None:
        """An interruption that the provider heard first flushes playout just the same."""
        rig = await talking_rig()
        rig.manager.receive_provider_speech_started = (  # type: ignore[method-assign]
            lambda call_id, now_ms, **_: interruption(now_ms)
        )
        rig.provider.hear_caller()
        await rig.pass_slots(3)
        assert [cut.item_id for cut in rig.provider.truncations] == ["talk"]
        assert rig.heard(2) == [_SILENCE] * 2
        await rig.hang_up()

    @in_virtual_time
    async def test_the_word_of_a_pass_through_provider_always_interrupts(self) -> None:
        """Nothing gates it, so that its turn detector has the last word."""
        rig = await talking_rig(capabilities=PASSED_THROUGH, provider_name="deepgram")
        rig.provider.hear_caller()
        await rig.pass_slots(3)
        assert [cut.item_id for cut in rig.provider.truncations] == ["talk"]
        assert rig.heard(2) == [_SILENCE] * 2
        await rig.hang_up()

    @in_virtual_time
    async def test_gate_events_are_told_once_each_in_order(self) -> None:
        """Whichever way they come: with a frame, with time, with the provider's word."""
        rig = await talking_rig()
        rig.manager.frame_decisions.append(decision(GateEventType.CANDIDATE_STARTED))
        rig.line.receive(LineAudio(loud_frame()))
        await asyncio.sleep(0.001)
        rig.manager.idle_decisions.append(decision(GateEventType.CANDIDATE_DROPPED))
        await rig.pass_slots(2)
        told = [event.type for event in rig.observer.gate_events]
        assert told[-2:] == [GateEventType.CANDIDATE_STARTED, GateEventType.CANDIDATE_DROPPED]
        await rig.hang_up()


TALK = [loud_frame(number) for number in range(40)]


async def talking_rig(
    *, capabilities: Capabilities = GATED, provider_name: str = "openai_realtime"
) -> Rig:
    """Return a call whose agent has been heard for some frames of :data:`TALK`."""
    rig = await started(Rig(capabilities=capabilities, provider_name=provider_name))
    rig.provider.speak(b"".join(TALK), "talk")
    await rig.pass_slots(8)
    assert rig.line.heard[-1] != _SILENCE
    return rig


class TestBursts:
    """Nothing holds the loop for 2 ms."""

    @in_virtual_time
    async def test_a_burst_of_captured_frames_is_worked_off_in_slices(self) -> None:
        """500 frames of some 0.4 ms each leave the loop to others in between."""
        clock = SteppingClock()
        rig = await started(Rig(clock=clock))
        frames = [loud_frame(number) for number in range(500)]
        for frame in frames:
            rig.line.receive(LineAudio(frame))
        clock.forget()
        await rig.pass_slots(50)
        assert rig.provider.frames == frames
        assert clock.longest_turn_ms <= 2.0
        await rig.hang_up()

    @in_virtual_time
    async def test_a_burst_of_the_providers_events_is_worked_off_in_slices(self) -> None:
        """1,000 pieces of the agent's voice do not hold the loop either."""
        clock = SteppingClock()
        rig = await started(Rig(clock=clock))
        response_id = rig.provider.start_response()
        for number in range(1000):
            rig.provider.generate_audio(response_id, "item", loud_frame(number))
        clock.forget()
        await rig.pass_slots(50)
        assert len(rig.observer.provider_events) >= 1000
        assert clock.longest_turn_ms <= 2.0
        await rig.hang_up()

    @in_virtual_time
    async def test_a_long_stall_is_made_up_for_in_slices(self) -> None:
        """A machine that slept for a minute does not hold the loop for all of its slots at once."""
        clock = SteppingClock()
        rig = await started(Rig(clock=clock))
        await rig.pass_slots(2)
        clock.stall(60_000.0)
        clock.forget()
        await rig.pass_slots(50)
        assert len(rig.manager.far_end) >= 3000
        assert clock.longest_turn_ms <= 2.0
        await rig.hang_up()


class SteppingClock:
    """The loop's time, and 0.1 ms more with every reading: work takes time."""

    _STEP_MS = 0.1

    def __init__(self) -> None:
        self._worked_ms = 0.0
        self._stalled_ms = 0.0
        self._by_turn: Counter[int] = Counter()

    def __call__(self) -> float:
        self._worked_ms += self._STEP_MS
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        self._by_turn[loop.n_turns] += 1
        return virtual_ms() + self._worked_ms + self._stalled_ms

    @property
    def longest_turn_ms(self) -> float:
        """Time that passed in one turn of the loop, at most."""
        return max(self._by_turn.values()) * self._STEP_MS

    def stall(self, duration_ms: float) -> None:
        """Let time pass in which nobody did anything."""
        self._stalled_ms += duration_ms

    def forget(self) -> None:
        """Measure turns from now on."""
        self._by_turn.clear()


class TestEnd:
    """However a call ends, everything of it ends, and only of it."""

    @in_virtual_time
    @pytest.mark.parametrize(
        "reason", ["caller_hangup", "protocol_error", "transport_error", "local_hangup"]
    )
    async def test_the_line_ends_the_call_with_its_reason(self, reason: str) -> None:
        """What the line says of its end is what the summary says, detail included."""
        rig = await started(Rig())
        rig.line.receive(LineHangup(reason, "as told"))
        ended = await rig.wait_ended()
        assert (ended.reason, ended.detail) == (reason, "as told")
        assert rig.observer.ended == [ended]
        assert_is_over(rig)

    @in_virtual_time
    async def test_a_line_whose_events_run_dry_has_broken(self) -> None:
        """A line that forgets to say why it is gone ends the call all the same."""

        class Dry(ScriptedLine):
            async def _nothing(self) -> AsyncIterator[LineEvent]:
                for event in ():
                    yield event

            def events(self) -> AsyncIterator[LineEvent]:
                return self._nothing()

        rig = Rig(line=Dry())
        ended = await rig.session.run()
        assert ended.reason == "transport_error"
        assert_is_over(rig)

    @in_virtual_time
    async def test_a_provider_that_is_not_reached_ends_the_call(self) -> None:
        """The caller is not left with silence, and the summary says why."""
        rig = Rig(start_error=_LOST)
        ended = await rig.session.run()
        assert (ended.reason, ended.detail) == ("provider_unreachable", str(_LOST))
        assert rig.observer.provider_events == [ProviderEnded(_LOST)]
        assert rig.line.hangup_event == LineHangup("local_hangup")
        assert_is_over(rig)

    @in_virtual_time
    @pytest.mark.parametrize(
        ("error", "reason"), [(None, "provider_ended"), (_LOST, "provider_lost")]
    )
    async def test_a_provider_that_goes_ends_the_call(
        self, error: ProviderError | None, reason: str
    ) -> None:
        """Whether in good order or not."""
        rig = await started(Rig())
        rig.provider.end(error)
        ended = await rig.wait_ended()
        assert (ended.reason, ended.detail) == (reason, "" if error is None else str(error))
        assert_is_over(rig)

    @in_virtual_time
    async def test_a_bug_ends_its_own_call_only(self) -> None:
        """An exception that nobody expected is logged and becomes a reason; nothing is raised."""
        rig, other = await started(Rig()), await started(Rig(line=ScriptedLine("other")))

        async def fail(frame: bytes) -> None:
            raise ZeroDivisionError

        rig.provider.send_audio = fail  # type: ignore[method-assign, assignment]
        rig.line.receive(LineAudio(loud_frame()))
        ended = await rig.wait_ended()
        assert (ended.reason, ended.detail) == ("internal_error", "ZeroDivisionError")
        assert_is_over(rig)
        other.line.receive(LineAudio(loud_frame()))
        await other.pass_slots(1)
        assert other.provider.frames == [loud_frame()]
        assert (await other.hang_up()).reason == "caller_hangup"

    @in_virtual_time
    async def test_a_second_call_of_the_same_id_does_not_touch_the_first(self) -> None:
        """The gate refuses it; the first keeps its gate."""
        rig = await started(Rig())
        second = Rig(manager=rig.manager)
        ended = await second.session.run()
        assert ended.reason == "internal_error"
        assert second.line.hangup_event == LineHangup("local_hangup")
        assert rig.manager.get_stats(rig.line.call_id) is not None
        await rig.hang_up()

    @in_virtual_time
    async def test_an_observer_that_raises_changes_nothing(self) -> None:
        """The call, and what other observers are told, is as without it."""

        class Broken(RecordingObserver):
            def __getattribute__(self, name: str) -> object:
                if name.startswith("on_"):
                    raise RuntimeError(name)
                return super().__getattribute__(name)

        rig = Rig()
        rig.session = CallSession(
            rig.line,
            rig.provider,
            provider_name="openai_realtime",
            manager=rig.manager,
            observer=Observers([Broken(), rig.observer]),
            clock=virtual_ms,
        )
        await rig.start()
        rig.provider.speak(b"".join(TALK))
        rig.line.receive(LineAudio(loud_frame()))
        await rig.pass_slots(60)
        ended = await rig.hang_up()
        assert ended.reason == "caller_hangup"
        assert [frame for frame in rig.line.heard if frame != _SILENCE] == TALK
        assert rig.observer.told[0] == "on_call_started"
        assert rig.observer.told[-1] == "on_call_ended"

    @in_virtual_time
    async def test_the_parts_end_in_order(self) -> None:
        """The line first, as a person waits there; the gate's state last, as the provider may
        still speak of the call while it ends."""
        rig = await started(Rig())
        order: list[str] = []
        hang_up, stop = rig.line.hangup, rig.provider.stop
        clean_up = rig.manager.cleanup_call

        async def hangup() -> None:
            order.append("line")
            await hang_up()

        async def stop_provider() -> None:
            order.append("provider")
            rig.manager.set_agent_speaking(rig.line.call_id, is_speaking=False, now_ms=virtual_ms())
            await stop()

        def cleanup_call(call_id: str) -> None:
            order.append("gate")
            clean_up(call_id)

        rig.line.hangup = hangup  # type: ignore[method-assign]
        rig.provider.stop = stop_provider  # type: ignore[method-assign]
        rig.manager.cleanup_call = cleanup_call  # type: ignore[method-assign]
        await rig.hang_up()
        assert order == ["line", "provider", "gate"]
        assert rig.manager.counters.unknown_call_inputs == 0

    @in_virtual_time
    async def test_cancelling_ends_everything(self) -> None:
        """A call that the engine ends is hung up, closed, forgotten and told of as drained."""
        rig = await started(Rig())
        assert rig.task is not None
        rig.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rig.task
        assert [ended.reason for ended in rig.observer.ended] == ["drained"]
        assert rig.line.hangup_event == LineHangup("local_hangup")
        assert_is_over(rig)

    @in_virtual_time
    async def test_cancelling_again_while_it_ends_leaves_nothing_open(self) -> None:
        """An impatient engine does not leave a provider connected or a gate behind."""
        rig = await started(Rig())
        assert rig.task is not None
        is_hanging_up = asyncio.Event()
        hang_up = rig.line.hangup

        async def hang_up_slowly() -> None:
            await hang_up()
            is_hanging_up.set()
            await asyncio.sleep(1)

        rig.line.hangup = hang_up_slowly  # type: ignore[method-assign]
        rig.task.cancel()
        await is_hanging_up.wait()
        rig.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rig.task
        assert [ended.reason for ended in rig.observer.ended] == ["drained"]
        assert_is_over(rig)

    @in_virtual_time
    async def test_a_side_that_does_not_close_is_given_up(self) -> None:
        """A provider that hangs in its goodbye holds neither the line nor the engine."""
        rig = await started(Rig())
        stop = rig.provider.stop

        async def hang() -> None:
            await stop()
            await asyncio.Event().wait()

        rig.provider.stop = hang  # type: ignore[method-assign]
        began_ms = virtual_ms()
        ended = await rig.hang_up()
        assert virtual_ms() - began_ms <= 10_000
        assert ended.duration_ms < 100
        assert_is_over(rig)

    @in_virtual_time
    async def test_a_side_that_fails_to_close_does_not_keep_the_other_open(self) -> None:
        """Neither error is raised."""
        rig = await started(Rig())
        stop = rig.provider.stop

        async def fail() -> None:
            raise OSError("broken")

        async def fail_to_stop() -> None:
            await stop()
            raise OSError("broken")

        rig.line.hangup = fail  # type: ignore[method-assign]
        rig.provider.stop = fail_to_stop  # type: ignore[method-assign]
        ended = await rig.hang_up()
        assert ended.reason == "caller_hangup"
        assert_is_over(rig)

    @in_virtual_time
    async def test_the_summary_holds_what_the_call_came_to(self) -> None:
        """Duration, the gate's counters, underruns."""
        rig = await started(Rig())
        response_id = rig.provider.start_response()
        rig.provider.generate_audio(response_id, "item", loud_frame())
        for number in range(50):
            rig.line.receive(LineAudio(loud_frame(number)))
            await rig.pass_slots(1)
        ended = await rig.hang_up()
        assert ended.call_id == rig.line.call_id
        assert ended.provider == "openai_realtime"
        assert ended.duration_ms == pytest.approx(1001, abs=2)
        assert ended.gate is not None
        assert ended.gate.captured_frames == 50
        assert ended.playout_underruns == 1
        assert ended.skipped_slots == 0

    @in_virtual_time
    async def test_the_summary_of_a_pass_through_has_no_gate(self) -> None:
        """Nothing was judged, so there is nothing to count."""
        rig = await started(Rig(capabilities=PASSED_THROUGH, provider_name="local"))
        ended = await rig.hang_up()
        assert ended.gate is None
        assert_is_over(rig)


def assert_is_over(rig: Rig) -> None:
    """Nothing of the call is left: line, provider, gate, tasks."""
    assert rig.provider._events.is_closed
    assert len(rig.manager) == 0
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith(f"call {rig.line.call_id}")]
    assert rig.observer.told[0] == "on_call_started"
    assert rig.observer.told.count("on_call_ended") == 1
    assert rig.observer.told[-1] == "on_call_ended"


async def want_hangup(control: CallControl) -> None:
    """Call the function as the agent's model does."""
    await ToolRegistry(control.tools).call("hangup", "{}", call_id="call")


TARGETS = ToolsConfig(transfer_targets={"desk": "200"})


def ask_for_transfer(control: CallControl) -> asyncio.Task[str]:
    """Call the function as the agent's model does; return what it waits for."""
    call = ToolRegistry(control.tools).call("transfer", '{"target": "desk"}', call_id="call")
    return asyncio.create_task(call, name="model")


class TestAgentsWishes:
    """What the agent wants done to its own call."""

    @in_virtual_time
    async def test_the_call_ends_when_the_farewell_was_heard(self) -> None:
        """Not when it was generated: all of it reaches the line first."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await started(Rig(control=control))
        farewell = [loud_frame(number) for number in range(100)]
        rig.provider.speak(b"".join(farewell))
        await want_hangup(control)
        ended = await rig.wait_ended()

        assert (ended.reason, ended.detail) == ("agent_hangup", "")
        assert [frame for frame in rig.line.heard if frame != _SILENCE] == farewell
        assert rig.line.hangup_event == LineHangup("local_hangup")
        assert virtual_ms() == 100 * 20 + 400

    @in_virtual_time
    async def test_a_farewell_that_is_paused_is_not_over(self) -> None:
        """The caller only coughed: the call does not end before the rest was heard."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await started(Rig(control=control))
        farewell = [loud_frame(number) for number in range(100)]
        rig.provider.speak(b"".join(farewell))
        await want_hangup(control)
        await rig.pass_slots(50)
        rig.manager.idle_decisions.append(decision(GateEventType.CANDIDATE_STARTED))
        await rig.pass_slots(100)
        rig.manager.idle_decisions.append(decision(GateEventType.CANDIDATE_DROPPED))

        assert (await rig.wait_ended()).reason == "agent_hangup"
        assert rig.line.heard.count(farewell[-1]) == 1

    @in_virtual_time
    async def test_an_answer_under_way_is_waited_for(self) -> None:
        """Its audio is still to come; the call does not end in the pause before it."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await started(Rig(control=control))
        response_id = rig.provider.start_response()
        await want_hangup(control)
        await rig.pass_slots(500)
        assert rig.task is not None
        assert not rig.task.done()
        rig.provider.end_response(response_id)

        assert (await rig.wait_ended()).reason == "agent_hangup"

    @in_virtual_time
    async def test_a_caller_who_interrupts_the_farewell_keeps_the_call(self) -> None:
        """There was one more question."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await started(Rig(control=control))
        rig.provider.speak(loud_frame() * 100)
        await want_hangup(control)
        await rig.pass_slots(10)
        rig.manager.idle_decisions.append(interruption())
        await rig.pass_slots(1000)
        assert rig.task is not None
        assert not rig.task.done()

        assert (await rig.hang_up()).reason == "caller_hangup"

    @in_virtual_time
    async def test_the_announcement_of_a_transfer_is_heard_to_its_end(self) -> None:
        """Only then is the line asked to; the model waits for what comes of it."""
        at_ms: list[float] = []

        async def transfer(number: str) -> None:
            assert number == "200"
            at_ms.append(virtual_ms())
            rig.line.receive(LineHangup("local_hangup"))

        control = CallControl(TARGETS, transfer=transfer)
        rig = await started(Rig(control=control))
        announcement = [loud_frame(number) for number in range(100)]
        rig.provider.speak(b"".join(announcement))
        asking = ask_for_transfer(control)
        ended = await rig.wait_ended()

        assert ended.reason == "local_hangup"
        assert [frame for frame in rig.line.heard if frame != _SILENCE] == announcement
        assert at_ms == [100 * 20 + 400]
        assert '"ok":true' in await asking

    @in_virtual_time
    async def test_a_transfer_is_made_over_the_caller_s_thanks(self) -> None:
        """What is left of the announcement is not said any more."""
        at_ms: list[float] = []

        async def transfer(_: str) -> None:
            at_ms.append(virtual_ms())

        control = CallControl(TARGETS, transfer=transfer)
        rig = await started(Rig(control=control))
        rig.provider.speak(loud_frame() * 100)
        asking = ask_for_transfer(control)
        await rig.pass_slots(10)
        rig.manager.idle_decisions.append(interruption())
        await rig.pass_slots(100)

        assert len(at_ms) == 1
        assert 400 <= at_ms[0] <= 800
        assert '"ok":true' in await asking
        await rig.hang_up()

    @in_virtual_time
    async def test_a_transfer_that_fails_leaves_the_call_as_it_was(self) -> None:
        """The agent is told, and goes on; slow as the line was, nothing else waited for it."""

        async def transfer(_: str) -> None:
            await asyncio.sleep(3)
            raise TransportError("pbx", "said no", retryable=False)

        control = CallControl(TARGETS, transfer=transfer)
        rig = await started(Rig(control=control))
        asking = ask_for_transfer(control)
        await rig.pass_slots(100)
        n_heard = len(rig.line.heard)
        await rig.pass_slots(50)
        assert len(rig.line.heard) == n_heard + 50
        assert not asking.done()
        await rig.pass_slots(100)
        assert '"failed"' in await asking

        assert (await rig.hang_up()).reason == "caller_hangup"
        assert_is_over(rig)

    @in_virtual_time
    @pytest.mark.parametrize("n_slots", [10, 100])
    async def test_a_caller_who_hangs_up_is_not_transferred(self, n_slots: int) -> None:
        """While the announcement is heard, or while the line is asked: nothing is left of it."""
        numbers: list[str] = []

        async def transfer(number: str) -> None:
            await asyncio.sleep(60)
            numbers.append(number)

        control = CallControl(TARGETS, transfer=transfer)
        rig = await started(Rig(control=control))
        asking = ask_for_transfer(control)
        await rig.pass_slots(n_slots)
        assert (await rig.hang_up()).reason == "caller_hangup"
        assert_is_over(rig)
        asking.cancel()
        await asyncio.sleep(100)
        assert numbers == []

    @in_virtual_time
    async def test_the_summary_has_the_tokens_of_all_answers(self) -> None:
        """And none where the provider counts none."""
        rig = await started(Rig())
        for n_tokens in (10, 32):
            usage = TokenUsage(input_tokens=n_tokens, output_audio_tokens=1)
            rig.provider.emit(UsageReported(usage))
        await rig.pass_slots(1)
        ended = await rig.hang_up()

        assert ended.usage == TokenUsage(input_tokens=42, output_audio_tokens=2)
        assert (await (await started(Rig())).hang_up()).usage is None
