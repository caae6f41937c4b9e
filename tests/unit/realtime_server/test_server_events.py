"""Every event built is one of the API's, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from support.openai_events import server_event_types, validated
from voxgate.realtime_server import server_events as build
from voxgate.realtime_server.request_error import RequestError
from voxgate.realtime_server.session_config import SessionConfig

AT = build.PartAddress(response_id="resp_1", item_id="item_1")
ITEM: dict[str, Any] = {
    "id": "item_1",
    "object": "realtime.item",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_audio", "transcript": "Hi"}],
}
FUNCTION: dict[str, Any] = {
    "id": "item_2",
    "object": "realtime.item",
    "type": "function_call",
    "status": "completed",
    "name": "weather",
    "call_id": "call_1",
    "arguments": "{}",
}
SESSION = {"id": "sess_1", "object": "realtime.session", "expires_at": 2_000_000_000} | (
    SessionConfig(type="realtime", model="gpt-realtime").model_dump()
)
RESPONSE = {"id": "resp_1", "object": "realtime.response", "status": "completed", "output": [ITEM]}

EVENTS = [
    build.session_created(SESSION),
    build.session_updated(SESSION),
    build.error(RequestError("No.", code=None)),
    build.error(RequestError("No.", code="c", param="p", event_id="e")),
    build.speech_started("item_1", 12.4),
    build.speech_stopped("item_1", 99.6),
    build.timeout_triggered("item_1", 1.0, 2.0),
    build.input_audio_committed("item_1", None),
    build.input_audio_cleared(),
    build.transcription_delta("item_1", "Hello"),
    build.transcription_completed("item_1", "Hello there.", 1240.0),
    build.transcription_failed("item_1", "transcription_failed", "No."),
    build.item_added(ITEM, "item_0"),
    build.item_done(ITEM, None),
    build.item_retrieved(ITEM),
    build.item_deleted("item_1"),
    build.item_truncated("item_1", 0, 100),
    build.response_created(RESPONSE),
    build.response_done(RESPONSE),
    build.output_item_added("resp_1", ITEM),
    build.output_item_done("resp_1", ITEM),
    build.output_item_added("resp_1", FUNCTION, 1),
    build.function_arguments_delta("resp_1", FUNCTION, 1),
    build.function_arguments_done("resp_1", FUNCTION, 1),
    build.content_part_added(AT, {"type": "audio", "transcript": ""}),
    build.content_part_done(AT, {"type": "text", "text": "Hi"}),
    build.output_audio_delta(AT, "AAAA"),
    build.output_audio_done(AT),
    build.output_transcript_delta(AT, "Hi"),
    build.output_transcript_done(AT, "Hi"),
    build.output_text_delta(AT, "Hi"),
    build.output_text_done(AT, "Hi"),
    build.rate_limits_updated(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["type"])
def test_the_sdk_takes_every_event_strictly(event: build.Event) -> None:
    """No field is missing, of another type, or unknown to the SDK."""
    assert validated({**event, "event_id": "event_1"}).model_dump(exclude_unset=True)


def test_every_builder_is_tried_here() -> None:
    """A builder that is added without a row above is found out."""
    builders = set(build.__all__) - {"Event", "PartAddress"}
    assert len({event["type"] for event in EVENTS}) == len(builders)
    assert {event["type"] for event in EVENTS} <= server_event_types()


def test_times_are_whole_milliseconds() -> None:
    """The API has integers there; they are rounded, not cut."""
    assert build.speech_started("i", 12.4)["audio_start_ms"] == 12
    assert build.speech_stopped("i", 99.6)["audio_end_ms"] == 100


def test_the_judge_is_strict() -> None:
    """It refuses what the SDK itself would let pass."""
    good = {**build.item_deleted("item_1"), "event_id": "event_1"}
    assert validated(good)
    for bad in (
        {**good, "type": "item.gone"},
        {**good, "extra": 1},
        {key: value for key, value in good.items() if key != "event_id"},
        {**good, "item_id": 5},
        {key: value for key, value in good.items() if key != "item_id"},
    ):
        with pytest.raises((AssertionError, ValueError)):
            validated(bad)
