"""One session of the protocol, without a network."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.realtime_peer import judge_client_event
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.errors import ProviderError
from voxgate.providers.audio_backlog import OutgoingAudio
from voxgate.providers.base import (
    AgentAudioDone,
    CallerSpeechStopped,
    ProviderWarning,
    RateLimitsUpdated,
    ResponseDone,
    ResponseStarted,
)
from voxgate.providers.openai_realtime.call_memory import CallMemory
from voxgate.providers.openai_realtime.session import RealtimeSession
from voxgate.providers.openai_realtime.session_events import (
    CallerHeard,
    SessionEvent,
    SessionReady,
    VoiceReceived,
)

MULAW = AudioFormat(Encoding.MULAW)
VOICE = b"\x80" * 800
"""100 ms on the wire."""


class Client:
    """A session with what belongs around it."""

    def __init__(self, *, greeting: str | None = None, memory: CallMemory | None = None) -> None:
        self.memory = CallMemory(greeting=greeting) if memory is None else memory
        self.counts = self.memory.counts
        self.ledger = self.memory.ledger
        self.now_ms = 0.0
        self.session = RealtimeSession(
            OpenAIRealtimeConfig(),
            wire_in=MULAW,
            wire_out=MULAW,
            memory=self.memory,
        )

    def receive(self, event_type: str, **fields: Any) -> list[SessionEvent]:
        message = json.dumps({"type": event_type, **fields})
        return list(self.session.receive_message(message, self.now_ms))

    def receive_voice(
        self,
        item_id: str = "i1",
        audio: bytes = VOICE,
        response_id: str = "r1",
        name: str = "response.output_audio.delta",
    ) -> list[SessionEvent]:
        delta = b64encode(audio).decode()
        return self.receive(name, response_id=response_id, item_id=item_id, delta=delta)

    def start_response(self, response_id: str = "r1") -> list[SessionEvent]:
        return self.receive("response.created", response={"id": response_id})

    def end_response(
        self, response_id: str = "r1", status: str = "completed", **more: Any
    ) -> list[SessionEvent]:
        return self.receive("response.done", response={"id": response_id, "status": status, **more})

    def receive_error(
        self, code: str, event_id: str | None = None, type_: str = "invalid_request_error"
    ) -> list[SessionEvent]:
        return self.receive("error", error={"type": type_, "code": code, "event_id": event_id})

    def requests(self) -> list[dict[str, Any]]:
        requests = []
        while (message := self.session.next_request(self.now_ms)) is not None:
            requests.append(json.loads(message))
            judge_client_event(requests[-1])
        return requests

    def get_ready(self) -> Client:
        self.receive("session.created")
        self.receive("session.updated")
        self.requests()
        return self


def test_a_session_is_configured_once_the_server_is_there() -> None:
    """Nothing is sent before ``session.created``; audio flows after ``session.updated``."""
    client = Client()
    assert client.requests() == []
    assert client.receive("session.created") == []
    (update,) = client.requests()
    assert update["type"] == "session.update"
    assert update["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert not client.session.is_ready

    assert client.receive("session.updated", session=update["session"]) == [SessionReady()]
    assert client.session.is_ready
    assert client.requests() == []


def test_repeated_session_events_change_nothing() -> None:
    """Servers echo ``session.updated`` for reasons of their own."""
    client = Client()
    assert client.receive("session.updated") == [], "not an answer to us"
    client.receive("session.created")
    client.receive("session.created")
    assert len(client.requests()) == 1
    client.receive("session.updated")

    assert client.receive("session.updated") == []
    assert client.receive("session.created") == []
    assert client.requests() == []


def test_the_first_session_greets() -> None:
    """One ``response.create`` with the words to say, once the session is configured."""
    client = Client(greeting="Hello, how can I help?")
    client.receive("session.created")
    client.requests()
    client.receive("session.updated")

    (request,) = client.requests()
    assert request["type"] == "response.create"
    assert "Hello, how can I help?" in request["response"]["instructions"]


@pytest.mark.parametrize("direction", ["input", "output"])
def test_a_server_that_imposes_another_format_is_refused(direction: str) -> None:
    """Played as mu-law, its PCM would be noise in the caller's ear."""
    client = Client()
    client.receive("session.created")
    audio = {direction: {"format": {"type": "audio/pcm", "rate": 24000}}}

    with pytest.raises(ProviderError) as caught:
        client.receive("session.updated", session={"audio": audio})
    assert caught.value.code == "format_refused"
    assert not caught.value.retryable
    assert f"audio/pcmu for the session's {direction}" in str(caught.value)


def test_an_answer_from_start_to_end() -> None:
    """The order of the protocol, with events of no interest in between."""
    client = Client().get_ready()

    assert client.start_response() == [ResponseStarted("r1")]
    assert client.receive("rate_limits.updated", rate_limits=[]) == [RateLimitsUpdated(())]
    assert client.receive("response.output_item.added") == []
    assert client.receive_voice() == [VoiceReceived("i1", VOICE, 100.0)]
    assert client.receive("response.output_audio.done", item_id="i1") == [AgentAudioDone("i1")]
    assert client.end_response() == [ResponseDone("r1", "completed")]
    assert client.counts == Counter()


def test_older_names_mean_the_same() -> None:
    """Compatible servers speak the beta's dialect."""
    client = Client().get_ready()
    client.start_response()

    assert client.receive_voice(name="response.audio.delta") == [VoiceReceived("i1", VOICE, 100.0)]
    assert client.receive("conversation.item.created") == []
    assert client.receive("response.audio.done", item_id="i1") == [AgentAudioDone("i1")]


def test_audio_before_its_answer_starts_the_answer() -> None:
    """A server that leaves ``response.created`` out, or sends it late, is understood."""
    client = Client().get_ready()

    assert client.receive_voice() == [ResponseStarted("r1"), VoiceReceived("i1", VOICE, 100.0)]
    assert client.start_response() == []


def test_the_end_of_an_answer_ends_audio_that_was_not_ended() -> None:
    """Playout must not wait for more of an item that gets no more."""
    client = Client().get_ready()
    client.receive_voice()

    assert client.end_response() == [AgentAudioDone("i1"), ResponseDone("r1", "completed")]
    assert client.receive("response.output_audio.done", item_id="i1") == []


def test_audio_after_its_end_is_played_and_ends_again() -> None:
    """Late audio is still what the agent said."""
    client = Client().get_ready()
    client.receive_voice()
    client.receive("response.output_audio.done", item_id="i1")

    assert client.receive_voice() == [VoiceReceived("i1", VOICE, 100.0), AgentAudioDone("i1")]
    client.end_response()
    assert client.receive_voice() == [VoiceReceived("i1", VOICE, 100.0), AgentAudioDone("i1")]


def test_an_answer_ends_once() -> None:
    """A repeated ``response.done`` is no second end, one without a start is an end."""
    client = Client().get_ready()

    assert client.end_response("r9", "cancelled") == [ResponseDone("r9", "cancelled")]
    assert client.end_response("r9", "cancelled") == []


def test_a_failed_answer_says_why() -> None:
    """A used-up quota is reported this way; the engine hears it, then the end."""
    client = Client().get_ready()
    client.start_response()
    details = {"error": {"type": "server_error", "code": "rate_limit_exceeded"}}
    warning, done = client.end_response(status="failed", status_details=details)

    assert isinstance(warning, ProviderWarning)
    assert (warning.error.code, warning.error.retryable) == ("rate_limit_exceeded", True)
    assert done == ResponseDone("r1", "failed")


def test_speech_is_reported_in_capture_time() -> None:
    """The provider's ms become the call's, released onset and all."""
    client = Client().get_ready()
    for slot in range(50):
        client.session.serialize_audio(_outgoing(20.0, 10_000.0 + 20.0 * (slot + 1)))
    client.session.serialize_audio(_outgoing(300.0, 11_000.0))

    started = client.receive("input_audio_buffer.speech_started", audio_start_ms=1100)
    stopped = client.receive("input_audio_buffer.speech_stopped", audio_end_ms=500)
    assert started == [CallerHeard(pytest.approx(10_800.0))]  # type: ignore[arg-type]
    assert stopped == [CallerSpeechStopped(pytest.approx(10_500.0))]  # type: ignore[arg-type]


def test_speech_without_a_time_is_speech() -> None:
    """Some servers leave the time out, or send one from before the session."""
    client = Client().get_ready()

    assert client.receive("input_audio_buffer.speech_started") == [CallerHeard(None)]
    assert client.receive("input_audio_buffer.speech_stopped", audio_end_ms=0) == [
        CallerSpeechStopped(None)
    ]


def _outgoing(duration_ms: float, capture_end_ms: float) -> OutgoingAudio:
    wire = MULAW.silence(round(duration_ms * 8))
    return OutgoingAudio(
        wire=wire, duration_ms=duration_ms, capture_end_ms=capture_end_ms, n_frames=1
    )


def test_audio_is_appended_and_counted() -> None:
    """What is serialised is what the provider's clock has run on by."""
    session = Client().get_ready().session
    event = json.loads(session.serialize_audio(_outgoing(60.0, 500.0)))

    judge_client_event(event)
    assert event["type"] == "input_audio_buffer.append"
    assert session.clock.provider_ms == 60.0


def test_an_interruption_cancels_and_truncates_at_what_was_heard() -> None:
    """In this order, each with an id by which its error is known, clamped to what came."""
    client = Client().get_ready()
    client.start_response()
    client.receive_voice()
    client.ledger.deliver("i1")
    client.session.interrupt({"i1": 3760.0})

    cancel, truncate = client.requests()
    assert (cancel["type"], cancel["response_id"]) == ("response.cancel", "r1")
    assert truncate["type"] == "conversation.item.truncate"
    assert (truncate["item_id"], truncate["audio_end_ms"]) == ("i1", 100)
    assert cancel["event_id"] != truncate["event_id"]


def test_an_answer_that_is_complete_is_not_cancelled() -> None:
    """Generation is done long before the caller interrupts; only the truncation is left."""
    client = Client().get_ready()
    client.start_response()
    client.receive_voice()
    client.ledger.deliver("i1")
    client.end_response()
    client.session.interrupt({"i1": 33.3})

    (truncate,) = client.requests()
    assert (truncate["type"], truncate["audio_end_ms"]) == ("conversation.item.truncate", 33)


def test_audio_after_the_interruption_is_dropped() -> None:
    """It was under way when the cancel was; a new item of the same answer was heard by nobody."""
    client = Client().get_ready()
    client.start_response()
    client.receive_voice()
    client.session.interrupt({"i1": 50.0})
    client.requests()

    assert client.receive_voice() == []
    assert client.receive_voice("i2") == []
    (truncate,) = client.requests()
    assert (truncate["item_id"], truncate["audio_end_ms"]) == ("i2", 0)
    assert client.receive("response.output_audio.done", item_id="i1") == []
    assert client.end_response(status="cancelled") == [ResponseDone("r1", "cancelled")]
    assert client.counts["audio_after_interruption"] == 2


def test_the_answer_after_an_interruption_is_heard() -> None:
    """The cut is of one answer."""
    client = Client().get_ready()
    client.receive_voice()
    client.session.interrupt({"i1": 50.0})
    client.end_response(status="cancelled")
    client.start_response("r2")

    assert client.receive_voice("i2", response_id="r2") == [VoiceReceived("i2", VOICE, 100.0)]


def test_a_cancel_that_came_too_late_is_counted_and_not_surfaced() -> None:
    """By its code, or by the id of our request, whatever the code."""
    client = Client().get_ready()
    client.start_response()
    client.session.interrupt({})
    (cancel,) = client.requests()

    assert client.receive_error("response_cancel_not_active") == []
    assert client.receive_error("some_new_code", cancel["event_id"]) == []
    assert client.counts["cancels_too_late"] == 2


def test_an_error_of_one_request_is_a_warning() -> None:
    """The call goes on."""
    client = Client().get_ready()
    (warning,) = client.receive_error("rate_limit_exceeded")

    assert isinstance(warning, ProviderWarning)
    assert warning.error.retryable


@pytest.mark.parametrize(
    ("code", "retryable"), [("session_expired", True), ("invalid_api_key", False)]
)
def test_an_error_of_the_session_ends_it(code: str, retryable: bool) -> None:
    """The shell then reconnects, or gives up."""
    with pytest.raises(ProviderError) as caught:
        Client().get_ready().receive_error(code)

    assert (caught.value.code, caught.value.retryable) == (code, retryable)


def test_any_error_before_the_session_is_configured_ends_it() -> None:
    """Our configuration was refused: waiting for ``session.updated`` would be in vain."""
    client = Client()
    client.receive("session.created")
    (update,) = client.requests()

    with pytest.raises(ProviderError, match="invalid_value"):
        client.receive_error("invalid_value", update["event_id"])


def test_unknown_and_malformed_events_are_counted() -> None:
    """Neither ends anything."""
    client = Client().get_ready()

    assert client.receive("response.hologram.delta") == []
    assert client.session.receive_message("{", 0.0) == ()
    assert client.session.receive_message(b"\xff\xff", 0.0) == ()
    assert client.counts == Counter(events_unknown=1, events_malformed=2)


_EVENTS = st.sampled_from(
    [
        ("response.created", {"response": {"id": "r1"}}),
        ("response.created", {"response": {"id": "r2"}}),
        ("response.done", {"response": {"id": "r1", "status": "completed"}}),
        ("response.done", {"response": {"id": "r2", "status": "cancelled"}}),
        ("response.output_audio.delta", {"response_id": "r1", "item_id": "a", "delta": "AAAA"}),
        ("response.audio.delta", {"response_id": "r1", "item_id": "b", "delta": "AAAA"}),
        ("response.output_audio.delta", {"response_id": "r2", "item_id": "c", "delta": "AAAA"}),
        ("response.output_audio.done", {"item_id": "a"}),
        ("response.audio.done", {"item_id": "c"}),
        ("input_audio_buffer.speech_started", {"audio_start_ms": 5}),
        ("session.updated", {}),
        ("interrupt", {}),
    ]
)


@given(st.lists(_EVENTS, max_size=30))
def test_any_order_keeps_the_promises(sequence: list[tuple[str, dict[str, Any]]]) -> None:
    """Answers start and end at most once, and no item that was cut off is heard again."""
    client = Client().get_ready()
    seen: Counter[SessionEvent] = Counter()
    for event_type, fields in sequence:
        if event_type == "interrupt":
            client.session.interrupt(dict.fromkeys(("a", "b", "c"), 0.2))
            continue
        for event in client.receive(event_type, **fields):
            if isinstance(event, VoiceReceived):
                assert not client.ledger.is_cut(event.item_id)
            if isinstance(event, ResponseStarted | ResponseDone):
                seen[event] += 1

    assert all(number == 1 for number in seen.values())
    truncated = [r["item_id"] for r in client.requests() if "item_id" in r]
    assert len(truncated) == len(set(truncated)), "no item is truncated twice"
