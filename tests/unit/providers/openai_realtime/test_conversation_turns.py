"""One call: turns that we find ourselves, functions over lost sessions, and when to renew."""

from __future__ import annotations

import dataclasses
import json
from base64 import b64decode
from typing import Any

import pytest

from support.realtime_peer import judge_client_event
from support.scripted_gate import ScriptedGate, decision_of, interruption
from voxgate.config.provider_models import (
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.gate_decision import GateReason
from voxgate.providers.base import (
    CallAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    FunctionReturned,
    ProviderEvent,
)
from voxgate.providers.openai_realtime.conversation import Conversation

MULAW = AudioFormat(Encoding.MULAW)
SPEECH, SILENCE, ECHO = (
    GateReason.CALLER_SPEECH,
    GateReason.LINE_SILENCE,
    GateReason.AGENT_AUDIBLE,
)
FUNCTION = {"type": "function_call", "call_id": "f1", "name": "look", "arguments": "{}"}


class Call:
    """A conversation, its gate and its time."""

    def __init__(self, **detection: Any) -> None:
        detection = {"type": TurnDetectionType.NONE, "silence_duration_ms": 200, **detection}
        self.gate = ScriptedGate()
        self.now_ms = 0.0
        self.n_frames = 0
        self.conversation = Conversation(
            OpenAIRealtimeConfig(greeting=None, turn_detection=TurnDetectionConfig(**detection)),
            call_id="call-1",
            call_audio=CallAudio(capture=MULAW, playout=MULAW),
            manager=self.gate,
            hold_ms=10_000,
        )

    def connect(self) -> Call:
        self.conversation.open_session()
        self.receive("session.created")
        self.receive("session.updated", session=self.sent()[-1]["session"])
        return self

    def receive(self, event_type: str, **fields: Any) -> list[ProviderEvent]:
        message = json.dumps({"type": event_type, **fields})
        return list(self.conversation.receive_message(message, self.now_ms))

    def say(self, reason: GateReason, duration_ms: int) -> None:
        """Send frames that are told apart by their bytes, 20 ms each."""
        for _ in range(duration_ms // 20):
            self.now_ms += 20.0
            frame = bytes([self.n_frames % 256]) * 160
            self.n_frames += 1
            decided = dataclasses.replace(decision_of(frame), reason=reason)
            self.gate.frame_decisions.append(decided)
            self.conversation.process(frame, self.now_ms)

    def events(self) -> list[ProviderEvent]:
        events = []
        while (event := self.conversation.next_event()) is not None:
            events.append(event)
        return events

    def sent(self) -> list[dict[str, Any]]:
        events = []
        while (message := self.conversation.next_message(self.now_ms)) is not None:
            events.append(json.loads(message))
            judge_client_event(events[-1])
        return events

    def call_function(self) -> None:
        """Have the model call a function, and take it as the shell does."""
        self.receive("response.created", response={"id": "r1"})
        self.receive("response.done", response={"id": "r1", "output": [FUNCTION]})

    def return_function(self) -> None:
        request = self.conversation.next_function()
        assert request is not None
        self.conversation.return_function(request, "true")


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events if event["type"] != "input_audio_buffer.append"]


def frames(events: list[dict[str, Any]]) -> list[int]:
    """Return the numbers of the frames that were appended."""
    audio = [b64decode(e["audio"]) for e in events if e["type"] == "input_audio_buffer.append"]
    return [chunk[0] for chunk in audio]


def test_a_turn_is_sent_with_its_padding_and_committed_behind_its_audio() -> None:
    """300 ms from before it counted as speech, to the frame before the silence was long enough."""
    call = Call().connect()
    call.say(SILENCE, 1000)
    assert call.sent() == []
    call.say(SPEECH, 400)
    call.say(SILENCE, 1000)
    events = call.sent()

    assert types(events) == ["input_audio_buffer.commit", "response.create"]
    assert [event["type"] for event in events[-2:]] == types(events)
    assert frames(events) == list(range(50 + 4 - 15, 50 + 20 + 9))
    assert call.gate.heard == ["started", "stopped"]
    began, ended = call.events()
    assert isinstance(began, CallerSpeechStarted)
    assert began.capture_ms == 1000.0
    assert ended == CallerSpeechStopped(1400.0)


def test_a_turn_that_nobody_is_to_answer_is_committed_only() -> None:
    """An engine of one's own asks for the answer."""
    call = Call(create_response=False).connect()
    call.say(SPEECH, 400)
    call.say(SILENCE, 400)

    assert types(call.sent()) == ["input_audio_buffer.commit"]


def test_a_turn_over_the_agent_interrupts_by_the_gate_s_word() -> None:
    """The gate is told as by a server, and what it says goes to the engine."""
    call = Call().connect()
    call.gate.speech_decisions.append(interruption())
    call.say(SPEECH, 400)
    (began,) = call.events()

    assert isinstance(began, CallerSpeechStarted)
    assert began.decision == interruption()


def test_a_turn_in_an_outage_is_committed_in_the_next_session() -> None:
    """What the caller said was held."""
    call = Call().connect()
    call.conversation.lose_session(call.now_ms)
    call.say(SPEECH, 400)
    call.say(SILENCE, 400)
    call.conversation.open_session()
    call.receive("session.created")
    call.sent()
    call.receive("session.updated")

    assert types(call.sent()) == ["input_audio_buffer.commit", "response.create"]


def test_the_end_of_a_turn_does_not_wait_for_frames() -> None:
    """A line with silence suppression sends none."""
    call = Call().connect()
    call.say(SPEECH, 400)
    call.now_ms += 200.0
    call.conversation.advance(call.now_ms)

    assert types(call.sent()) == ["input_audio_buffer.commit", "response.create"]


def test_a_function_that_returns_in_an_outage_is_told_to_the_next_session() -> None:
    """Call and result, as it knows neither; then the model answers."""
    call = Call().connect()
    call.call_function()
    call.conversation.lose_session(call.now_ms)
    call.return_function()
    assert call.events() == [FunctionReturned(function_call_id="f1", name="look")]
    call.conversation.open_session()
    call.receive("session.created")
    call.sent()
    call.receive("session.updated")
    events = call.sent()

    assert types(events) == [*["conversation.item.create"] * 3, "response.create"]
    assert [event["item"]["type"] for event in events[:3]] == [
        "message",
        "function_call",
        "function_call_output",
    ]


def test_a_session_is_renewed_when_it_is_old() -> None:
    """Counted from its own beginning."""
    call = Call().connect()
    call.say(SILENCE, 20)
    due_ms = 3_300_000.0
    assert not call.conversation.is_renewal_due(due_ms - 1)
    assert call.conversation.is_renewal_due(due_ms)
    call.conversation.postpone_renewal(due_ms)
    assert not call.conversation.is_renewal_due(due_ms + 29_999)
    assert call.conversation.is_renewal_due(due_ms + 30_000)

    call.now_ms = due_ms
    call.conversation.lose_session(call.now_ms)
    assert not call.conversation.is_renewal_due(due_ms + 60_000), "there is no session to renew"
    call.connect()
    assert not call.conversation.is_renewal_due(due_ms + 60_000)


@pytest.mark.parametrize("reason", [SPEECH, ECHO, GateReason.BARGE_IN, GateReason.HANGOVER])
def test_nobody_is_cut_off_by_a_renewal(reason: GateReason) -> None:
    """Neither the caller nor the agent."""
    call = Call().connect()
    call.say(reason, 20)

    assert not call.conversation.is_renewal_due(4e6)


def test_what_is_under_way_is_waited_for() -> None:
    """A turn, an answer, a function, and the answer to it."""
    call = Call().connect()
    call.say(SILENCE, 20)
    call.receive("response.created", response={"id": "r1"})
    assert not call.conversation.is_renewal_due(4e6)
    call.receive("response.done", response={"id": "r1", "output": [FUNCTION]})
    assert not call.conversation.is_renewal_due(4e6), "a function runs"
    call.return_function()
    assert not call.conversation.is_renewal_due(4e6), "the model is to answer"
    call.sent()
    assert not call.conversation.is_renewal_due(4e6), "it was asked to"
    call.receive("response.created", response={"id": "r2"})
    call.receive("response.done", response={"id": "r2"})
    assert call.conversation.is_renewal_due(4e6)

    call.say(SPEECH, 400)
    call.say(SILENCE, 40)
    assert not call.conversation.is_renewal_due(4e6), "the turn has not ended"
