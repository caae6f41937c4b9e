"""One response at a time, and what interrupts it."""

from __future__ import annotations

from typing import Any

import pytest

from support.realtime_client import MULAW, types
from support.signals import silence
from voxgate.core.g711 import encode
from voxgate.realtime_server.answerer import AnswerRequest, Speech
from voxgate.realtime_server.caller_audio import CallerAudio
from voxgate.realtime_server.client_events import ResponseOptions
from voxgate.realtime_server.conversation import Conversation
from voxgate.realtime_server.outbox import AskAnswer, DropAnswer, Outbox, SendEvent
from voxgate.realtime_server.request_error import RequestError
from voxgate.realtime_server.responder import Responder
from voxgate.realtime_server.response import Pace
from voxgate.realtime_server.session_config import SessionConfig
from voxgate.realtime_server.session_log import SessionLog
from voxgate.realtime_server.turn_detector import IdleTimeout

CONFIG = SessionConfig.model_validate(
    {
        "type": "realtime",
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000},
            },
            "output": {"format": {"type": "audio/pcmu"}},
        },
    }
)
SPEECH = Speech(text="one two", audio=b"\x55" * 8000, audio_format=MULAW)


class Bench:
    """A responder with its surroundings."""

    def __init__(self) -> None:
        self.outbox = Outbox(SessionLog("s1", "m"))
        self.caller = CallerAudio(CONFIG.audio.input)
        self.responder = Responder(
            self.outbox, Conversation("conv_1"), self.caller, Pace(first_delta_ms=0)
        )

    def start(self, config: SessionConfig = CONFIG, **options: Any) -> str:
        """Begin a response at 0 ms and return its id."""
        request = AnswerRequest(turns_heard=1)
        given = ResponseOptions.model_validate(options)
        self.responder.ask(self.responder.start(given, config, request, 0.0), request)
        return next(o.response_id for o in self.outputs() if isinstance(o, AskAnswer))

    def outputs(self) -> list[Any]:
        """Return and forget what the outbox holds."""
        found = []
        while (output := self.outbox.pop()) is not None:
            found.append(output)
        return found

    def event_types(self) -> list[str]:
        """Return the types of the events that the outbox holds."""
        return types(o.event for o in self.outputs() if isinstance(o, SendEvent))

    def done(self) -> list[str]:
        """Return how the responses so far ended."""
        return [entry.detail for entry in self.outbox.record.events("response_done")]


def test_a_second_response_is_refused_while_one_runs() -> None:
    """By the API's code, naming the one that runs; afterwards it is fine."""
    bench = Bench()
    response_id = bench.start()
    with pytest.raises(RequestError) as caught:
        bench.start()
    assert caught.value.code == "conversation_already_has_active_response"
    assert f"in progress: {response_id}." in caught.value.message
    bench.responder.cancel_by_client(None)
    bench.start()


def test_it_ends_when_all_was_sent() -> None:
    """With its rate limits after it, and a note in the log."""
    bench = Bench()
    response_id = bench.start()
    bench.responder.receive_speech(response_id, SPEECH, 0.0)
    bench.responder.receive_end(response_id)
    bench.responder.advance(10_000.0)
    assert bench.event_types()[-2:] == ["response.done", "rate_limits.updated"]
    assert bench.done() == ["completed"]
    assert bench.responder.next_deadline_ms() is None


def test_the_caller_interrupts_it() -> None:
    """The answerer is told, and the log says by whom."""
    bench = Bench()
    response_id = bench.start()
    bench.responder.receive_speech(response_id, SPEECH, 0.0)
    bench.responder.advance(40.0)
    bench.outputs()
    bench.responder.interrupt()
    outputs = bench.outputs()
    assert DropAnswer(response_id) in outputs
    assert bench.done() == ["cancelled turn_detected"]
    assert bench.responder.was_interrupted
    bench.responder.advance(10_000.0)
    assert bench.outputs() == []


def test_an_interruption_of_nothing_is_nothing() -> None:
    """The caller may speak while nobody answers."""
    bench = Bench()
    bench.responder.interrupt()
    assert bench.outputs() == []
    assert not bench.responder.was_interrupted


def test_a_response_outside_the_conversation_is_not_interrupted() -> None:
    """Only what is said to the caller can be."""
    bench = Bench()
    bench.start(conversation="none")
    bench.responder.interrupt()
    assert bench.outputs() == []
    bench.responder.cancel_by_client(None)
    assert bench.done() == ["cancelled client_cancelled"]


@pytest.mark.parametrize("response_id", [None, "resp_other"])
def test_cancelling_what_does_not_run_is_an_error(response_id: str | None) -> None:
    """A harmless one, which every client meets."""
    bench = Bench()
    if response_id is not None:
        bench.start()
    with pytest.raises(RequestError, match="no active response found") as caught:
        bench.responder.cancel_by_client(response_id)
    assert caught.value.code == "response_cancel_not_active"


def test_a_late_answer_is_ignored() -> None:
    """Speech, end and failure of a response that is gone change nothing."""
    bench = Bench()
    old = bench.start()
    bench.responder.cancel_by_client(old)
    new = bench.start()
    bench.outputs()
    bench.responder.receive_speech(old, SPEECH, 0.0)
    bench.responder.receive_end(old)
    bench.responder.receive_failure(old)
    bench.responder.advance(10_000.0)
    assert bench.outputs() == []
    bench.responder.receive_failure(new)
    assert bench.done() == ["cancelled client_cancelled", "failed"]


def test_the_voice_is_locked_by_the_first_audio() -> None:
    """Before, another is fine; afterwards not, neither in the session nor in a response."""
    bench = Bench()
    bench.responder.check_voice("cedar", CONFIG)
    response_id = bench.start(audio={"output": {"voice": "cedar"}})
    bench.responder.receive_speech(response_id, SPEECH, 0.0)
    bench.responder.receive_end(response_id)
    bench.responder.advance(10_000.0)
    bench.responder.check_voice("marin", CONFIG)
    with pytest.raises(RequestError) as caught:
        bench.responder.check_voice("cedar", CONFIG)
    assert caught.value.code == "cannot_update_voice"
    with pytest.raises(RequestError):
        bench.start(audio={"output": {"voice": "cedar"}})


def test_the_idle_timer_starts_when_the_answer_has_been_played() -> None:
    """Playback begins with the first delta; 1 s of answer and 5 s of waiting follow."""
    bench = Bench()
    response_id = bench.start()
    bench.responder.receive_speech(response_id, SPEECH, 0.0)
    bench.responder.receive_end(response_id)
    bench.responder.advance(10_000.0)
    (idle,) = bench.caller.append(encode(silence(8000), MULAW))
    assert idle == IdleTimeout(1000, 6000)


def test_a_new_response_forgets_the_interruption() -> None:
    """It is told of it once, by the session."""
    bench = Bench()
    bench.start()
    bench.responder.interrupt()
    assert bench.responder.was_interrupted
    bench.start()
    assert not bench.responder.was_interrupted
