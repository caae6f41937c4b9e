"""The events of a server, out of JSON text."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent

from support.message_fuzz import mutated
from support.openai_shapes import server_events
from support.realtime_peer import judge_server_event
from voxgate.providers.base import RateLimit, Speaker, TokenUsage
from voxgate.providers.openai_realtime import event_parser
from voxgate.providers.openai_realtime.event_parser import parse_server_event
from voxgate.providers.openai_realtime.server_events import (
    ErrorReported,
    EventIgnored,
    EventMalformed,
    EventUnknown,
    FunctionRequest,
    IdleTriggered,
    OutputAudioDelta,
    OutputAudioDone,
    RateLimitsReported,
    ResponseCreated,
    ResponseEnded,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    TranscriptReceived,
    TurnCommitted,
)


def _parse(event_type: str, **fields: Any) -> ServerEvent:
    return parse_server_event(json.dumps({"type": event_type, **fields}))


@pytest.mark.parametrize("name", ["response.output_audio.delta", "response.audio.delta"])
def test_audio_is_decoded_under_both_names(name: str) -> None:
    """Compatible servers still use the beta's."""
    delta = b64encode(b"\x01\x02\xff").decode()

    assert _parse(name, response_id="r", item_id="i", delta=delta) == OutputAudioDelta(
        "r", "i", b"\x01\x02\xff"
    )


@pytest.mark.parametrize("name", ["response.output_audio.done", "response.audio.done"])
def test_the_end_of_audio_is_known_under_both_names(name: str) -> None:
    """As the deltas are."""
    assert _parse(name, item_id="i") == OutputAudioDone("i")


def test_speech_reports_carry_the_provider_s_time() -> None:
    """Start and end on the audio clock, as numbers."""
    assert _parse("input_audio_buffer.speech_started", audio_start_ms=120) == SpeechStarted(120.0)
    assert _parse("input_audio_buffer.speech_stopped", audio_end_ms=980.5) == SpeechStopped(980.5)


@pytest.mark.parametrize("value", [None, "120", True, -1, float("inf"), float("nan"), 10**400, []])
def test_a_time_that_is_none_is_left_out(value: object) -> None:
    """The report counts all the same: the caller was heard."""
    text = '{"type":"input_audio_buffer.speech_started","audio_start_ms":%s}'
    written = "1" + "0" * 400 if value == 10**400 else json.dumps(value)

    assert parse_server_event(text % written) == SpeechStarted(None)


def test_a_session_says_its_formats_or_does_not() -> None:
    """Both halves of the answer are optional in the protocol."""
    audio = {
        "input": {"format": {"type": "audio/pcmu"}},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}},
    }

    assert _parse("session.updated", session={"audio": audio}) == SessionUpdated(
        "audio/pcmu", "audio/pcm"
    )
    assert _parse("session.updated") == SessionUpdated(None, None)
    assert _parse("session.created") == SessionCreated()


def test_an_answer_begins_and_ends_with_its_status() -> None:
    """The reason of a failure is kept, its message is not."""
    error = {"type": "server_error", "code": "rate_limit_exceeded", "message": "secret"}
    response = {"id": "r", "status": "failed", "status_details": {"error": error}}

    assert _parse("response.created", response={"id": "r"}) == ResponseCreated("r")
    assert _parse("response.done", response=response) == ResponseEnded(
        response_id="r",
        status="failed",
        error_code="rate_limit_exceeded",
        error_type="server_error",
    )
    assert "secret" not in repr(_parse("response.done", response=response))


@pytest.mark.parametrize("status", ["completed", "cancelled", "failed", "incomplete"])
def test_every_final_status_is_kept(status: str) -> None:
    """The engine sees the protocol's four."""
    event = _parse("response.done", response={"id": "r", "status": status})

    assert event == ResponseEnded(response_id="r", status=status)


@pytest.mark.parametrize("status", [None, "in_progress", "done", 7])
def test_an_end_with_an_odd_status_is_an_end(status: object) -> None:
    """Whatever else a server calls it, the answer is over."""
    event = _parse("response.done", response={"id": "r", "status": status})

    assert event == ResponseEnded(response_id="r", status="completed")


def test_an_error_keeps_all_but_its_message() -> None:
    """Messages quote keys."""
    error = {
        "type": "invalid_request_error",
        "code": "invalid_api_key",
        "message": "Incorrect API key provided: sk-secret",
        "param": "session.voice",
        "event_id": "session-1",
    }
    event = _parse("error", error=error)

    assert event == ErrorReported(
        type="invalid_request_error",
        code="invalid_api_key",
        param="session.voice",
        event_id="session-1",
    )
    assert _parse("error") == ErrorReported(type=None, code=None, param=None, event_id=None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_json"),
        ("{", "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        ("[" * 100_000, "not_json"),
        ("[]", "not_an_object"),
        ("null", "not_an_object"),
        ("{}", "no_type"),
        ('{"type": 7}', "no_type"),
        ('{"type": "response.output_audio.delta", "delta": ""}', "no_item_id"),
        ('{"type": "response.output_audio.done"}', "no_item_id"),
        ('{"type": "response.audio.delta", "item_id": "i", "delta": "?"}', "no_audio"),
        ('{"type": "response.audio.delta", "item_id": "i", "delta": "\u00e9"}', "no_audio"),
    ],
)
def test_what_is_no_event_says_why(text: str | bytes, reason: str) -> None:
    """It is counted; it ends nothing."""
    assert parse_server_event(text) == EventMalformed(reason)


def test_a_delta_without_audio_is_empty() -> None:
    """Not an error: some servers open an item that way."""
    assert _parse("response.output_audio.delta", item_id="i") == OutputAudioDelta("", "i", b"")


def test_events_that_nobody_knows_are_told_apart_from_those_of_no_interest() -> None:
    """So that a new kind of event shows in the counters."""
    assert _parse("conversation.created") == EventIgnored("conversation.created")
    assert _parse("conversation.item.created") == EventIgnored("conversation.item.created")
    assert _parse("response.hologram.delta") == EventUnknown("response.hologram.delta")


def test_every_event_of_the_protocol_is_known() -> None:
    """The list in the SDK is the judge; an event that is added there shows here."""
    models = get_args(get_args(RealtimeServerEvent)[0])
    names = {get_args(model.model_fields["type"].annotation)[0] for model in models}

    assert names <= event_parser._IGNORED | set(event_parser._PARSERS)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_keys = st.sampled_from(
    [
        "response",
        "session",
        "item_id",
        "delta",
        "error",
        "audio",
        "status_details",
        "audio_end_ms",
        "output",
        "item",
        "type",
        "usage",
        "rate_limits",
        "input_token_details",
    ]
)


@given(
    st.sampled_from(sorted(event_parser._PARSERS)),
    st.dictionaries(_keys, _json | st.dictionaries(_keys, _json, max_size=3), max_size=5),
)
def test_no_shape_of_a_known_event_raises(event_type: str, fields: dict[str, Any]) -> None:
    """A peer may put anything anywhere."""
    assert isinstance(_parse(event_type, **fields), ServerEvent)


@given(st.text() | st.binary())
def test_no_text_raises(text: str | bytes) -> None:
    """Nor may it send no JSON at all."""
    assert isinstance(parse_server_event(text), ServerEvent)


FUZZ_INPUTS = 5000
"""Of the seeded run; a million once: ``fuzzed(1_000_000, seed)``."""


def fuzzed(n_inputs: int, seed: int) -> Counter[str]:
    """Parse events of every type with something wrong in them; return what came out, by kind."""
    rng = np.random.default_rng(seed)
    originals = [json.dumps(event) for event in (*server_events(rng), *server_events(rng))]
    kinds: Counter[str] = Counter()
    for _ in range(n_inputs):
        event = parse_server_event(mutated(originals, rng))
        assert isinstance(event, ServerEvent)
        kinds[type(event).__name__] += 1
    return kinds


def test_events_with_something_wrong_in_them_are_events() -> None:
    """Bytes changed, cut, doubled, base64 damaged, nested deeply, keys repeated, values swapped:
    each is an event, and of every kind there are some."""
    kinds = fuzzed(FUZZ_INPUTS, seed=7)

    assert set(kinds) == {kind.__name__ for kind in get_args(ServerEvent)}


def test_events_of_every_type_are_what_the_sdk_says_they_are() -> None:
    """Those that the fuzz starts from; and each is one that we know, and can read: only a function
    call may be without its name, as the SDK has it."""
    rng = np.random.default_rng(1)
    for event in (event for _ in range(20) for event in server_events(rng)):
        judge_server_event(event)
        parsed = parse_server_event(json.dumps(event))
        assert not isinstance(parsed, EventUnknown), event
        assert not isinstance(parsed, EventMalformed) or parsed.reason == "no_function", event


def test_a_count_that_nobody_could_print_is_none() -> None:
    """Python refuses to write integers of more than 4,300 digits, and the summary of a call adds
    its answers up."""
    usage = {"input_tokens": int("9" * 4300), "output_tokens": 12}
    event = _parse("response.done", response={"id": "r", "usage": usage})

    assert isinstance(event, ResponseEnded)
    assert event.usage == TokenUsage(output_tokens=12)
    assert str(event.usage + event.usage)


def test_a_function_call_is_known_from_three_places() -> None:
    """Two events of its own, and the output of its response."""
    item = {"type": "function_call", "call_id": "f1", "name": "look", "arguments": '{"a":1}'}
    request = FunctionRequest(
        response_id="r", function_call_id="f1", name="look", arguments='{"a":1}'
    )
    done = {key: value for key, value in item.items() if key != "type"}

    assert _parse("response.function_call_arguments.done", response_id="r", **done) == request
    assert _parse("response.output_item.done", response_id="r", item=item) == request
    output = [{"type": "message"}, 7, {"type": "function_call"}, item]
    event = _parse("response.done", response={"id": "r", "output": output})
    assert isinstance(event, ResponseEnded)
    assert event.functions == (request,)


def test_a_function_call_without_a_name_or_an_id_is_none() -> None:
    """The one event may leave the name out; the item may not."""
    name = "response.function_call_arguments.done"
    assert _parse(name, call_id="f1", arguments="{}") == EventIgnored(name)
    item = {"type": "function_call", "call_id": "f1"}
    assert _parse("response.output_item.done", item=item) == EventMalformed("no_function")
    message = _parse("response.output_item.done", item={"type": "message"})
    assert message == EventIgnored("response.output_item.done")


@pytest.mark.parametrize(
    ("name", "key", "speaker", "is_final"),
    [
        ("response.output_audio_transcript.delta", "delta", Speaker.AGENT, False),
        ("response.audio_transcript.done", "transcript", Speaker.AGENT, True),
        ("response.output_text.done", "text", Speaker.AGENT, True),
        ("response.text.delta", "delta", Speaker.AGENT, False),
        (
            "conversation.item.input_audio_transcription.delta",
            "delta",
            Speaker.CALLER,
            False,
        ),
        (
            "conversation.item.input_audio_transcription.completed",
            "transcript",
            Speaker.CALLER,
            True,
        ),
    ],
)
def test_transcripts_are_known_under_all_names(
    name: str, key: str, speaker: Speaker, is_final: bool
) -> None:
    """With the field that each has for its text; one of no item is of no use."""
    assert _parse(name, item_id="i", **{key: "Hi"}) == TranscriptReceived(
        speaker=speaker, item_id="i", text="Hi", is_final=is_final
    )
    assert _parse(name, **{key: "Hi"}) == EventMalformed("no_item_id")


def test_turns_limits_and_idle_callers_are_told() -> None:
    """What can't be read of the limits is left out."""
    assert _parse("input_audio_buffer.committed", item_id="c") == TurnCommitted("c")
    assert _parse("input_audio_buffer.committed") == EventMalformed("no_item_id")
    assert _parse("input_audio_buffer.timeout_triggered") == IdleTriggered()
    limits = [{"name": "tokens", "remaining": 7, "reset_seconds": "soon"}, "odd", {}]
    assert _parse("rate_limits.updated", rate_limits=limits) == RateLimitsReported(
        (
            RateLimit(name="tokens", remaining=7.0, reset_s=None),
            RateLimit(name="", remaining=None, reset_s=None),
        )
    )
    assert _parse("rate_limits.updated", rate_limits=3) == RateLimitsReported(())
