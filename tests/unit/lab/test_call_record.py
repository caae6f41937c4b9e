"""The engine's half of the record of a simulated call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.simulated_calls import record_of
from voxgate.call_observer import CallEnded
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import (
    PASS_THROUGH,
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateReason,
    GateState,
)
from voxgate.core.playout import PlayoutFrame
from voxgate.lab.call_record import CallRecord, GateRecorder
from voxgate.providers.base import AgentAudio, CallerSpeechStarted, ResponseStarted
from voxgate.transports.base import LineAudio, LineDtmf

CALL = "c"


def frame_of(value: int = 1) -> bytes:
    """Return a frame that equals others and is none of them, as those of a silent line do."""
    return bytes(bytearray([value]) * 320)


def decision_of(*audio: bytes, state: GateState = GateState.OPEN) -> GateDecision:
    action = GateAction.WITHHOLD if state is GateState.CLOSED else GateAction.FORWARD
    return GateDecision(action=action, state=state, reason=GateReason.CALLER_SPEECH, audio=audio)


def agent_frame(item_id: str = "a") -> PlayoutFrame:
    return PlayoutFrame(audio=bytes(320), is_agent_audio=True, item_id=item_id)


LINE_SILENCE = PlayoutFrame(audio=bytes(320), is_agent_audio=False, item_id=None)


class Call:
    """A recorder, told of a call."""

    def __init__(self) -> None:
        self.record = CallRecord()
        self.recorder = GateRecorder(self.record, AudioFormat())

    def capture(self, frame: bytes, decision: GateDecision) -> None:
        self.recorder.on_line_event(CALL, 0.0, LineAudio(frame))
        self.recorder.on_decision(CALL, 0.0, frame, decision)

    def generate(self, item_id: str, duration_ms: int) -> None:
        self.recorder.on_provider_event(CALL, 0.0, AgentAudio(item_id, bytes(16 * duration_ms)))

    def play(self, n_slots: int, item_id: str = "a") -> None:
        for _ in range(n_slots):
            self.recorder.on_playout(CALL, 0.0, agent_frame(item_id))

    def left_ms(self, event_type: GateEventType = GateEventType.GATE_CLOSED) -> float:
        """Return how much the agent has to say at an event that happens now."""
        event = GateEvent(type=event_type, t_ms=0.0, reason=GateReason.AGENT_AUDIBLE)
        self.recorder.on_gate_event(CALL, event)
        assert self.record.gate_events[-1].event is event
        return self.record.gate_events[-1].agent_left_ms


@pytest.fixture
def call() -> Call:
    return Call()


def test_frames_are_told_apart_though_they_are_equal(call: Call) -> None:
    """The second of three equal frames was withheld, with equal silence in its place."""
    frames = [frame_of() for _ in range(3)]
    call.capture(frames[0], decision_of(frames[0]))
    call.capture(frames[1], decision_of(frame_of(), state=GateState.CLOSED))
    call.capture(frames[2], decision_of(frames[2]))
    assert call.record.forwarded == {0, 2}
    assert call.record.states == [GateState.OPEN, GateState.CLOSED, GateState.OPEN]


def test_a_frame_that_passes_through_was_forwarded(call: Call) -> None:
    """A pass-through decision carries no audio: the frame itself goes out."""
    call.capture(frame_of(), PASS_THROUGH)
    assert call.record.forwarded == {0}


def test_frames_released_later_were_forwarded(call: Call) -> None:
    """With the frame after them, while time passes, or on the provider's word."""
    frames = [frame_of() for _ in range(6)]
    for frame in frames[:4]:
        call.capture(frame, decision_of(frame_of(), state=GateState.CLOSED))
    call.capture(frames[4], decision_of(frames[1], frames[4]))
    call.recorder.on_decision(CALL, 0.0, None, decision_of(frames[2]))
    heard = CallerSpeechStarted(decision_of(frames[3]))
    call.recorder.on_provider_event(CALL, 0.0, heard)
    assert call.record.forwarded == {1, 2, 3, 4}
    assert len(call.record.states) == 5, "one a captured frame, none for time that passes"


def test_frames_that_left_without_their_echo_are_known_by_their_place(call: Call) -> None:
    """What leaves is then another object: the frame judged, and before it those released."""
    frames = [frame_of() for _ in range(6)]
    for frame in frames[:4]:
        call.capture(frame, decision_of(frame_of(), state=GateState.CLOSED))
    released = (frame_of(2), frame_of(3))
    onset = replace(decision_of(*released, frame_of(4)), released=released)
    call.capture(frames[4], onset)
    call.capture(frames[5], decision_of(frame_of(), state=GateState.CLOSED))
    assert call.record.forwarded == {2, 3, 4}
    late = replace(decision_of(frame_of(2), state=GateState.CLOSED), released=(frame_of(2),))
    call.recorder.on_decision(CALL, 0.0, None, late)
    assert call.record.forwarded == {2, 3, 4, 5}


def test_other_events_of_the_line_have_no_number(call: Call) -> None:
    """A key press between two frames moves nothing."""
    call.capture(frame_of(), decision_of(frame_of(), state=GateState.CLOSED))
    call.recorder.on_line_event(CALL, 0.0, LineDtmf("1"))
    frame = frame_of()
    call.capture(frame, decision_of(frame))
    assert call.record.forwarded == {1}


def test_what_the_agent_has_to_say_is_what_was_generated_less_what_was_played(call: Call) -> None:
    """Silence that keeps the line alive is not the agent's."""
    call.generate("a", 1000)
    call.play(10)
    call.recorder.on_playout(CALL, 0.0, LINE_SILENCE)
    assert call.left_ms() == 800


def test_an_agent_that_has_finished_has_nothing_to_say(call: Call) -> None:
    """Fades that were played on top are not taken off the next answer."""
    call.generate("a", 100)
    call.play(7)
    call.generate("b", 200)
    assert call.left_ms() == 200


def test_an_interruption_takes_all_that_was_left(call: Call) -> None:
    """It is told first how much that was; audio that comes late for it is not heard any more."""
    call.generate("a", 500)
    call.generate("b", 500)
    assert call.left_ms(GateEventType.INTERRUPTED) == 1000
    call.generate("a", 300)
    assert call.left_ms() == 0
    call.generate("c", 40)
    assert call.left_ms() == 40


def test_when_the_provider_heard_the_caller_is_kept(call: Call) -> None:
    """Its other events are not."""
    call.recorder.on_provider_event(CALL, 5.0, ResponseStarted("r"))
    call.recorder.on_provider_event(CALL, 7.0, CallerSpeechStarted(PASS_THROUGH))
    assert call.record.provider_speech_ms == [7.0]


def test_a_long_call_is_short_in_words() -> None:
    """A task's words hold those of its result: minutes of samples would take seconds of time."""
    record = record_of(500, agent=[(0, 500)], forwarded=[(0, 500)])
    assert len(repr(record)) < 200
    assert "caller_hangup" in repr(record)


def test_why_the_call_ended_is_kept(call: Call) -> None:
    """Before, there is a reason too: a call that the engine never took."""
    assert call.record.end_reason
    call.recorder.on_call_ended(
        CallEnded(
            call_id=CALL,
            provider="p",
            reason="provider_lost",
            detail="closed [1006]",
            duration_ms=1.0,
            gate=None,
            playout_underruns=0,
            skipped_slots=0,
        )
    )
    assert call.record.end_reason == "provider_lost: closed [1006]"
