"""What the gate does to a session, and what it takes from it."""

from __future__ import annotations

import asyncio
from dataclasses import fields

import pytest
from livekit.agents import Agent, AgentSession, UserStateChangedEvent
from livekit.agents.voice.room_io import AudioInputOptions
from structlog.testing import capture_logs

from frameworks.livekit.session_parts import ListOutput, ManualClock, audio_frame
from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.integrations.livekit import FarEndOutput, SessionGate, TurnDetection


class _Session(AgentSession[None]):
    """Takes note of what it is asked for."""

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._refuses = refuses

    def interrupt(self, *, force: bool = False) -> asyncio.Future[None]:
        self._ask("interrupt")
        return asyncio.get_running_loop().create_future()

    def clear_user_turn(self) -> None:
        self._ask("clear")

    def commit_user_turn(self, **_options: float) -> asyncio.Future[str]:  # type: ignore[override]
        self._ask("commit")
        answer = asyncio.get_running_loop().create_future()
        answer.set_result("")
        return answer

    def _ask(self, what: str) -> None:
        if self._refuses:
            raise RuntimeError("not now")
        self.asked.append(what)


def _event(event_type: GateEventType, reason: GateReason = GateReason.AGENT_AUDIBLE) -> GateEvent:
    return GateEvent(type=event_type, t_ms=0.0, reason=reason)


async def _gate(turn_detection: TurnDetection, session: _Session) -> SessionGate:
    gate = SessionGate(turn_detection=turn_detection, clock=ManualClock())
    gate.attach(session)
    return gate


@pytest.mark.parametrize(
    ("turn_detection", "asked"),
    [
        (TurnDetection.SERVER, []),
        (TurnDetection.SESSION, ["interrupt"]),
        (TurnDetection.GATE, ["interrupt", "clear"]),
    ],
)
async def test_a_barge_in_interrupts_where_the_provider_does_not(
    turn_detection: TurnDetection, asked: list[str]
) -> None:
    """Where the gate finds the turns, the provider also forgets the silence that it was sent."""
    session = _Session()
    gate = await _gate(turn_detection, session)
    gate._follow(_event(GateEventType.BARGE_IN_COMMITTED))
    assert session.asked == asked
    assert gate.session_counters.interruptions == asked.count("interrupt")


async def test_a_caller_who_talks_on_interrupts_if_the_provider_has_not() -> None:
    session = _Session()
    gate = await _gate(TurnDetection.SERVER, session)
    gate._follow(_event(GateEventType.INTERRUPTED, GateReason.PROVIDER_SPEECH))
    assert session.asked == []
    gate._follow(_event(GateEventType.INTERRUPTED, GateReason.BARGE_IN))
    assert session.asked == ["interrupt"]


async def test_silence_is_forgotten_when_the_agent_has_finished_but_never_a_turn() -> None:
    session = _Session()
    gate = await _gate(TurnDetection.GATE, session)
    gate._follow(_event(GateEventType.GATE_OPENED))
    assert session.asked == ["clear"]
    gate._follow(_event(GateEventType.BARGE_IN_COMMITTED))
    gate._follow(_event(GateEventType.GATE_OPENED))
    assert session.asked == ["clear", "interrupt", "clear"]


async def test_the_turn_is_committed_once_the_caller_is_silent() -> None:
    session, clock = _Session(), ManualClock()
    gate = SessionGate(turn_detection="gate", turn_end_ms=300.0, clock=clock)
    gate.attach(session)
    gate._follow(_event(GateEventType.BARGE_IN_COMMITTED))
    session.asked.clear()
    for number in range(50):
        clock.now_ms = 20.0 * number
        gate.frame_processor.process(audio_frame(bytes(960)))
        assert ("commit" in session.asked) == (number >= 14)
    assert session.asked == ["interrupt", "commit"]
    assert gate.session_counters.commits == 1
    assert gate.session_counters.interruptions == 1  # the end of a turn is none


@pytest.mark.parametrize("turn_detection", TurnDetection)
async def test_a_caller_whom_the_session_has_muted_takes_no_turn(
    turn_detection: TurnDetection,
) -> None:
    """The gate goes on listening; the application has said that nobody is to be heard."""
    session = _Session()
    session.input.set_audio_enabled(False)
    gate = await _gate(turn_detection, session)
    gate._follow(_event(GateEventType.BARGE_IN_COMMITTED))
    gate._follow(_event(GateEventType.INTERRUPTED, GateReason.BARGE_IN))
    for _ in range(50):
        gate.frame_processor.process(audio_frame(bytes(960)))
    assert session.asked == []
    session.input.set_audio_enabled(True)
    gate._follow(_event(GateEventType.INTERRUPTED, GateReason.BARGE_IN))
    assert session.asked == ["interrupt"]


async def test_what_the_caller_said_before_being_muted_is_committed() -> None:
    """To the session, a caller who is muted is silent."""
    session, clock = _Session(), ManualClock()
    gate = SessionGate(turn_detection="gate", turn_end_ms=100.0, clock=clock)
    gate.attach(session)
    gate._follow(_event(GateEventType.BARGE_IN_COMMITTED))
    session.input.set_audio_enabled(False)
    for _ in range(5):
        clock.now_ms += 20.0
        gate.frame_processor.process(audio_frame(bytes(960)))
    assert session.asked[-1] == "commit"


async def test_what_a_session_refuses_is_counted_and_raises_nothing() -> None:
    gate = await _gate(TurnDetection.GATE, _Session(refuses=True))
    gate._follow(_event(GateEventType.BARGE_IN_COMMITTED))
    assert gate.session_counters.refusals == 2
    assert gate.session_counters.interruptions == 0


async def test_a_session_that_fails_leaves_the_audio_path_whole() -> None:
    """Whatever a session raises while the gate reports to it ends in the counters."""

    class Broken(_Session):
        def _ask(self, what: str) -> None:
            raise ZeroDivisionError(what)

    clock = ManualClock()
    gate = SessionGate(turn_detection="gate", turn_end_ms=20.0, clock=clock)
    gate.attach(Broken())
    gate._turn_end.begin()
    frame = gate.frame_processor.process(audio_frame(bytes(960)))
    assert frame.samples_per_channel == 480
    assert (gate.counters.failures, gate.counters.last_failure) == (1, "ZeroDivisionError")


async def test_the_link_is_made_at_once_where_there_is_an_output() -> None:
    session = _Session()
    session.output.audio = ListOutput()
    await _gate(TurnDetection.SERVER, session)
    assert isinstance(session.output.audio, FarEndOutput)


async def test_an_output_of_later_is_linked_before_the_first_speech_and_once() -> None:
    """A room makes its output while the session starts: after the gate was attached."""
    session = _Session()
    await _gate(TurnDetection.SERVER, session)
    assert session.output.audio is None
    sink = session.output.audio = ListOutput()
    session.emit("speech_created", None)
    linked = session.output.audio
    assert isinstance(linked, FarEndOutput)
    session.emit("speech_created", None)
    assert session.output.audio is linked
    await linked.capture_frame(audio_frame(bytes(960)))
    assert sink.told == ["frame"]


async def test_the_sessions_word_on_the_caller_reaches_the_gate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = _Session()
    gate = await _gate(TurnDetection.SERVER, session)
    told: list[str] = []
    monkeypatch.setattr(gate._call, "receive_speech_started", lambda _now: told.append("started"))
    monkeypatch.setattr(gate._call, "receive_speech_stopped", lambda _now: told.append("stopped"))
    for old, new in (("listening", "speaking"), ("speaking", "listening"), ("listening", "away")):
        session.emit("user_state_changed", UserStateChangedEvent(old_state=old, new_state=new))
    assert told == ["started", "stopped"]


async def test_the_gate_ends_with_the_session() -> None:
    session = _Session()
    gate = await _gate(TurnDetection.SERVER, session)
    await session.start(Agent(instructions="Say nothing."))
    assert gate.state is not None
    gate._call.count_failure(OSError())
    with capture_logs() as logged:
        await session.aclose()
        gate.close()
    assert gate.state is None
    assert [each["event"] for each in logged] == ["plugin.gate_failed"]


def test_a_rooms_input_gets_20_ms_frames_no_gain_control_and_the_gate() -> None:
    gate = SessionGate(sample_rate_hz=16_000)
    options = gate.audio_input_options(pre_connect_audio=False)
    assert (options.sample_rate, options.frame_size_ms) == (16_000, 20)
    assert options.noise_cancellation is gate.frame_processor
    assert not options.pre_connect_audio
    names = {field.name for field in fields(AudioInputOptions)}
    assert "auto_gain_control" not in names or options.auto_gain_control is False


def test_two_gates_of_one_manager_are_two_calls() -> None:
    first = SessionGate()
    second = SessionGate(first._call._manager)
    assert first.call_id != second.call_id
    assert second.state is not None
    first.close()
    assert (first.state, second.state is not None) == (None, True)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"provider": "openai_realtme"}, "did you mean 'openai_realtime'"),
        ({"on_failure": "opn"}, "on_failure: 'opn' is not one of open, closed"),
        (
            {"turn_detection": "sever"},
            "turn_detection: 'sever' is not one of server, session, gate",
        ),
    ],
)
def test_a_choice_that_there_is_none_of_is_an_error(options: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        SessionGate(clock=ManualClock(), **options)  # type: ignore[arg-type]
