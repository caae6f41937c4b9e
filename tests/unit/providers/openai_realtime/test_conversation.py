"""One call between its gate and its sessions, without a network."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pytest

from support.realtime_peer import judge_client_event
from support.scripted_gate import ScriptedGate, decision_of, interruption
from support.signals import tone
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.core.gate_decision import PASS_THROUGH
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
    ResponseDone,
    ResponseStarted,
)
from voxgate.providers.openai_realtime.conversation import Conversation
from voxgate.providers.openai_realtime.server_events import FunctionRequest

NARROW = AudioFormat()
MULAW = AudioFormat(Encoding.MULAW)
WIDE_WIRE = AudioFormat(Encoding.PCM16, 24_000)
FRAME = tone(20.0, 300.0).tobytes()
VOICE = encode(tone(100.0, 500.0), MULAW)


class Call:
    """A conversation and its gate, with a clock that a test sets."""

    def __init__(
        self,
        *,
        capture: AudioFormat = NARROW,
        playout: AudioFormat = NARROW,
        greeting: str | None = None,
        hold_ms: float = 10_000,
    ) -> None:
        self.gate = ScriptedGate()
        self.now_ms = 1000.0
        self.conversation = Conversation(
            OpenAIRealtimeConfig(greeting=greeting),
            call_id="call-1",
            call_audio=CallAudio(capture=capture, playout=playout),
            manager=self.gate,
            hold_ms=hold_ms,
        )

    def connect(self) -> list[ProviderEvent]:
        self.conversation.open_session()
        self.receive("session.created")
        update = self.sent()[-1]
        assert update["type"] == "session.update"
        return self.receive("session.updated", session=update["session"])

    def receive(self, event_type: str, **fields: Any) -> list[ProviderEvent]:
        message = json.dumps({"type": event_type, **fields})
        return list(self.conversation.receive_message(message, self.now_ms))

    def receive_voice(self, item_id: str = "i1", audio: bytes = VOICE) -> list[ProviderEvent]:
        delta = b64encode(audio).decode()
        return self.receive(
            "response.output_audio.delta", response_id="r1", item_id=item_id, delta=delta
        )

    def send_frame(self, frame: bytes = FRAME) -> None:
        self.now_ms += 20.0
        self.conversation.process(frame, self.now_ms)

    def sent(self) -> list[dict[str, Any]]:
        messages = []
        while (message := self.conversation.next_message(self.now_ms)) is not None:
            messages.append(json.loads(message))
            judge_client_event(messages[-1])
        return messages

    def sent_audio(self) -> list[bytes]:
        return [b64decode(event["audio"]) for event in self.sent() if "audio" in event]


def test_each_decision_is_one_append_of_what_the_gate_said() -> None:
    """The gate gets the frame and the time; released frames and the live one go out together."""
    call = Call()
    call.connect()
    older, live = tone(20.0, 400.0).tobytes(), FRAME
    decision = decision_of(older, live, n_released=1)
    call.gate.frame_decisions.append(decision)

    assert call.conversation.process(live, 1234.0) is decision
    assert call.gate.frames == [("call-1", live, 1234.0)]
    assert call.sent_audio() == [encode(decode(older + live, NARROW), MULAW)]


def test_a_frame_that_passes_through_is_sent_as_it_is() -> None:
    """With the gate off for this provider, the decision carries no audio, the frame does."""
    call = Call(capture=MULAW)
    call.connect()
    call.gate.frame_decisions.append(PASS_THROUGH)
    call.conversation.process(b"\x55" * 160, 1.0)

    assert call.sent_audio() == [b"\x55" * 160]


def test_a_withheld_frame_sends_nothing() -> None:
    """No empty appends."""
    call = Call()
    call.connect()
    call.gate.frame_decisions.append(decision_of())
    call.conversation.process(FRAME, 1.0)

    assert call.sent() == []


def test_what_was_surely_sent_is_confirmed_and_says_whether_more_may_follow() -> None:
    """So that nobody asks for a message in vain after each frame."""
    call = Call()
    assert not call.conversation.confirm_sent()
    call.connect()
    call.send_frame()
    call.send_frame()
    assert call.conversation.next_message(call.now_ms) is not None
    assert call.conversation.confirm_sent()
    assert call.conversation.next_message(call.now_ms) is not None
    assert not call.conversation.confirm_sent()
    call.conversation.lose_session(call.now_ms)
    call.connect()
    assert call.sent_audio() == []


def test_there_is_work_as_long_as_something_is_to_be_sent_confirmed_or_told() -> None:
    """And none in most slots, so that nobody is woken for nothing."""
    call = Call()
    assert not call.conversation.has_work(call.now_ms)
    call.connect()
    assert not call.conversation.has_work(call.now_ms)
    call.send_frame()
    assert call.conversation.has_work(call.now_ms)
    assert call.conversation.next_message(call.now_ms) is not None
    assert call.conversation.has_work(call.now_ms)
    assert call.conversation.next_message(call.now_ms) is None
    assert not call.conversation.has_work(call.now_ms)
    request = FunctionRequest(response_id="r1", function_call_id="f1", name="find", arguments="{}")
    call.conversation.return_function(request, "found")
    assert call.conversation.has_work(call.now_ms)
    assert call.sent()[0]["type"] == "conversation.item.create"
    assert call.conversation.has_work(call.now_ms)
    assert call.conversation.next_event() is not None
    assert not call.conversation.has_work(call.now_ms)
    assert call.conversation.has_work(call.now_ms + 3_600_000)


def test_time_without_frames_sends_what_the_gate_says() -> None:
    """Idle fill reaches the provider's turn detector."""
    call = Call()
    call.connect()
    silence = NARROW.silence(320)
    call.gate.idle_decisions.append(decision_of(silence))

    assert call.conversation.advance(1.0).audio == (silence,)
    assert call.conversation.advance(2.0).audio == ()
    assert call.sent_audio() == [MULAW.silence(160)]


@pytest.mark.parametrize("encoding", [Encoding.MULAW, Encoding.ALAW])
def test_g711_lines_pass_bytes_both_ways(encoding: Encoding) -> None:
    """What the line speaks is what the provider hears and says."""
    line = AudioFormat(encoding)
    call = Call(capture=line, playout=line)
    call.connect()
    call.send_frame(bytes(range(160)))

    assert call.sent_audio() == [bytes(range(160))]
    assert call.receive_voice(audio=VOICE)[-1] == AgentAudio("i1", VOICE)


def test_wide_lines_speak_24_khz_in_full_length_at_once() -> None:
    """A 16 kHz line loses nothing above 4 kHz, and 20 ms stay 20 ms."""
    line = AudioFormat(Encoding.PCM16, 16_000)
    call = Call(capture=line, playout=line)
    call.conversation.open_session()
    call.receive("session.created")
    (update,) = call.sent()
    assert update["session"]["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    call.receive("session.updated")
    call.send_frame(line.silence(line.frame_bytes))

    assert [len(audio) for audio in call.sent_audio()] == [WIDE_WIRE.frame_bytes]
    events = call.receive_voice(audio=WIDE_WIRE.silence(WIDE_WIRE.frame_bytes))
    assert events[-1] == AgentAudio("i1", line.silence(line.frame_bytes))


def test_playout_may_have_another_format_than_capture() -> None:
    """Each direction is negotiated for itself."""
    call = Call(capture=MULAW, playout=AudioFormat(Encoding.PCM16, 16_000))
    call.conversation.open_session()
    call.receive("session.created")
    (update,) = call.sent()
    audio = update["session"]["audio"]

    assert audio["input"]["format"] == {"type": "audio/pcmu"}
    assert audio["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}


def test_odd_chunks_of_voice_lose_no_sample() -> None:
    """A server may cut its deltas in the middle of a sample."""
    call = Call(playout=WIDE_WIRE)
    line = AudioFormat(Encoding.PCM16, 48_000)
    call = Call(playout=line)
    call.connect()
    wire = np.random.default_rng(3).integers(-9000, 9000, 960, np.int16).tobytes()
    pieces = [wire[:7], wire[7:8], wire[8:1001], wire[1001:]]
    events = [event for piece in pieces for event in call.receive_voice(audio=piece)]
    played = b"".join(event.audio for event in events if isinstance(event, AgentAudio))

    assert len(played) == 2 * len(wire)
    assert all(event.audio for event in events if isinstance(event, AgentAudio))


def test_each_item_begins_with_a_fresh_converter() -> None:
    """Half a sample, or a filter's tail, of one item is no part of the next."""
    call = Call(playout=AudioFormat(Encoding.PCM16, 16_000))
    call.connect()
    call.receive_voice("i1", np.full(480, 20_000, np.int16).tobytes() + b"\x01")
    events = call.receive_voice("i2", WIDE_WIRE.silence(960))

    assert events == [AgentAudio("i2", bytes(640))]


def test_the_gate_hears_of_the_agent_s_voice_with_its_duration() -> None:
    """True with each piece and its ms, False when all of it was generated."""
    call = Call()
    call.connect()
    call.receive_voice()
    call.receive_voice(audio=VOICE[:400])
    assert call.gate.speaking == [(True, 100.0), (True, 50.0)]

    call.receive("response.output_audio.done", item_id="i1")
    assert call.gate.speaking[-1] == (False, 0.0)
    call.receive("response.done", response={"id": "r1", "status": "completed"})
    assert len(call.gate.speaking) == 3, "said once"


def test_the_end_of_an_answer_is_the_end_of_speaking() -> None:
    """For servers that leave the end of the audio out."""
    call = Call()
    call.connect()
    call.receive_voice()
    events = call.receive("response.done", response={"id": "r1", "status": "completed"})

    assert events == [AgentAudioDone("i1"), ResponseDone("r1", "completed")]
    assert not call.gate.is_agent_speaking


def test_late_voice_does_not_leave_the_agent_speaking() -> None:
    """After the end of its answer no event would come to say that it is over."""
    call = Call()
    call.connect()
    call.receive_voice()
    call.receive("response.done", response={"id": "r1", "status": "completed"})
    events = call.receive_voice()

    assert [type(event) for event in events] == [AgentAudio, AgentAudioDone]
    assert not call.gate.is_agent_speaking


def test_speech_reports_go_through_the_gate() -> None:
    """What the gate makes of it is in the event, and what it sends is sent."""
    call = Call()
    call.connect()
    for _ in range(10):
        call.send_frame()
    call.sent()
    call.gate.speech_decisions.append(interruption())
    (started,) = call.receive("input_audio_buffer.speech_started", audio_start_ms=100)
    (stopped,) = call.receive("input_audio_buffer.speech_stopped", audio_end_ms=200)

    assert isinstance(started, CallerSpeechStarted)
    assert [event.type for event in started.decision.events] == ["interrupted"]
    assert started.capture_ms == pytest.approx(1100.0, abs=1.0)
    assert stopped == CallerSpeechStopped(pytest.approx(1200.0, abs=1.0))  # type: ignore[arg-type]
    assert call.gate.heard == ["started", "stopped"]
    assert call.gate.speech_starts == [started.capture_ms]
    assert call.sent() == []


def test_a_turn_without_a_start_time_reaches_the_gate_without_one() -> None:
    """Not every server says it."""
    call = Call()
    call.connect()
    call.receive("input_audio_buffer.speech_started")

    assert call.gate.speech_starts == [None]


def test_an_open_turn_ends_with_its_session() -> None:
    """The next session would never report its end; a turn that has ended does not end again."""
    call = Call()
    call.connect()
    call.receive("input_audio_buffer.speech_started", audio_start_ms=0)
    call.conversation.lose_session(call.now_ms)
    assert call.gate.heard == ["started", "stopped"]

    call.connect()
    call.conversation.lose_session(call.now_ms)
    assert call.gate.heard == ["started", "stopped"]


def test_an_interruption_stops_the_agent_at_the_server_and_at_the_gate() -> None:
    """Cancelled, truncated, no longer speaking; deltas that follow are nobody's."""
    call = Call()
    call.connect()
    (_, voice) = call.receive_voice()
    assert call.conversation.deliver(voice)
    call.conversation.interrupt({"i1": 61.5}, call.now_ms)

    cancel, truncate = call.sent()
    assert (cancel["type"], truncate["audio_end_ms"]) == ("response.cancel", 61)
    assert not call.gate.is_agent_speaking
    assert call.receive_voice() == []
    assert not call.gate.is_agent_speaking


def test_requests_overtake_audio_that_waits() -> None:
    """An interruption is not queued behind seconds of held audio."""
    call = Call()
    call.connect()
    call.receive_voice()
    for _ in range(50):
        call.send_frame()
    call.conversation.interrupt({"i1": 10.0}, call.now_ms)

    assert [event["type"] for event in call.sent()[:3]] == [
        "response.cancel",
        "conversation.item.truncate",
        "input_audio_buffer.append",
    ]


def test_voice_that_waits_for_the_engine_is_dropped_by_an_interruption() -> None:
    """Playout was flushed: what was in the queue then must not be played after it."""
    call = Call()
    call.connect()
    started, first = call.receive_voice()
    (second,) = call.receive_voice()
    (unseen,) = call.receive_voice("i2")
    call.conversation.deliver(started)
    call.conversation.deliver(first)
    call.conversation.interrupt({"i1": 20.0}, call.now_ms)

    assert not call.conversation.deliver(second)
    assert not call.conversation.deliver(unseen)
    assert not call.conversation.deliver(AgentAudioDone("i1"))
    assert call.conversation.deliver(ResponseDone("r1", "cancelled"))
    assert call.conversation.deliver(ProviderEnded())
    truncations = {e["item_id"]: e["audio_end_ms"] for e in call.sent() if "item_id" in e}
    assert truncations == {"i1": 20, "i2": 0}


def test_audio_before_the_session_waits_for_it() -> None:
    """The caller may speak while we connect; the gate judges all the same."""
    call = Call()
    for _ in range(3):
        call.send_frame()
    assert call.sent() == []

    assert call.connect() == [ProviderReady(False, held_frames=3)]
    assert len(call.sent_audio()) == 3
    assert len(call.gate.frames) == 3


def test_held_audio_keeps_its_time() -> None:
    """Sent seconds later in a new session, it is still of the time at which it was captured."""
    call = Call()
    call.connect()
    call.send_frame()
    call.sent()
    call.conversation.lose_session(call.now_ms)
    for _ in range(10):
        call.send_frame()
    captured_ms = call.now_ms
    call.now_ms += 4000.0
    call.connect()
    call.sent()

    (started,) = call.receive("input_audio_buffer.speech_started", audio_start_ms=200)
    assert isinstance(started, CallerSpeechStarted)
    assert started.capture_ms == pytest.approx(captured_ms, abs=1.0)


def test_a_lost_session_fails_its_answer_and_frees_the_gate() -> None:
    """The engine is not left waiting, nor the gate closed."""
    call = Call()
    call.connect()
    call.receive("response.created", response={"id": "r1"})
    call.receive_voice()

    assert call.conversation.lose_session(call.now_ms) == (
        AgentAudioDone("i1"),
        ResponseDone("r1", "failed"),
    )
    assert not call.gate.is_agent_speaking
    assert not call.conversation.is_ready


def test_a_reconnect_reports_what_waited_and_what_was_lost() -> None:
    """100 ms are held of 10 frames; the counters of earlier outages are not counted again."""
    call = Call(hold_ms=100.0)
    call.connect()
    for outage in range(2):
        call.conversation.lose_session(call.now_ms)
        for _ in range(10):
            call.send_frame()

        (ready,) = call.connect()
        assert ready == ProviderReady(True, held_frames=5, dropped_frames=5)
        assert len(call.sent_audio()) == 5
        assert call.conversation.counts["frames_dropped"] == 5 * (outage + 1)


def test_audio_that_was_not_surely_sent_is_sent_again() -> None:
    """The connection broke in the middle of it."""
    call = Call()
    call.connect()
    call.send_frame()
    assert call.conversation.next_message(call.now_ms) is not None
    call.conversation.lose_session(call.now_ms)

    (ready,) = call.connect()
    assert ready == ProviderReady(True, held_frames=1)
    assert len(call.sent_audio()) == 1


def test_audio_that_was_sent_is_not_sent_again() -> None:
    """Asking for the next message says that the last one went out."""
    call = Call()
    call.connect()
    call.send_frame()
    assert len(call.sent_audio()) == 1
    call.conversation.lose_session(call.now_ms)

    assert call.connect() == [ProviderReady(True)]
    assert call.sent_audio() == []


def test_the_caller_is_greeted_once() -> None:
    """A reconnect in the middle of a call does not say hello again."""
    call = Call(greeting="Hello!")
    call.connect()
    assert [event["type"] for event in call.sent()] == ["response.create"]
    call.receive_voice()
    call.conversation.lose_session(call.now_ms)
    call.connect()

    assert "Hello!" not in json.dumps(call.sent())


def test_a_connection_that_failed_before_it_was_ready_did_not_greet() -> None:
    """The next one does."""
    call = Call(greeting="Hello!")
    call.conversation.open_session()
    call.receive("session.created")

    assert call.connect() == [ProviderReady(False)]
    assert [event["type"] for event in call.sent()] == ["response.create"]


def test_an_interruption_without_a_session_is_remembered() -> None:
    """What of the old session's voice still waits is not played, and no server is asked."""
    call = Call()
    call.connect()
    (_, voice) = call.receive_voice()
    call.conversation.lose_session(call.now_ms)
    call.conversation.interrupt({"i1": 10.0}, call.now_ms)

    assert not call.conversation.deliver(voice)
    call.connect()
    assert call.sent() == []


def test_an_error_of_the_session_goes_to_the_shell() -> None:
    """Which reconnects or gives up."""
    call = Call()
    call.connect()

    with pytest.raises(ProviderError, match="session_expired"):
        call.receive("error", error={"type": "invalid_request_error", "code": "session_expired"})


def test_a_message_without_a_session_is_a_bug_of_ours() -> None:
    """The shell opens a session with each connection."""
    with pytest.raises(LocalProtocolError, match="no session"):
        Call().receive("session.created")


def test_odd_events_are_counted_over_all_sessions() -> None:
    """One summary a call."""
    call = Call()
    for _ in range(2):
        call.connect()
        call.receive("hologram.created")
        call.conversation.lose_session(call.now_ms)

    assert call.conversation.counts == {"events_unknown": 2, "frames_dropped": 0}


def test_an_answer_starts_with_an_event_of_its_own() -> None:
    """Once, whether or not the server says so first."""
    call = Call()
    call.connect()

    assert call.receive_voice()[0] == ResponseStarted("r1")
