"""One provider takes over from another, with scripted lines and providers, in made-up time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from support.scripted_call import (
    ReadLine,
    RecordingObserver,
    ScriptedManager,
    decision,
    loud_frame,
    made_prompt,
)
from support.scripted_gate import interruption
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call import Agent, CallSession, Candidate, FallBackPolicy
from voxgate.call.announcements import AnnouncementKind, Announcements
from voxgate.call_observer import CallEnded, Observers
from voxgate.clock import Clock
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import GateEventType
from voxgate.errors import ProviderError
from voxgate.local_agent.voice import SpokenAudio
from voxgate.providers.base import CallAudio, CallerSpeechStarted, Capabilities, ProviderEnded
from voxgate.providers.call_control import CallControl
from voxgate.providers.responses import Truncation
from voxgate.providers.scripted import GATED, PASSED_THROUGH, ScriptedProvider
from voxgate.providers.tools import ToolRegistry
from voxgate.transports.base import LineAudio, LineCapabilities, LineHangup
from voxgate.transports.scripted import ScriptedLine

_REFUSED = ProviderError("openai_realtime", "no", code="invalid_api_key", retryable=False)
_LOST = ProviderError("openai_realtime", "gone", code="lost", retryable=True)
_SILENCE = bytes(320)
SAID = {
    AnnouncementKind.FALL_BACK: [loud_frame(1000 + n) for n in range(25)],
    AnnouncementKind.LOST: [loud_frame(2000 + n) for n in range(25)],
    AnnouncementKind.UNREACHABLE: [loud_frame(3000 + n) for n in range(25)],
}
"""Half a second each, no frame like another."""
_FORMAT = AudioFormat()


def announcements() -> Announcements:
    return Announcements(
        {kind: SpokenAudio(b"".join(frames), _FORMAT) for kind, frames in SAID.items()}
    )


def line_sent_ahead() -> ScriptedLine:
    return ScriptedLine(
        capabilities=LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200)
    )


class SlowProvider(ScriptedProvider):
    """Is never ready."""

    async def start(self) -> None:
        await asyncio.Event().wait()


class LingeringProvider(ScriptedProvider):
    """Takes its time to close."""

    async def stop(self) -> None:
        await asyncio.sleep(0.2)
        await super().stop()


@pytest.fixture(params=["by tasks", "at once"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames from the line's queue to a provider that may wait; or as read, to one that does not.

    What a call comes to is the same.
    """
    if request.param == "at once":
        monkeypatch.setattr(f"{__name__}.ScriptedLine", ReadLine)
        monkeypatch.setattr(f"{__name__}.made_as_asked", made_prompt)


def made_as_asked(kind: type[ScriptedProvider]) -> type[ScriptedProvider]:
    return kind


class Rig:
    """A call with a first provider, a second one, and everything around them."""

    def __init__(
        self,
        *,
        start_error: ProviderError | None = None,
        second_error: ProviderError | None = None,
        first_class: type[ScriptedProvider] = ScriptedProvider,
        second_class: type[ScriptedProvider] = ScriptedProvider,
        second_capabilities: Capabilities = GATED,
        has_second: bool = True,
        said: Announcements | None = None,
        hold_ms: float = 10_000,
        line: ScriptedLine | None = None,
        make: Callable[[Clock], Agent] | None = None,
        control: CallControl | None = None,
        turn: asyncio.Lock | None = None,
    ) -> None:
        self.line = line or ScriptedLine()
        self.manager = ScriptedManager()
        self.observer = RecordingObserver()
        self.audio = CallAudio(capture=_FORMAT, playout=_FORMAT)
        self.second: ScriptedProvider
        self._second_error = second_error
        self._second_class = second_class
        self._second_capabilities = second_capabilities
        self.first = made_as_asked(first_class)(
            call_id=self.line.call_id,
            call_audio=self.audio,
            manager=self.manager,
            clock=virtual_ms,
            start_error=start_error,
        )
        name = "openai_realtime_2" if second_capabilities.needs_gating else "deepgram"
        self.session = CallSession(
            self.line,
            self.first,
            provider_name="openai_realtime",
            manager=self.manager,
            observer=Observers([self.observer]),
            clock=virtual_ms,
            successors=[Candidate(name, make or self._make)] if has_second else (),
            fall_back=FallBackPolicy(after_s=5.0, hold_ms=hold_ms, turn=turn or asyncio.Lock()),
            announcements=announcements() if said is None else said,
            control=control,
        )
        self.task: asyncio.Task[CallEnded] | None = None

    def _make(self, clock: Clock) -> Agent:
        self.second = made_as_asked(self._second_class)(
            call_id=self.line.call_id,
            call_audio=self.audio,
            manager=self.manager,
            clock=clock,
            capabilities=self._second_capabilities,
            start_error=self._second_error,
        )
        return Agent(self.second)

    async def start(self) -> Rig:
        """Run the call in a task of its own."""
        self.task = asyncio.create_task(self.session.run())
        await asyncio.sleep(0.001)
        return self

    async def talk(self, n_frames: int, first: int = 0) -> list[bytes]:
        """Let the caller speak, a frame a slot."""
        frames = [loud_frame(first + number) for number in range(n_frames)]
        for frame in frames:
            self.line.receive(LineAudio(frame))
            await asyncio.sleep(0.02)
        return frames

    async def pass_slots(self, n_slots: int) -> None:
        await asyncio.sleep(0.02 * n_slots)

    async def hang_up(self) -> CallEnded:
        self.line.receive(LineHangup("caller_hangup"))
        return await self.wait_ended()

    async def wait_ended(self) -> CallEnded:
        assert self.task is not None
        return await self.task

    @property
    def voiced(self) -> list[bytes]:
        """What the caller heard that was no silence."""
        return [frame for frame in self.line.heard if frame != _SILENCE]


class TestFirstCanNotBeReached:
    """At the beginning of a call."""

    @in_virtual_time
    async def test_the_second_answers_and_the_caller_hears_a_sentence_first(self) -> None:
        """The sentence whole, then what the second says."""
        rig = await Rig(start_error=_REFUSED).start()
        answer = [loud_frame(n) for n in range(10)]
        rig.second.speak(b"".join(answer))
        await rig.pass_slots(60)
        ended = await rig.hang_up()
        assert rig.voiced == [*SAID[AnnouncementKind.FALL_BACK], *answer]
        assert ended.playout_underruns == 0
        assert ended.reason == "caller_hangup"
        assert ended.provider == "openai_realtime_2"
        assert ended.predecessors == ("openai_realtime",)
        assert rig.first._events.is_closed
        assert len(rig.manager) == 0

    @in_virtual_time
    async def test_observers_are_told_who_failed_and_why(self) -> None:
        """Once."""
        rig = await Rig(start_error=_REFUSED).start()
        await rig.hang_up()
        (switched,) = rig.observer.switched
        assert (switched.previous, switched.provider) == ("openai_realtime", "openai_realtime_2")
        assert switched.error is _REFUSED
        assert not switched.was_ready

    @in_virtual_time
    async def test_one_that_is_never_ready_is_given_up_in_time(self) -> None:
        """After the time of the policy, whatever its own is."""
        rig = await Rig(first_class=SlowProvider).start()
        await asyncio.sleep(4.9)
        assert not rig.observer.switched
        await asyncio.sleep(0.2)
        (switched,) = rig.observer.switched
        assert switched.error.code == "fall_back_timeout"
        assert rig.first._events.is_closed
        await rig.hang_up()

    @in_virtual_time
    async def test_what_the_caller_said_meanwhile_reaches_the_second(self) -> None:
        """As it was, in order, each frame once, and what follows behind it."""
        rig = await Rig(first_class=SlowProvider, second_capabilities=PASSED_THROUGH).start()
        before = await rig.talk(260)
        await rig.pass_slots(60)
        after = await rig.talk(10, first=400)
        await rig.hang_up()
        (switched,) = rig.observer.switched
        assert switched.gate is not None
        (ended,) = rig.observer.ended
        assert switched.gate == ended.gate  # the second passes through: its gate counts nothing
        assert switched.gate.captured_frames > 200
        assert 248 <= switched.held_frames <= 252
        assert switched.dropped_frames == 0
        heard = [frame for frame in rig.second.frames if frame != _SILENCE]
        assert heard == [*before[: len(heard) - 10], *after]
        assert len(heard) - 10 >= switched.held_frames

    @in_virtual_time
    async def test_more_than_the_bound_is_not_kept(self) -> None:
        """The newest is; the rest is counted."""
        rig = await Rig(
            first_class=SlowProvider, second_capabilities=PASSED_THROUGH, hold_ms=1000
        ).start()
        said = await rig.talk(249)
        await rig.pass_slots(5)
        await rig.hang_up()
        (switched,) = rig.observer.switched
        assert 49 <= switched.held_frames <= 51
        assert switched.held_frames + switched.dropped_frames == 249
        assert rig.second.frames[: switched.held_frames] == said[-switched.held_frames :]

    @in_virtual_time
    async def test_what_is_too_much_while_the_first_closes_is_counted_too(self) -> None:
        """Every frame was either given to the second, or is counted."""
        rig = await Rig(
            start_error=_REFUSED,
            first_class=LingeringProvider,
            second_capabilities=PASSED_THROUGH,
            hold_ms=100,
        ).start()
        await rig.talk(20)
        await rig.hang_up()
        (switched,) = rig.observer.switched
        assert switched.held_frames == 5
        assert switched.held_frames + switched.dropped_frames == 10

    @in_virtual_time
    async def test_many_that_fall_back_at_once_are_shown_the_past_one_after_the_other(self) -> None:
        """So that the calls of others never wait for more than one; nothing is lost meanwhile."""
        turn = asyncio.Lock()
        await turn.acquire()
        rig = await Rig(start_error=_REFUSED, second_capabilities=PASSED_THROUGH, turn=turn).start()
        said = await rig.talk(100)
        assert rig.observer.switched == []
        turn.release()
        await rig.pass_slots(2)
        await rig.hang_up()
        assert rig.observer.switched[0].held_frames == len(said)
        assert not turn.locked()

    @in_virtual_time
    async def test_nothing_is_held_where_nothing_is_to_be_held(self) -> None:
        """A bound of 0 is one."""
        rig = await Rig(first_class=SlowProvider, hold_ms=0).start()
        await rig.talk(249)
        await rig.pass_slots(5)
        await rig.hang_up()
        assert rig.observer.switched[0].held_frames == 0

    @in_virtual_time
    async def test_the_second_has_its_own_time(self) -> None:
        """It is the last hope: the bound of the policy is not for it."""
        rig = await Rig(start_error=_REFUSED, second_class=SlowProvider).start()
        await asyncio.sleep(60)
        assert rig.task is not None
        assert not rig.task.done()
        await asyncio.sleep(65)
        assert (await rig.wait_ended()).reason == "provider_unreachable"


class TestTheCallerHadSpoken:
    """The second is told late what was said before the sentence that is heard now."""

    @pytest.mark.parametrize("capabilities", [GATED, PASSED_THROUGH])
    @pytest.mark.parametrize("n_slots", [0, 5])
    @in_virtual_time
    async def test_the_sentence_is_heard_whole_and_the_answer_behind_it(
        self, capabilities: Capabilities, n_slots: int
    ) -> None:
        """Nobody is told of an interruption either."""
        rig = await Rig(start_error=_REFUSED, second_capabilities=capabilities).start()
        await rig.pass_slots(n_slots)
        rig.second.emit(CallerSpeechStarted(interruption(), -500.0))
        rig.second.speak(loud_frame(5))
        await rig.pass_slots(40)
        await rig.hang_up()
        assert rig.voiced == [*SAID[AnnouncementKind.FALL_BACK], loud_frame(5)]
        assert rig.second.cancelled == rig.second.truncations == []
        told = [event.type for event in rig.observer.gate_events]
        assert GateEventType.INTERRUPTED not in told

    @in_virtual_time
    async def test_one_that_is_not_gated_need_not_say_when_it_was(self) -> None:
        """It is given silence while the sentence is heard."""
        rig = await Rig(start_error=_REFUSED, second_capabilities=PASSED_THROUGH).start()
        await rig.pass_slots(5)
        rig.second.emit(CallerSpeechStarted(interruption()))
        await rig.pass_slots(40)
        await rig.hang_up()
        assert rig.voiced == SAID[AnnouncementKind.FALL_BACK]

    @pytest.mark.parametrize("capture_ms", [60.0, None])
    @in_virtual_time
    async def test_what_is_said_over_the_sentence_stops_it(self, capture_ms: float | None) -> None:
        """Of a gated provider, without a date too."""
        rig = await Rig(start_error=_REFUSED).start()
        await rig.pass_slots(5)
        rig.second.emit(CallerSpeechStarted(interruption(), capture_ms))
        await rig.pass_slots(40)
        await rig.hang_up()
        assert 4 <= len(rig.voiced) <= 7

    @in_virtual_time
    async def test_a_sentence_that_the_gate_has_paused_is_stopped(self) -> None:
        """The caller who had spoken speaks on."""
        rig = await Rig(start_error=_REFUSED).start()
        await rig.pass_slots(5)
        rig.manager.idle_decisions.append(decision(GateEventType.BARGE_IN_COMMITTED))
        await rig.pass_slots(2)
        rig.second.emit(CallerSpeechStarted(interruption(), -100.0))
        await rig.pass_slots(40)
        await rig.hang_up()
        assert 5 <= len(rig.voiced) <= 9

    @in_virtual_time
    async def test_once_the_sentence_was_heard_it_is_as_ever(self) -> None:
        """The agent's answer is not protected."""
        rig = await Rig(start_error=_REFUSED).start()
        await rig.pass_slots(27)
        rig.second.speak(loud_frame(5) * 100)
        await rig.pass_slots(5)
        rig.second.emit(CallerSpeechStarted(interruption(), -100.0))
        await rig.pass_slots(40)
        await rig.hang_up()
        assert len(rig.voiced) < 40


class TestWhatIsTold:
    """Of the gate and of the provider."""

    @in_virtual_time
    async def test_the_end_of_one_that_was_away_for_too_long(self) -> None:
        """Once, with the reason, before the switch."""
        rig = await Rig().start()
        rig.first.lose_connection(_LOST)
        await asyncio.sleep(5.1)
        ends = [event for event in rig.observer.provider_events if isinstance(event, ProviderEnded)]
        assert [end.error and end.error.code for end in ends] == ["fall_back_timeout"]
        await rig.hang_up()

    @in_virtual_time
    async def test_the_gate_that_closes_before_the_second_is_there(self) -> None:
        """As often as it opens: the sentence had begun by then."""
        turn = asyncio.Lock()
        await turn.acquire()
        rig = await Rig(start_error=_REFUSED, turn=turn).start()
        await rig.talk(10)
        turn.release()
        await rig.talk(100)
        await rig.hang_up()
        told = [event.type for event in rig.observer.gate_events]
        assert told.count(GateEventType.GATE_CLOSED) == 1
        assert told.count(GateEventType.GATE_OPENED) == 1

    @pytest.mark.parametrize("is_speaking", [True, False])
    @in_virtual_time
    async def test_an_interruption_only_if_there_was_something_to_interrupt(
        self,
        is_speaking: bool,
    ) -> None:
        """A provider that is not gated is followed at its every word."""
        rig = await Rig(start_error=_REFUSED, second_capabilities=PASSED_THROUGH).start()
        await rig.pass_slots(60)
        if is_speaking:
            rig.second.speak(loud_frame(5) * 20)
        await rig.pass_slots(5)
        rig.second.emit(CallerSpeechStarted(interruption()))
        await rig.pass_slots(5)
        await rig.hang_up()
        told = [event.type for event in rig.observer.gate_events]
        assert told == [GateEventType.INTERRUPTED] * is_speaking


class TestNobodyCanBeReached:
    """A sentence, and the end."""

    @in_virtual_time
    async def test_the_caller_hears_so_before_the_call_ends(self) -> None:
        """All of it; and no word of the sentence that asks to wait."""
        rig = await Rig(start_error=_REFUSED, second_error=_LOST).start()
        ended = await rig.wait_ended()
        heard = rig.voiced
        assert heard[-25:] == SAID[AnnouncementKind.UNREACHABLE]
        assert heard[:-25] == SAID[AnnouncementKind.FALL_BACK][: len(heard) - 25]
        assert (ended.reason, ended.detail) == ("provider_unreachable", str(_LOST))
        assert ended.provider == "openai_realtime_2"
        assert rig.line.hangup_event == LineHangup("local_hangup")

    @in_virtual_time
    async def test_without_a_second_it_is_said_at_once(self) -> None:
        """And the last word is given time to be heard."""
        rig = await Rig(start_error=_REFUSED, has_second=False).start()
        ended = await rig.wait_ended()
        assert rig.voiced == SAID[AnnouncementKind.UNREACHABLE]
        assert ended.reason == "provider_unreachable"
        assert 500 + 200 <= ended.duration_ms <= 500 + 300
        assert rig.observer.switched == []

    @in_virtual_time
    async def test_without_sentences_the_call_simply_ends(self) -> None:
        """As an operator may want it."""
        rig = await Rig(start_error=_REFUSED, has_second=False, said=Announcements()).start()
        ended = await rig.wait_ended()
        assert rig.voiced == []
        assert ended.duration_ms < 100

    @in_virtual_time
    async def test_a_caller_who_speaks_does_not_stop_the_last_sentence(self) -> None:
        """Nobody listens any more: nothing is judged, nothing is sent."""
        rig = await Rig(start_error=_REFUSED, has_second=False).start()
        await rig.talk(10)
        n_frames = len(rig.first.frames)
        await rig.wait_ended()
        assert rig.voiced == SAID[AnnouncementKind.UNREACHABLE]
        assert n_frames == 0

    @in_virtual_time
    async def test_a_caller_who_hangs_up_meanwhile_ends_the_call(self) -> None:
        """At once, and for that reason."""
        rig = await Rig(start_error=_REFUSED, has_second=False).start()
        await rig.pass_slots(5)
        ended = await rig.hang_up()
        assert ended.reason == "caller_hangup"
        assert ended.duration_ms < 200

    @in_virtual_time
    async def test_a_line_that_plays_nothing_does_not_hold_the_call(self) -> None:
        """It is given up a while after the sentence should have been over."""
        rig = Rig(start_error=_REFUSED, has_second=False)
        await rig.start()
        rig.session._playout.pause(virtual_ms())
        ended = await rig.wait_ended()
        assert 3500 <= ended.duration_ms <= 4000

    @in_virtual_time
    async def test_a_line_that_is_sent_ahead_plays_to_the_end(self) -> None:
        """What was sent is not yet what was heard."""
        line = line_sent_ahead()
        rig = await Rig(start_error=_REFUSED, has_second=False, line=line).start()
        ended = await rig.wait_ended()
        assert list(line.heard) == SAID[AnnouncementKind.UNREACHABLE]
        assert ended.duration_ms >= 700


class TestLostInMidCall:
    """The first was there, and is gone."""

    @in_virtual_time
    async def test_the_second_takes_over_after_another_sentence(self) -> None:
        """What the first still had to say is not said."""
        rig = await Rig().start()
        rig.first.speak(loud_frame(1) * 500)
        await rig.pass_slots(10)
        rig.first.end(_LOST)
        await rig.pass_slots(30)
        rig.second.speak(loud_frame(2) * 5)
        await rig.pass_slots(10)
        ended = await rig.hang_up()
        heard = rig.voiced
        lost = SAID[AnnouncementKind.LOST]
        at = heard.index(lost[0])
        assert heard[at:] == [*lost, *[loud_frame(2)] * 5]
        assert 10 <= at <= 13
        assert rig.observer.switched[0].was_ready
        assert ended.provider == "openai_realtime_2"

    @in_virtual_time
    async def test_one_that_is_away_is_waited_for_and_then_given_up(self) -> None:
        """It may come back for so long; what the caller says meanwhile is kept."""
        rig = await Rig(second_capabilities=PASSED_THROUGH).start()
        await rig.talk(20)
        rig.first.lose_connection(_LOST)
        await asyncio.sleep(0)
        said = await rig.talk(100, first=100)
        assert not rig.observer.switched
        await asyncio.sleep(3.1)
        (switched,) = rig.observer.switched
        assert switched.error.code == "fall_back_timeout"
        assert switched.held_frames == 100
        assert rig.second.frames[:100] == said
        await rig.hang_up()

    @in_virtual_time
    async def test_one_that_comes_back_keeps_the_call(self) -> None:
        """And what the caller said is not kept for anybody else."""
        rig = await Rig().start()
        rig.first.lose_connection(_LOST)
        await rig.talk(100)
        rig.first.restore_connection()
        await asyncio.sleep(30)
        assert not rig.observer.switched
        rig.first.end(_LOST)
        await rig.pass_slots(2)
        assert rig.observer.switched[0].held_frames == 0
        await rig.hang_up()

    @in_virtual_time
    async def test_without_a_second_it_has_all_its_time(self) -> None:
        """Then the caller is told, and the reason says that somebody had answered."""
        rig = await Rig(has_second=False).start()
        rig.first.lose_connection(_LOST)
        await asyncio.sleep(60)
        assert rig.task is not None
        assert not rig.task.done()
        rig.first.end(_LOST)
        ended = await rig.wait_ended()
        assert rig.voiced == SAID[AnnouncementKind.UNREACHABLE]
        assert ended.reason == "provider_lost"

    @in_virtual_time
    async def test_the_second_is_lost_too(self) -> None:
        """The call ends with the sentence for it."""
        rig = await Rig().start()
        rig.first.end(_LOST)
        await rig.pass_slots(50)
        rig.second.end(_LOST)
        ended = await rig.wait_ended()
        assert rig.voiced[-25:] == SAID[AnnouncementKind.UNREACHABLE]
        assert ended.reason == "provider_lost"
        assert ended.predecessors == ("openai_realtime",)

    @in_virtual_time
    async def test_a_call_that_was_answered_is_lost_though_the_second_was_never_reached(
        self,
    ) -> None:
        """The reason is that of the call, not of the last attempt."""
        rig = await Rig(second_error=_REFUSED).start()
        rig.first.end(_LOST)
        assert (await rig.wait_ended()).reason == "provider_lost"

    @in_virtual_time
    async def test_a_line_that_is_sent_ahead_forgets_the_first_at_once(self) -> None:
        """What it has not played of it is not played behind which the sentence would wait."""
        line = line_sent_ahead()
        rig = await Rig(line=line).start()
        rig.first.speak(loud_frame(1) * 500)
        await rig.pass_slots(10)
        rig.first.end(_LOST)
        await rig.pass_slots(1)
        assert len(rig.line.flushed_at) == 1
        await rig.hang_up()

    @in_virtual_time
    async def test_an_answer_of_the_first_does_not_keep_the_second_from_hanging_up(self) -> None:
        """Its end will never be told."""
        control = CallControl(ToolsConfig(hangup=True))

        def make(clock: Clock) -> Agent:
            return Agent(rig._make(clock).provider, control)

        rig = Rig(make=make)
        await rig.start()
        rig.first.start_response()
        await rig.pass_slots(5)
        rig.first.end(_LOST)
        await rig.pass_slots(50)
        rig.second.speak(loud_frame(1) * 5)
        await ToolRegistry(control.tools).call("hangup", "{}", call_id="call")
        asked_ms = virtual_ms()
        assert (await rig.wait_ended()).reason == "agent_hangup"
        assert virtual_ms() - asked_ms < 1000

    @in_virtual_time
    async def test_a_farewell_that_nobody_goes_on_with_is_over_when_it_was_heard(self) -> None:
        """Its answer's end will never be told either."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await Rig(control=control).start()
        response = rig.first.start_response()
        rig.first.generate_audio(response, "item", loud_frame(1) * 10)
        await ToolRegistry(control.tools).call("hangup", "{}", call_id="call")
        await rig.pass_slots(5)
        rig.first.end(_LOST)
        ended = await rig.wait_ended()
        assert ended.reason == "agent_hangup"
        assert ended.duration_ms < 2000

    @in_virtual_time
    async def test_an_end_in_good_order_is_no_failure(self) -> None:
        """The provider has hung up, and nobody takes over."""
        rig = await Rig().start()
        rig.first.end(None)
        ended = await rig.wait_ended()
        assert ended.reason == "provider_ended"
        assert rig.voiced == []

    @in_virtual_time
    async def test_one_that_has_said_goodbye_need_not_be_there(self) -> None:
        """The farewell is heard, and the call ends: nobody begins anew."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await Rig(control=control).start()
        farewell = [loud_frame(n) for n in range(50)]
        rig.first.speak(b"".join(farewell))
        await ToolRegistry(control.tools).call("hangup", "{}", call_id="call")
        await rig.pass_slots(5)
        rig.first.end(_LOST)
        ended = await rig.wait_ended()
        assert ended.reason == "agent_hangup"
        assert rig.voiced == farewell
        assert rig.observer.switched == []

    @in_virtual_time
    async def test_a_caller_who_interrupts_the_goodbye_is_not_left_alone(self) -> None:
        """There was one more question: somebody is to hear it."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await Rig(control=control).start()
        rig.first.speak(loud_frame(1) * 500)
        await ToolRegistry(control.tools).call("hangup", "{}", call_id="call")
        await rig.pass_slots(5)
        rig.first.end(_LOST)
        await rig.pass_slots(5)
        rig.manager.idle_decisions.append(interruption())
        await rig.pass_slots(5)
        assert rig.observer.switched[0].was_ready
        assert (await rig.hang_up()).provider == "openai_realtime_2"

    @in_virtual_time
    async def test_what_the_caller_says_over_the_goodbye_reaches_the_second(self) -> None:
        """The one who said goodbye was gone: nobody else has heard it."""
        control = CallControl(ToolsConfig(hangup=True))
        rig = await Rig(control=control, second_capabilities=PASSED_THROUGH).start()
        rig.first.speak(loud_frame(1) * 500)
        await ToolRegistry(control.tools).call("hangup", "{}", call_id="call")
        await rig.pass_slots(5)
        rig.first.end(_LOST)
        await rig.pass_slots(60)
        said = await rig.talk(10, first=100)
        rig.manager.idle_decisions.append(interruption())
        await rig.pass_slots(5)
        await rig.hang_up()
        assert rig.observer.switched[0].held_frames == 10
        assert len(rig.second.frames) == len(said)

    @in_virtual_time
    async def test_one_that_has_announced_a_transfer_need_not_be_there(self) -> None:
        """The announcement is heard, and the call transferred: nobody begins anew."""

        async def transfer(_: str) -> None:
            rig.line.receive(LineHangup("local_hangup"))

        tools = ToolsConfig(transfer_targets={"desk": "200"})
        control = CallControl(tools, transfer=transfer)
        rig = await Rig(control=control).start()
        announcement = [loud_frame(n) for n in range(50)]
        rig.first.speak(b"".join(announcement))
        registry = ToolRegistry(control.tools)
        asking = asyncio.create_task(registry.call("transfer", '{"target":"desk"}', call_id="call"))
        await rig.pass_slots(5)
        rig.first.end(_LOST)
        ended = await rig.wait_ended()
        assert ended.reason == "local_hangup"
        assert rig.voiced == announcement
        assert rig.observer.switched == []
        await asking

    @in_virtual_time
    async def test_items_of_both_may_have_one_name(self) -> None:
        """What the second says is heard, and it is told of its own items only."""
        rig = await Rig().start()
        rig.first.speak(loud_frame(1) * 500, "item")
        await rig.pass_slots(5)
        rig.first.end(_LOST)
        await rig.pass_slots(40)
        rig.second.speak(b"".join(loud_frame(n) for n in range(100)), "item")
        await rig.pass_slots(10)
        rig.manager.idle_decisions.append(interruption())
        await rig.pass_slots(5)
        (truncation,) = rig.second.truncations
        assert isinstance(truncation, Truncation)
        assert truncation.item_id == "item"
        assert 180 <= truncation.audio_end_ms <= 240
        await rig.hang_up()


class TestGate:
    """It is that of the provider that has the call."""

    @in_virtual_time
    async def test_the_announcement_is_agent_audio_to_the_gate(self) -> None:
        """Every frame of it is shown as that."""
        rig = await Rig(start_error=_REFUSED).start()
        await rig.pass_slots(40)
        assert (await rig.hang_up()).playout_underruns == 0
        agent = [frame for frame, is_agent in rig.manager.far_end if is_agent]
        assert agent[-25:] == SAID[AnnouncementKind.FALL_BACK]

    @in_virtual_time
    async def test_the_second_s_gate_is_shown_what_was_played_before_it(self) -> None:
        """Its echo may still come: the last second, and each slot once."""
        rig = await Rig().start()
        rig.first.speak(loud_frame(1) * 500)
        await rig.pass_slots(100)
        rig.first.end(_LOST)
        await asyncio.sleep(0.001)
        at = [n for n, name in enumerate(rig.manager.inputs) if name == "start_call"]
        assert len(at) == 2
        assert rig.manager.n_far_end_at_start[1] == len(rig.observer.playout)
        shown_anew = rig.manager.far_end[rig.manager.n_far_end_at_start[1] :]
        assert 50 <= len(shown_anew) <= 53
        await rig.hang_up()

    @in_virtual_time
    async def test_a_caller_may_interrupt_the_announcement(self) -> None:
        """As the agent: what is left of it is not said, and the second is not told of it."""
        rig = await Rig(start_error=_REFUSED).start()
        await rig.pass_slots(10)
        rig.manager.idle_decisions.append(interruption())
        await rig.pass_slots(40)
        await rig.hang_up()
        assert 9 <= len(rig.voiced) <= 13
        assert rig.second.truncations == []

    @in_virtual_time
    async def test_the_announcement_waits_for_a_caller_who_may_be_speaking(self) -> None:
        """What the second's gate makes of the time before it holds for playout as well."""
        rig = await Rig(said=announcements()).start()
        await rig.pass_slots(20)
        rig.first.end(_LOST)
        rig.manager.idle_decisions.append(decision(GateEventType.CANDIDATE_STARTED))
        await rig.pass_slots(20)
        assert rig.observer.switched
        assert rig.voiced == []
        rig.manager.idle_decisions.append(decision(GateEventType.CANDIDATE_DROPPED))
        await rig.pass_slots(40)
        await rig.hang_up()
        assert rig.voiced[1:] == SAID[AnnouncementKind.LOST][1:]

    @in_virtual_time
    async def test_a_line_that_was_sent_the_sentence_ahead_stops_for_such_a_caller(self) -> None:
        """While the first was closing the line got some of it."""
        line = line_sent_ahead()
        rig = await Rig(first_class=LingeringProvider, line=line).start()
        await rig.pass_slots(20)
        rig.first.end(_LOST)
        await rig.pass_slots(5)
        assert line.flushed_at == ()
        rig.manager.idle_decisions.append(decision(GateEventType.CANDIDATE_STARTED))
        await rig.pass_slots(10)
        assert len(line.flushed_at) == 1
        await rig.hang_up()

    @in_virtual_time
    async def test_frames_that_no_gate_has_judged_are_told_when_one_does(self) -> None:
        """Those that came while the first was closing; each frame of the call once, in order."""
        rig = await Rig(first_class=LingeringProvider).start()
        before = await rig.talk(10)
        rig.first.end(_LOST)
        await asyncio.sleep(0)
        meanwhile = await rig.talk(9, first=100)
        await rig.pass_slots(5)
        after = await rig.talk(5, first=200)
        await rig.hang_up()
        told = [frame for frame, _ in rig.observer.decisions if frame is not None]
        assert told == [*before, *meanwhile, *after]
        assert 8 <= rig.observer.switched[0].held_frames <= 10

    @in_virtual_time
    async def test_a_provider_that_is_not_gated_does_not_hear_the_announcement(self) -> None:
        """Silence in its place until the echo has died away; then every frame untouched."""
        rig = await Rig(start_error=_REFUSED, second_capabilities=PASSED_THROUGH).start()
        await rig.talk(25 + 24)
        n_before = len(rig.second.frames)
        await rig.pass_slots(5)
        after = await rig.talk(10, first=500)
        ended = await rig.hang_up()
        assert set(rig.second.frames[2:n_before]) == {_SILENCE}
        assert all(a is b for a, b in zip(rig.second.frames[n_before:], after, strict=True))
        assert ended.gate is not None

    @in_virtual_time
    async def test_the_counters_are_of_both_gates(self) -> None:
        """A call's frames are counted once, whoever judged them."""
        rig = await Rig().start()
        await rig.talk(50)
        rig.first.end(_LOST)
        await rig.pass_slots(2)
        await rig.talk(50, first=100)
        ended = await rig.hang_up()
        assert ended.gate is not None
        assert ended.gate.captured_frames == 100


class TestTheCallEndsMeanwhile:
    """While one provider takes over from the other."""

    @in_virtual_time
    async def test_a_hangup_during_the_announcement_leaves_nothing_behind(self) -> None:
        """Both providers are stopped, and the gate has forgotten the call."""
        rig = await Rig(start_error=_REFUSED, second_class=SlowProvider).start()
        await rig.pass_slots(5)
        ended = await rig.hang_up()
        assert ended.reason == "caller_hangup"
        assert rig.first._events.is_closed
        assert rig.second._events.is_closed
        assert len(rig.manager) == 0

    @in_virtual_time
    async def test_cancelling_meanwhile_ends_everything(self) -> None:
        """As at any other time."""
        rig = await Rig(start_error=_REFUSED, second_class=SlowProvider).start()
        await rig.pass_slots(5)
        assert rig.task is not None
        rig.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rig.task
        assert [ended.reason for ended in rig.observer.ended] == ["drained"]
        assert rig.second._events.is_closed
        assert len(rig.manager) == 0

    @in_virtual_time
    async def test_a_second_that_can_not_be_made_ends_the_call(self) -> None:
        """A bug of ours ends this call, and is logged."""

        def fail(clock: Clock) -> Agent:
            raise ZeroDivisionError

        rig = await Rig(start_error=_REFUSED, make=fail).start()
        with capture_logs():
            ended = await rig.wait_ended()
        assert ended.reason == "internal_error"
        assert len(rig.manager) == 0

    @in_virtual_time
    async def test_what_is_said_is_logged_without_what_it_says(self) -> None:
        """By the key of its section."""
        with capture_logs() as logged:
            rig = await Rig(start_error=_REFUSED).start()
            await rig.hang_up()
        (event,) = (entry for entry in logged if entry["event"] == "call.announced")
        assert event["announcement"] == "fall_back"
        assert event["call_id"] == rig.line.call_id
