"""One call between its gate and its sessions, without a network."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.deepgram_peer import AgentServer
from support.scripted_gate import ScriptedGate, interruption
from support.signals import tone
from voxgate.config.provider_models import DeepgramConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.errors import LocalProtocolError, ProviderError
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
)
from voxgate.providers.deepgram.client_messages import InjectionBehavior
from voxgate.providers.deepgram.conversation import Conversation
from voxgate.providers.deepgram.function_calls import MAX_WANTED
from voxgate.providers.tools import ToolSpec

NARROW = AudioFormat()
MULAW = AudioFormat(Encoding.MULAW)
FRAME = tone(20.0, 300.0).tobytes()
VOICE = tone(100.0, 500.0).tobytes()
WEATHER = ToolSpec(name="weather", description="Tells.", parameters={"type": "object"})


class Call:
    """A conversation, its gate and its server, with a clock that a test sets."""

    def __init__(
        self,
        *,
        capture: AudioFormat = NARROW,
        playout: AudioFormat = NARROW,
        greeting: str | None = None,
        hold_ms: float = 10_000,
    ) -> None:
        self.gate = ScriptedGate()
        self.server = AgentServer()
        self.now_ms = 1000.0
        self.conversation = Conversation(
            DeepgramConfig(greeting=greeting),
            call_id="call-1",
            call_audio=CallAudio(capture=capture, playout=playout),
            manager=self.gate,
            hold_ms=hold_ms,
            tools=[WEATHER],
        )

    def connect(self) -> list[ProviderEvent]:
        self.server = AgentServer()
        self.conversation.open_session()
        self.receive("Welcome", request_id="r-1")
        (settings,) = self.sent()
        assert isinstance(settings, dict)
        assert settings["type"] == "Settings"
        return self.receive("SettingsApplied")

    def receive(self, message_type: str, **fields: Any) -> list[ProviderEvent]:
        return self.receive_raw(self.server.send({"type": message_type, **fields}))

    def receive_raw(self, message: str | bytes) -> list[ProviderEvent]:
        return list(self.conversation.receive_message(message, self.now_ms))

    def begin_voice(self) -> list[ProviderEvent]:
        return self.receive(
            "AgentStartedSpeaking", total_latency=1.0, tts_latency=0.5, ttt_latency=0.5
        )

    def hear(self, text: str) -> list[ProviderEvent]:
        return [
            *self.receive("UserStartedSpeaking"),
            *self.receive("ConversationText", role="user", content=text),
        ]

    def answer(self, text: str) -> None:
        self.receive("ConversationText", role="assistant", content=text)
        self.begin_voice()
        self.receive_raw(VOICE)
        self.receive("AgentAudioDone")

    def send_frame(self, frame: bytes = FRAME) -> None:
        self.now_ms += 20.0
        self.conversation.send_frame(frame, self.now_ms)

    def sent(self) -> list[dict[str, Any] | bytes]:
        messages: list[dict[str, Any] | bytes] = []
        while (message := self.conversation.next_message(self.now_ms)) is not None:
            text = self.server.receive(message)
            messages.append(message if isinstance(message, bytes) else text or {})
        assert self.server.problems == []
        return messages

    def settings(self) -> Any:
        assert self.server.settings is not None
        return self.server.settings["agent"]


# -- the caller's audio ----------------------------------------------------------------------------


@pytest.mark.parametrize("line", [NARROW, MULAW, AudioFormat(Encoding.PCM16, 16_000)], ids=str)
def test_frames_are_sent_as_the_objects_that_they_are(line: AudioFormat) -> None:
    """Not looked into, not joined, not copied; an odd length is the line's affair too."""
    call = Call(capture=line)
    call.connect()
    frames = [bytes([number]) * (line.frame_bytes - number % 3) for number in range(50)]
    for frame in frames:
        call.send_frame(frame)
    sent = call.sent()

    assert all(one is other for one, other in zip(sent, frames, strict=True))
    assert call.gate.frames == []


def test_a_rate_that_the_vendor_does_not_know_is_resampled() -> None:
    """12 kHz becomes 16; nothing else is done to it."""
    call = Call(capture=AudioFormat(Encoding.PCM16, 12_000))
    call.connect()
    for _ in range(50):
        call.send_frame(tone(20.0, 300.0, rate_hz=12_000).tobytes())
    audio = b"".join(message for message in call.sent() if isinstance(message, bytes))

    assert 0.97 < len(audio) / (2 * 16_000) <= 1.0


def test_nothing_is_sent_for_an_empty_frame() -> None:
    """An empty binary message means something else to some servers."""
    call = Call()
    call.connect()
    call.send_frame(b"")
    assert call.sent() == []


def test_audio_waits_for_the_settings_and_is_bounded() -> None:
    """The newest 100 ms of ten frames, then what comes live."""
    call = Call(hold_ms=100.0)
    for _ in range(10):
        call.send_frame()

    assert call.connect() == [ProviderReady(False, 5, 5)]
    assert call.sent() == [FRAME] * 5


def test_audio_that_was_not_surely_sent_is_sent_again() -> None:
    """The connection broke in the middle of it; what surely went is not repeated."""
    call = Call()
    call.connect()
    call.send_frame(b"one" * 10)
    call.send_frame(b"two" * 10)
    assert [call.conversation.next_message(0.0), call.conversation.next_message(0.0)] == [
        b"one" * 10,
        b"two" * 10,
    ]
    call.conversation.lose_session(call.now_ms)

    assert call.connect() == [ProviderReady(True, 1, 0)]
    assert call.sent() == [b"two" * 10]


def test_what_was_surely_sent_is_confirmed_and_says_whether_more_may_follow() -> None:
    """So that nobody asks for a message in vain after each frame."""
    call = Call()
    assert not call.conversation.confirm_sent()
    call.connect()
    call.send_frame(b"one" * 10)
    call.send_frame(b"two" * 10)
    assert call.conversation.next_message(0.0) == b"one" * 10
    assert call.conversation.confirm_sent()
    assert call.conversation.next_message(0.0) == b"two" * 10
    assert not call.conversation.confirm_sent()
    call.conversation.lose_session(call.now_ms)
    assert call.connect() == [ProviderReady(True, 0, 0)]
    assert call.sent() == []


# -- the agent's voice -----------------------------------------------------------------------------


def test_the_voice_passes_as_the_objects_that_come() -> None:
    """With its answer around it, and its duration at the gate."""
    call = Call()
    call.connect()
    assert call.begin_voice() == [ResponseStarted("response-1")]
    (heard,) = call.receive_raw(VOICE)
    assert isinstance(heard, AgentAudio)
    assert heard.audio is VOICE
    assert call.gate.speaking == [(True, 100.0)]

    assert call.receive("AgentAudioDone") == [
        AgentAudioDone("item-1"),
        ResponseDone("response-1", "completed"),
    ]
    assert not call.gate.is_agent_speaking


def test_an_answer_that_nobody_announces_begins_with_its_voice() -> None:
    """And the next one after its end."""
    call = Call()
    call.connect()
    assert call.receive_raw(VOICE) == [ResponseStarted("response-1"), AgentAudio("item-1", VOICE)]
    call.receive("AgentAudioDone")
    assert call.receive("AgentAudioDone") == []

    assert call.receive_raw(VOICE) == [ResponseStarted("response-2"), AgentAudio("item-2", VOICE)]


def test_a_line_with_a_rate_of_its_own_gets_that() -> None:
    """Also where a chunk ends within a sample."""
    call = Call(playout=AudioFormat(Encoding.PCM16, 12_000))
    call.connect()
    voice = tone(400.0, 500.0, rate_hz=16_000).tobytes()
    events = [
        event
        for start in range(0, len(voice), 333)
        for event in call.receive_raw(voice[start : start + 333])
    ]
    audio = b"".join(event.audio for event in events if isinstance(event, AgentAudio))
    heard = decode(audio, NARROW)

    assert 0.9 < len(heard) / (12_000 * 0.4) <= 1.0
    assert np.abs(heard[200:]).max() == pytest.approx(np.abs(tone(400.0, 500.0)).max(), rel=0.05)


def test_an_interruption_cuts_off_what_waits_and_what_still_comes() -> None:
    """Up to the end of the answer; the next one is heard."""
    call = Call()
    call.connect()
    events = [*call.receive_raw(VOICE), *call.receive_raw(VOICE)]
    assert [call.conversation.deliver(event) for event in events[:2]] == [True, True]
    call.conversation.interrupt(call.now_ms)
    assert not call.gate.is_agent_speaking
    assert not call.conversation.deliver(events[2])
    assert call.receive_raw(VOICE) == []
    done, ended = call.receive("AgentAudioDone")
    assert not call.conversation.deliver(done)
    assert ended == ResponseDone("response-1", "cancelled")
    assert call.conversation.counts["audio_after_interruption"] == 1

    assert call.receive_raw(VOICE)[-1] == AgentAudio("item-2", VOICE)


# -- turns -----------------------------------------------------------------------------------------


def test_the_caller_s_speech_is_reported_with_the_gate_s_word() -> None:
    """The vendor does not say when it began."""
    call = Call()
    call.connect()
    decision = interruption()
    call.gate.speech_decisions.append(decision)

    (started,) = call.receive("UserStartedSpeaking")
    assert started == CallerSpeechStarted(decision, None)
    assert call.receive("ConversationText", role="user", content="Hm.") == [CallerSpeechStopped()]
    assert call.gate.heard == ["started", "stopped"]
    assert call.gate.speech_starts == [None]


@pytest.mark.parametrize(
    ("message_type", "fields"),
    [
        ("ConversationText", {"role": "user", "content": "Hi"}),
        ("AgentThinking", {"content": "hm"}),
        ("FunctionCallRequest", {"functions": []}),
        (
            "AgentStartedSpeaking",
            {"total_latency": 1.0, "tts_latency": 0.1, "ttt_latency": 0.1},
        ),
    ],
)
def test_a_turn_ends_with_the_first_sign_that_the_server_is_past_it(
    message_type: str, fields: dict[str, Any]
) -> None:
    """The protocol has no message for it; it ends once."""
    call = Call()
    call.connect()
    call.receive("UserStartedSpeaking")
    assert CallerSpeechStopped() in call.receive(message_type, **fields)
    assert CallerSpeechStopped() not in call.receive(message_type, **fields)


def test_a_turn_ends_with_the_agent_s_voice_too() -> None:
    """If nothing else came before."""
    call = Call()
    call.connect()
    call.receive("UserStartedSpeaking")
    assert call.receive_raw(VOICE)[0] == CallerSpeechStopped()


def test_a_barge_in_ends_the_answer_and_what_of_it_was_on_its_way() -> None:
    """The server has stopped by itself; residue is not taken for the next answer."""
    call = Call()
    call.connect()
    call.receive_raw(VOICE)
    started, *ended = call.receive("UserStartedSpeaking")
    assert isinstance(started, CallerSpeechStarted)
    assert ended == [AgentAudioDone("item-1"), ResponseDone("response-1", "cancelled")]
    assert not call.gate.is_agent_speaking
    assert call.receive_raw(VOICE) == []
    call.receive("ConversationText", role="user", content="Stop.")

    assert call.receive_raw(VOICE)[-1] == AgentAudio("item-2", VOICE)


def test_an_interruption_that_comes_late_does_not_cut_the_answer_to_it() -> None:
    """A slow engine learns of the barge-in when the next answer is there already."""
    call = Call()
    call.connect()
    events = [
        *call.receive_raw(VOICE),
        *call.hear("Stop."),
        *call.receive_raw(VOICE),
    ]
    heard = []
    for event in events:
        if call.conversation.deliver(event):
            heard.append(event)
            if isinstance(event, CallerSpeechStarted):
                call.conversation.interrupt(call.now_ms)

    assert [event.item_id for event in heard if isinstance(event, AgentAudio)] == [
        "item-1",
        "item-2",
    ]
    assert AgentAudioDone("item-1") not in heard
    assert call.gate.is_agent_speaking


# -- functions -------------------------------------------------------------------------------------


def _request(call: Call, call_id: str = "c-1") -> None:
    function = {"id": call_id, "name": "weather", "arguments": "{}", "client_side": True}
    call.receive("FunctionCallRequest", functions=[function])


def test_the_result_of_a_function_goes_to_the_session_that_asked() -> None:
    """And into what the next session is told."""
    call = Call()
    call.connect()
    assert [function["name"] for function in call.settings()["think"]["functions"]] == ["weather"]
    _request(call)
    request = call.conversation.functions.next_requested()
    assert request is not None
    call.conversation.receive_function_result(request, '"sun"')

    assert call.sent() == [
        {"type": "FunctionCallResponse", "id": "c-1", "name": "weather", "content": '"sun"'}
    ]


def test_more_calls_than_any_conversation_needs_are_counted() -> None:
    """And not made; the call goes on."""
    call = Call()
    call.connect()
    assert call.conversation.is_ready
    functions = [
        {"id": f"c-{number}", "name": "weather", "arguments": "{}", "client_side": True}
        for number in range(MAX_WANTED + 44)
    ]
    call.receive("FunctionCallRequest", functions=functions)

    assert call.conversation.counts["functions_refused"] == 44


def test_a_result_that_nobody_waits_for_is_not_sent() -> None:
    """Taken back, or asked for by a session that is gone."""
    call = Call()
    call.connect()
    _request(call)
    taken_back = call.conversation.functions.next_requested()
    assert taken_back is not None
    call.receive("FunctionCallCancelled", functions=[{"id": "c-1", "name": "weather"}])
    call.conversation.receive_function_result(taken_back, '"sun"')
    _request(call, "c-2")
    orphan = call.conversation.functions.next_requested()
    assert orphan is not None
    call.conversation.lose_session(call.now_ms)
    call.connect()
    call.conversation.receive_function_result(orphan, '"rain"')

    assert call.sent() == []
    assert call.conversation.counts["function_results_too_late"] == 2


# -- sessions --------------------------------------------------------------------------------------


def test_the_caller_is_greeted_once_and_the_next_session_knows_what_was_said() -> None:
    """In the vendor's shapes; an aside is no turn."""
    call = Call(greeting="Hello!")
    call.connect()
    assert call.settings()["greeting"] == "Hello!"
    call.answer("Hello!")
    call.hear("Good morning.")
    call.receive(
        "ConversationText", role="assistant", content="Mhm", conversational_behavior="backchannel"
    )
    call.answer("How can I help?")
    call.conversation.lose_session(call.now_ms)
    call.connect()

    assert "greeting" not in call.settings()
    assert call.settings()["context"]["messages"] == [
        {"type": "History", "role": "assistant", "content": "Hello!"},
        {"type": "History", "role": "user", "content": "Good morning."},
        {"type": "History", "role": "assistant", "content": "How can I help?"},
    ]
    assert call.sent() == []


def test_a_question_that_was_lost_with_its_session_is_asked_again() -> None:
    """Once the settings hold; what the server says of it is not taken for a second question."""
    call = Call()
    call.connect()
    call.hear("What's the time?")
    call.conversation.lose_session(call.now_ms)
    call.connect()
    assert "context" not in call.settings()
    assert call.sent() == [{"type": "InjectUserMessage", "content": "What's the time?"}]
    call.receive("ConversationText", role="user", content="What's the time?")
    call.answer("Noon.")
    call.conversation.lose_session(call.now_ms)
    call.connect()

    assert [message["content"] for message in call.settings()["context"]["messages"]] == [
        "What's the time?",
        "Noon.",
    ]


def test_a_lost_session_fails_its_answer_and_ends_its_turn() -> None:
    """Nobody is left waiting."""
    call = Call()
    call.connect()
    call.receive_raw(VOICE)
    assert call.conversation.lose_session(call.now_ms) == (
        AgentAudioDone("item-1"),
        ResponseDone("response-1", "failed"),
    )
    assert not call.gate.is_agent_speaking
    call.connect()
    call.receive("UserStartedSpeaking")
    assert call.conversation.lose_session(call.now_ms) == ()
    assert call.gate.heard == ["started", "stopped"]


def test_what_comes_before_the_settings_hold_is_counted_and_left_out() -> None:
    """Voice and turns of a server that is ahead of itself."""
    call = Call()
    call.conversation.open_session()
    assert call.receive_raw(VOICE) == []
    assert call.receive("UserStartedSpeaking") == []
    assert call.conversation.counts["events_before_ready"] == 2
    assert call.gate.heard == []


def test_a_sign_of_life_is_sent_after_8_s_without_audio_and_not_before() -> None:
    """The deadline moves with each frame."""
    call = Call()
    assert call.conversation.next_deadline_ms() is None
    call.connect()
    call.now_ms += 5000.0
    call.send_frame()
    call.sent()
    sent_ms = call.now_ms
    assert call.conversation.next_deadline_ms() == sent_ms + 8000.0
    call.conversation.handle_deadline(sent_ms + 7999.0)
    assert call.sent() == []
    call.conversation.handle_deadline(sent_ms + 8000.0)

    assert call.sent() == [{"type": "KeepAlive"}]
    assert call.conversation.next_deadline_ms() == sent_ms + 16_000.0


def _expire(call: Call) -> list[ProviderEvent]:
    return call.receive(
        "Warning", code="MAXIMUM_SESSION_LENGTH_APPROACHING", description="5 minutes"
    )


def test_a_session_that_expires_is_replaced_between_two_turns() -> None:
    """Not while the agent speaks, nor while the caller waits for an answer."""
    call = Call()
    call.connect()
    call.hear("A question?")
    assert _expire(call) == []
    expired_ms = call.now_ms
    call.conversation.handle_deadline(expired_ms + 60_000.0)
    call.receive_raw(VOICE)
    call.conversation.handle_deadline(expired_ms + 60_000.0)
    call.receive("AgentAudioDone")
    assert call.conversation.next_deadline_ms() == 0.0

    with pytest.raises(ProviderError) as caught:
        call.conversation.handle_deadline(expired_ms + 60_000.0)
    assert (caught.value.code, caught.value.retryable) == ("session_renewed", True)


def test_a_session_that_expires_is_replaced_in_time_in_any_case() -> None:
    """A minute before the server would end it."""
    call = Call()
    call.connect()
    call.receive("UserStartedSpeaking")
    _expire(call)
    renew_ms = call.now_ms + 240_000.0
    call.conversation.handle_deadline(renew_ms - 1.0)

    with pytest.raises(ProviderError, match="session_renewed"):
        call.conversation.handle_deadline(renew_ms)


def test_the_agent_can_be_told_what_to_say() -> None:
    """A refusal is a warning."""
    call = Call()
    with pytest.raises(LocalProtocolError, match="no session"):
        call.conversation.inject("Hello", InjectionBehavior.DEFAULT)
    call.connect()
    call.conversation.inject("One moment.", InjectionBehavior.QUEUE)
    assert call.sent() == [
        {"type": "InjectAgentMessage", "message": "One moment.", "behavior": "queue"}
    ]
    (warning,) = call.receive("InjectionRefused", message="SECRET")

    assert isinstance(warning, ProviderWarning)
    assert warning.error.code == "injection_refused"


def test_without_a_session_there_is_nothing_to_send_and_nothing_to_take() -> None:
    """Nor anything due."""
    call = Call()
    assert call.conversation.next_message(0.0) is None
    call.conversation.handle_deadline(1e9)
    call.conversation.interrupt(0.0)
    with pytest.raises(LocalProtocolError, match="no session was opened"):
        call.receive_raw("{}")


def test_other_events_are_delivered_as_they_are() -> None:
    """The end among them."""
    assert Call().conversation.deliver(ProviderEnded())


# -- whatever comes --------------------------------------------------------------------------------

_STEPS = st.sampled_from(
    [
        b"\x01" * 160,
        '{"type":"UserStartedSpeaking"}',
        '{"type":"ConversationText","role":"user","content":"q"}',
        '{"type":"ConversationText","role":"assistant","content":"a"}',
        '{"type":"AgentThinking"}',
        '{"type":"AgentStartedSpeaking"}',
        '{"type":"AgentAudioDone"}',
        '{"type":"Warning","code":"SLOW_THINK_REQUEST"}',
        '{"type":"FunctionCallRequest","functions":[{"id":"c","name":"weather"}]}',
        '{"type":"FunctionCallCancelled","functions":[{"id":"c"}]}',
        "interrupt",
        "lose",
    ]
)


@settings(max_examples=200)
@given(st.lists(_STEPS, max_size=40))
def test_whatever_order_messages_come_in_the_events_make_sense(steps: list[str | bytes]) -> None:
    """Each answer starts and ends once, one at a time; audio belongs to the one under way; turns
    begin before they end; the gate's word on the agent follows."""
    call = Call()
    call.connect()
    events: list[ProviderEvent] = []
    for step in steps:
        if step == "interrupt":
            call.conversation.interrupt(call.now_ms)
        elif step == "lose":
            events += call.conversation.lose_session(call.now_ms)
            call.connect()
        else:
            events += call.receive_raw(step)
    events += call.conversation.lose_session(call.now_ms)

    under_way: str | None = None
    for event in events:
        match event:
            case ResponseStarted(response_id):
                assert under_way is None
                under_way = response_id.removeprefix("response-")
            case AgentAudio(item_id) | AgentAudioDone(item_id):
                assert item_id == f"item-{under_way}"
            case ResponseDone(response_id):
                assert response_id == f"response-{under_way}"
                under_way = None
    assert under_way is None
    assert not call.gate.is_agent_speaking
    assert call.gate.heard[-1:] in ([], ["stopped"])
    json.dumps(dict(call.conversation.counts))
