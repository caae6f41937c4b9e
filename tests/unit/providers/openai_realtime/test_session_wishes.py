"""One session: functions, answers that are asked for, transcripts, limits, and the call's past."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.realtime_peer import judge_client_event
from voxgate.config.provider_models import OpenAIRealtimeConfig, TurnDetectionConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.providers.base import (
    CallerIdle,
    FunctionCalled,
    ProviderWarning,
    RateLimit,
    RateLimitsUpdated,
    ResponseDone,
    Speaker,
    TokenUsage,
    Transcript,
    UsageReported,
)
from voxgate.providers.openai_realtime.call_memory import CallMemory
from voxgate.providers.openai_realtime.session import RealtimeSession
from voxgate.providers.openai_realtime.session_events import SessionEvent
from voxgate.providers.tools import ToolCall, ToolRegistry

MULAW = AudioFormat(Encoding.MULAW)
FUNCTION = {"type": "function_call", "call_id": "f1", "name": "look", "arguments": "{}"}


class Client:
    """A session, and a clock that a test sets."""

    def __init__(
        self, memory: CallMemory | None = None, detection: TurnDetectionConfig | None = None
    ) -> None:
        self.memory = memory or CallMemory()
        self.now_ms = 0.0
        self.session = RealtimeSession(
            OpenAIRealtimeConfig(turn_detection=detection or TurnDetectionConfig()),
            wire_in=MULAW,
            wire_out=MULAW,
            memory=self.memory,
        )

    def receive(self, event_type: str, **fields: Any) -> list[SessionEvent]:
        message = json.dumps({"type": event_type, **fields})
        return list(self.session.receive_message(message, self.now_ms))

    def respond(self, response_id: str, status: str = "completed", **more: Any) -> list[Any]:
        self.receive("response.created", response={"id": response_id})
        return self.receive("response.done", response={"id": response_id, "status": status, **more})

    def requests(self) -> list[dict[str, Any]]:
        requests = []
        while (message := self.session.next_request(self.now_ms)) is not None:
            requests.append(json.loads(message))
            judge_client_event(requests[-1])
        return requests

    def types(self) -> list[str]:
        return [request["type"] for request in self.requests()]

    def fail_for_rate(self, response_id: str) -> list[Any]:
        error = {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "SECRET"}
        return self.respond(response_id, "failed", status_details={"error": error})


def ready(
    memory: CallMemory | None = None, *, detection: TurnDetectionConfig | None = None
) -> Client:
    client = Client(memory, detection)
    client.receive("session.created")
    client.requests()
    client.receive("session.updated")
    return client


def test_functions_are_offered_to_the_model() -> None:
    """In the configuration of every session."""

    async def look(_: ToolCall) -> object:
        return None

    tools = ToolRegistry()
    tools.register("look", look, description="Looks.")
    client = Client(CallMemory(tools))
    client.receive("session.created")
    (update,) = client.requests()

    assert [tool["name"] for tool in update["session"]["tools"]] == ["look"]


def test_a_function_runs_after_its_response_and_is_answered() -> None:
    """Result first, then one request for an answer, and none before the last has returned."""
    client = ready()
    client.receive("response.created", response={"id": "r1"})
    client.receive(
        "response.function_call_arguments.done", response_id="r1", item_id="i", **FUNCTION
    )
    events = client.receive(
        "response.done", response={"id": "r1", "status": "completed", "output": [FUNCTION]}
    )

    assert events == [
        ResponseDone("r1", "completed"),
        FunctionCalled(function_call_id="f1", name="look"),
    ]
    request = client.memory.functions.next_waiting()
    assert request is not None
    client.session.return_function("f1", '{"sun":true}')
    (output,) = client.requests()
    assert output["item"] == {
        "type": "function_call_output",
        "call_id": "f1",
        "output": '{"sun":true}',
    }
    client.memory.responses.want()
    assert client.types() == ["response.create"]


def test_an_answer_is_asked_for_when_none_is_under_way() -> None:
    """Whoever wants it waits for the end of the one that there is."""
    client = ready()
    client.receive("response.created", response={"id": "r1"})
    client.memory.responses.want()
    assert client.types() == []
    client.receive("response.done", response={"id": "r1", "status": "completed"})

    assert client.types() == ["response.create"]


def test_a_busy_server_is_asked_again_without_a_word() -> None:
    """Its answer to the caller's turn had begun; ours comes after it."""
    client = ready()
    client.memory.responses.want()
    (request,) = client.requests()
    code = "conversation_already_has_active_response"
    error = {"type": "invalid_request_error", "code": code, "event_id": request["event_id"]}

    assert client.receive("error", error=error) == []
    client.now_ms += 200.0
    assert client.types() == ["response.create"]


@pytest.mark.parametrize("is_event", [True, False])
def test_a_rate_limit_is_waited_out(is_event: bool) -> None:
    """Whether the server refuses the answer or fails it; observers are told."""
    client = ready()
    limits = [{"name": "tokens", "limit": 9, "remaining": 0, "reset_seconds": 2.5}]
    assert client.receive("rate_limits.updated", rate_limits=limits) == [
        RateLimitsUpdated((RateLimit(name="tokens", remaining=0.0, reset_s=2.5),))
    ]
    if is_event:
        client.memory.responses.want()
        (request,) = client.requests()
        error = {"type": "tokens", "code": "rate_limit_exceeded", "event_id": request["event_id"]}
        (warning,) = client.receive("error", error=error)
    else:
        warning = client.fail_for_rate("r1")[0]
    assert isinstance(warning, ProviderWarning)
    assert (warning.error.code, warning.error.retryable) == ("rate_limit_exceeded", True)
    assert "SECRET" not in repr(warning)
    client.now_ms = 2499.0
    assert client.types() == []
    client.now_ms = 2500.0

    assert client.types() == ["response.create"]
    assert client.memory.counts["rate_limit_retries"] == 1


def greeting(client: Client) -> dict[str, Any]:
    (request,) = client.requests()
    assert request["type"] == "response.create"
    assert "Good morning!" in request["response"]["instructions"]
    return request


@pytest.mark.parametrize("is_event", [True, False])
def test_a_greeting_that_met_a_rate_limit_is_still_the_first_word(is_event: bool) -> None:
    """Asked for again in its own words: an answer to nothing would be anybody's guess."""
    client = ready(CallMemory(greeting="Good morning!"))
    event_id = greeting(client)["event_id"]
    if is_event:
        error = {"type": "tokens", "code": "rate_limit_exceeded", "event_id": event_id}
        client.receive("error", error=error)
    else:
        client.fail_for_rate("r1")
    client.now_ms += 1000.0
    greeting(client)
    client.respond("r2")
    client.memory.responses.want()

    assert "response" not in client.requests()[0], "it was said; what follows is an answer"


def test_a_greeting_that_is_lost_with_its_session_is_said_in_the_next() -> None:
    """Nobody heard any of it."""
    client = ready(CallMemory(greeting="Good morning!"))
    greeting(client)
    client.memory.lose_session()

    greeting(ready(client.memory))


def test_a_caller_who_speaks_first_is_not_greeted_any_more() -> None:
    """The answer to that takes the greeting's place, in the next session too."""
    client = ready(CallMemory(greeting="Good morning!"))
    greeting(client)
    client.receive("input_audio_buffer.speech_started", audio_start_ms=0, item_id="c")
    client.memory.lose_session()
    after = ready(client.memory).requests()

    assert all("response" not in request for request in after)


def test_a_caller_who_speaks_is_answered_instead() -> None:
    """An answer that waits for a rate limit would be to the turn before."""
    client = ready()
    client.fail_for_rate("r1")
    client.receive("input_audio_buffer.speech_started", audio_start_ms=0, item_id="c")
    client.now_ms = 60_000.0

    assert client.types() == []


def test_a_turn_that_nobody_answers_makes_no_wish_void() -> None:
    """Where the server only hears the caller, what was asked for is still wanted."""
    client = ready(detection=TurnDetectionConfig(create_response=False))
    client.memory.responses.want()
    client.receive("input_audio_buffer.speech_started", audio_start_ms=0, item_id="c")

    assert client.types() == ["response.create"]


def test_another_refusal_is_told_and_not_repeated() -> None:
    """The next attempt would fare the same."""
    client = ready()
    client.memory.responses.want()
    (request,) = client.requests()
    error = {"type": "invalid_request_error", "code": "odd", "event_id": request["event_id"]}

    assert len(client.receive("error", error=error)) == 1
    assert client.types() == []


def test_the_usage_of_an_answer_is_reported() -> None:
    """As the server counts it; numbers that are none count nothing."""
    usage = {
        "total_tokens": 30,
        "input_tokens": 20,
        "output_tokens": 10,
        "input_token_details": {"cached_tokens": 5, "audio_tokens": 8, "text_tokens": 12},
        "output_token_details": {"audio_tokens": 7, "text_tokens": 3},
    }
    client = ready()
    assert client.respond("r1", usage=usage)[-1] == UsageReported(
        TokenUsage(
            input_tokens=20,
            cached_input_tokens=5,
            input_audio_tokens=8,
            output_tokens=10,
            output_audio_tokens=7,
        )
    )
    odd = client.respond("r2", usage={"input_tokens": "many", "output_tokens": -3})
    assert odd[-1] == UsageReported(TokenUsage())
    assert client.respond("r3", usage=None) == [ResponseDone("r3", "completed")]


def test_both_sides_transcripts_are_told_and_not_shown() -> None:
    """Pieces and wholes; nothing of the text gets into a repr, and so into no log."""
    client = ready()
    piece = client.receive(
        "response.output_audio_transcript.delta", item_id="a1", delta="SECRET wo"
    )
    whole = client.receive(
        "conversation.item.input_audio_transcription.completed", item_id="c1", transcript="SECRET"
    )

    assert piece == [
        Transcript(speaker=Speaker.AGENT, item_id="a1", text="SECRET wo", is_final=False)
    ]
    assert whole == [Transcript(speaker=Speaker.CALLER, item_id="c1", text="SECRET", is_final=True)]
    assert "SECRET" not in f"{piece!r} {whole!r}"


def test_a_transcription_that_failed_is_a_warning() -> None:
    """The model heard the caller all the same."""
    error = {"type": "server_error", "code": "audio_unintelligible", "message": "SECRET"}
    (warning,) = ready().receive(
        "conversation.item.input_audio_transcription.failed", item_id="c", error=error
    )

    assert isinstance(warning, ProviderWarning)
    assert warning.error.code == "audio_unintelligible"
    assert "SECRET" not in repr(warning)


def test_an_idle_caller_is_told_of() -> None:
    """The server prompts by itself."""
    assert ready().receive("input_audio_buffer.timeout_triggered", item_id="c") == [CallerIdle()]


def test_the_next_session_is_told_of_the_past_before_anything_else() -> None:
    """The caller's words where they are known, the agent's as far as they were heard."""
    first = ready()
    first.receive("input_audio_buffer.committed", item_id="c1")
    first.receive("response.output_audio_transcript.done", item_id="a1", transcript="At nine.")
    first.receive(
        "conversation.item.input_audio_transcription.completed", item_id="c1", transcript="When?"
    )
    assert first.memory.lose_session().responses == ()
    second = ready(first.memory)
    items = [request["item"] for request in second.requests()]

    assert [item["role"] for item in items] == ["system", "user", "assistant"]
    assert items[1]["content"] == [{"type": "input_text", "text": "When?"}]
    assert items[2]["content"] == [{"type": "output_text", "text": "At nine."}]
