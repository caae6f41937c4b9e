"""The agent's answers in one session."""

from __future__ import annotations

import json
from typing import Any

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.providers.base import (
    AgentAudioDone,
    FunctionCalled,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
    TokenUsage,
    UsageReported,
)
from voxgate.providers.openai_realtime.answers import CANCEL_ID, Answers
from voxgate.providers.openai_realtime.call_memory import CallMemory
from voxgate.providers.openai_realtime.request_queue import RequestQueue
from voxgate.providers.openai_realtime.server_events import (
    AnswerEvent,
    FunctionRequest,
    OutputAudioDelta,
    OutputAudioDone,
    ResponseCreated,
    ResponseEnded,
)
from voxgate.providers.openai_realtime.session_events import SessionEvent, VoiceReceived

VOICE = b"\x20" * 800
CALL = FunctionRequest(response_id="r", function_call_id="f", name="look", arguments="{}")


class Rig:
    """A session's answers, on a line that speaks mu-law."""

    def __init__(self) -> None:
        self.memory = CallMemory()
        self.requests = RequestQueue(self.memory.counts)
        self.answers = Answers(
            self.memory, wire_out=AudioFormat(Encoding.MULAW), requests=self.requests
        )

    def receive(self, *events: AnswerEvent) -> list[SessionEvent]:
        return [told for event in events for told in self.answers.receive(event, 0.0)]

    def sent(self) -> list[dict[str, Any]]:
        sent = []
        while (request := self.requests.take()) is not None:
            sent.append(json.loads(request))
        return sent


def ended(status: str = "completed", **fields: Any) -> ResponseEnded:
    return ResponseEnded(response_id="r", status=status, **fields)


def test_an_answer_is_told_from_its_start_to_its_end() -> None:
    """With its voice and how long that is, and what it took."""
    rig = Rig()
    usage = TokenUsage(output_tokens=7)
    told = rig.receive(
        ResponseCreated("r"),
        OutputAudioDelta("r", "i", VOICE),
        OutputAudioDone("i"),
        ended(usage=usage),
    )

    assert told == [
        ResponseStarted("r"),
        VoiceReceived("i", VOICE, 100.0),
        AgentAudioDone("i"),
        ResponseDone("r", "completed"),
        UsageReported(usage),
    ]
    assert rig.sent() == []


def test_what_was_cut_off_is_cancelled_truncated_and_not_heard_again() -> None:
    """The server is told of both; what was on its way is counted."""
    rig = Rig()
    rig.receive(ResponseCreated("r"), OutputAudioDelta("r", "i", VOICE))
    rig.answers.interrupt({"i": 40.0})
    cancel, truncate = rig.sent()

    assert (cancel["type"], cancel["response_id"]) == ("response.cancel", "r")
    assert cancel["event_id"].startswith(CANCEL_ID)
    assert (truncate["item_id"], truncate["audio_end_ms"]) == ("i", 40)
    assert rig.receive(OutputAudioDelta("r", "i", VOICE)) == []
    assert rig.memory.counts["audio_after_interruption"] == 1


def test_an_item_that_begins_after_the_cut_is_truncated_to_nothing() -> None:
    """The model would else believe that it was heard."""
    rig = Rig()
    rig.receive(ResponseCreated("r"), OutputAudioDelta("r", "i", VOICE))
    rig.answers.interrupt({"i": 40.0})
    rig.sent()
    assert rig.receive(OutputAudioDelta("r", "late", VOICE)) == []

    (truncate,) = rig.sent()
    assert (truncate["item_id"], truncate["audio_end_ms"]) == ("late", 0)


def test_functions_run_when_the_answer_that_calls_them_is_complete() -> None:
    """And are remembered, for the sessions to come."""
    rig = Rig()
    assert rig.receive(ResponseCreated("r"), CALL) == [ResponseStarted("r")]
    told = rig.receive(ended())

    assert told == [
        ResponseDone("r", "completed"),
        FunctionCalled(function_call_id="f", name="look"),
    ]
    assert rig.memory.functions.next_waiting() == CALL
    assert rig.memory.counts["functions_called"] == 1
    assert not rig.memory.history.is_empty


@pytest.mark.parametrize(
    ("code", "n_retries"), [("rate_limit_exceeded", 1), ("slow_down", 1), ("content_filter", 0)]
)
def test_an_answer_that_failed_says_why_and_may_be_asked_for_again(
    code: str, n_retries: int
) -> None:
    """Where time helps."""
    rig = Rig()
    _, warning, done = rig.receive(ResponseCreated("r"), ended("failed", error_code=code))

    assert isinstance(warning, ProviderWarning)
    assert warning.error.code == code
    assert done == ResponseDone("r", "failed")
    assert rig.memory.counts["rate_limit_retries"] == n_retries
    assert rig.memory.responses.is_pending is bool(n_retries)
