"""Messages of clients become typed events, or errors that name what was wrong."""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.realtime_server.client_events import (
    AppendAudio,
    CancelResponse,
    CreateItem,
    CreateResponse,
    TruncateItem,
    UpdateSession,
    UserMessage,
    parse_client_event,
)
from voxgate.realtime_server.request_error import RequestError

TYPES = (
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "output_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.retrieve",
    "conversation.item.delete",
    "conversation.item.truncate",
    "response.create",
    "response.cancel",
)


def problem_with(message: str | bytes | dict[str, Any]) -> RequestError:
    """Return the error that a message gives."""
    with pytest.raises(RequestError) as caught:
        parse_client_event(json.dumps(message) if isinstance(message, dict) else message)
    return caught.value


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "session.update", "session": {"type": "realtime"}}, UpdateSession),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, AppendAudio),
        ({"type": "response.create"}, CreateResponse),
        ({"type": "response.create", "response": {"instructions": "Hi"}}, CreateResponse),
        ({"type": "response.cancel", "event_id": "e", "response_id": "r"}, CancelResponse),
        (
            {
                "type": "conversation.item.truncate",
                "item_id": "i",
                "content_index": 0,
                "audio_end_ms": 1500,
            },
            TruncateItem,
        ),
    ],
)
def test_a_good_event_keeps_its_fields(message: dict[str, Any], kind: type) -> None:
    """What was sent is what is there."""
    event = parse_client_event(json.dumps(message))
    assert isinstance(event, kind)
    assert event.model_dump(exclude_unset=True) == message


def test_all_eleven_client_events_are_known() -> None:
    """An unknown type is told all that exist, and each of those is understood."""
    problem = problem_with({"type": "nope", "event_id": "e1"})
    assert (problem.code, problem.param, problem.event_id) == ("invalid_value", "type", "e1")
    for name in TYPES:
        assert f"'{name}'" in problem.message
        try:
            parse_client_event(json.dumps({"type": name}))
        except RequestError as error:
            assert error.code == "missing_required_parameter", name  # noqa: PT017


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ('{"type": NaN}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ('{"type": "\\ud800"}', "invalid_json"),
        ("[]", "invalid_event"),
        ("null", "invalid_event"),
        (b"\x00\xff", "invalid_event"),
        ("{}", "missing_required_parameter"),
        ('{"type": 7}', "invalid_type"),
    ],
)
def test_what_is_no_event_at_all_is_refused(message: str | bytes, code: str) -> None:
    """Malformed JSON, binary frames and JSON of another shape each have their code."""
    assert problem_with(message).code == code


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        (
            {"type": "session.update", "session": {"type": "realtime", "voice": "alloy"}},
            "unknown_parameter",
            "session.voice",
        ),
        (
            {"type": "session.update", "session": {}},
            "missing_required_parameter",
            "session.type",
        ),
        (
            {"type": "session.update", "session": {"type": "transcription"}},
            "invalid_parameter",
            "session",
        ),
        (
            {
                "type": "session.update",
                "session": {
                    "type": "realtime",
                    "audio": {"output": {"format": {"type": "audio/pcm"}}},
                },
            },
            "missing_required_parameter",
            "session.audio.output.format.rate",
        ),
        ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_type", "audio"),
        ({"type": "input_audio_buffer.commit", "x": 5}, "unknown_parameter", "x"),
        (
            {"type": "conversation.item.create", "item": {"type": "message", "content": []}},
            "missing_required_parameter",
            "item.role",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": [{"type": "text"}]},
            },
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {"type": "response.create", "response": {"modalities": ["audio"]}},
            "unknown_parameter",
            "response.modalities",
        ),
        (
            {
                "type": "conversation.item.truncate",
                "item_id": "i",
                "content_index": 0,
                "audio_end_ms": 1.5,
            },
            "invalid_type",
            "audio_end_ms",
        ),
    ],
)
def test_a_wrong_field_is_named(message: dict[str, Any], code: str, param: str) -> None:
    """The error names the field by its path and the event by its id."""
    problem = problem_with({**message, "event_id": "e9"})
    assert (problem.code, problem.param, problem.event_id) == (code, param, "e9")


def test_both_modalities_at_once_are_refused_in_words() -> None:
    """A rule of the API's own has a message of its own."""
    session = {"type": "realtime", "output_modalities": ["audio", "text"]}
    problem = problem_with({"type": "session.update", "session": session})
    assert (problem.code, problem.param) == ("invalid_value", "session.output_modalities")
    assert problem.message == (
        "Invalid modalities: ['audio', 'text']. Supported combinations are: ['text'] and ['audio']."
    )


def test_an_endless_event_id_is_not_repeated() -> None:
    """An id beyond the bound is refused and stays out of the error."""
    problem = problem_with({"type": "response.create", "event_id": "x" * 600})
    assert (problem.code, problem.param) == ("string_above_max_length", "event_id")
    assert problem.event_id is None


def test_a_message_item_is_typed_by_role() -> None:
    """The role decides which content is allowed."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    event = parse_client_event(json.dumps({"type": "conversation.item.create", "item": item}))
    assert isinstance(event, CreateItem)
    assert isinstance(event.item, UserMessage)
    problem = problem_with(
        {"type": "conversation.item.create", "item": {**item, "role": "assistant"}}
    )
    assert problem.param == "item.content[0].type"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(st.sampled_from(TYPES), st.dictionaries(st.text(max_size=12), json_values, max_size=4))
def test_any_json_parses_or_is_refused(event_type: str, fields: dict[str, Any]) -> None:
    """No JSON object gets any other exception out of the parser."""
    try:
        event = parse_client_event(json.dumps({**fields, "type": event_type}))
    except RequestError as error:
        assert error.code  # noqa: PT017
    else:
        assert event.type == event_type


@given(st.text() | st.binary())
def test_any_message_parses_or_is_refused(message: str | bytes) -> None:
    """Nor does any text or binary message."""
    try:
        parse_client_event(message)
    except RequestError as error:
        assert error.message  # noqa: PT017


def test_nothing_of_an_event_is_kept() -> None:
    """The parser's own memory of strings, which is for names, has no ids and no words in it."""

    def take(number: int) -> None:
        event = {"type": "conversation.item.truncate", "event_id": f"event-{number}"}
        place = {"item_id": f"item-{number}", "content_index": 0, "audio_end_ms": number}
        parse_client_event(json.dumps({**event, **place}))

    take(0)
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(1, 2000):
        take(number)
    gc.collect()
    assert sys.getallocatedblocks() - before < 500
