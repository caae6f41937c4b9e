"""A session without sockets and clocks: its settings, items, answers on request, and bad input.

Every event out of it is judged by the SDK's types.
"""

from __future__ import annotations

from base64 import b64encode
from importlib.resources import files
from typing import Any

import pytest

from support.realtime_client import SessionDriver, audio_of, error_of, mulaw_driver, types
from voxgate.realtime_server.answerer import Speech
from voxgate.realtime_server.response import Pace
from voxgate.realtime_server.session import SessionOptions
from voxgate.realtime_server.voice_library import VoiceLibrary, agent_voices

CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")
SECOND = b"\xff" * 8000
"""A second of silence in mu-law."""


def test_a_session_begins_with_session_created() -> None:
    """With the whole session object, and an id."""
    driver = SessionDriver()
    assert types(driver.events) == ["session.created"]
    session = driver.events[0]["session"]
    assert session["object"] == "realtime.session"
    assert session["id"] == "sess_test"
    assert session["model"] == "gpt-realtime"
    assert session["expires_at"] == 2_000_000_000
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"


def test_an_update_is_answered_with_the_whole_session() -> None:
    """What was set, and what was left as it was."""
    driver = SessionDriver()
    (event,) = driver.update(instructions="Be brief.", audio={"output": {"voice": "cedar"}})
    assert event["type"] == "session.updated"
    assert event["session"]["instructions"] == "Be brief."
    assert event["session"]["audio"]["output"]["voice"] == "cedar"
    assert event["session"]["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


def test_a_bad_update_changes_nothing() -> None:
    """It is refused whole, with the id of the event, and the session goes on."""
    driver = SessionDriver()
    events = driver.send(
        "session.update",
        event_id="e1",
        session={"type": "realtime", "instructions": "x", "temperature": 0.8},
    )
    error = error_of(events)
    assert error["type"] == "invalid_request_error"
    assert (error["code"], error["param"], error["event_id"]) == (
        "unknown_parameter",
        "session.temperature",
        "e1",
    )
    (updated,) = driver.update()
    assert updated["session"]["instructions"] == ""


def test_the_model_of_a_session_stays() -> None:
    """Naming the same one is fine."""
    driver = SessionDriver()
    assert types(driver.update(model="gpt-realtime")) == ["session.updated"]
    assert error_of(driver.update(model="other"))["param"] == "session.model"


def test_the_voice_is_locked_after_the_first_audio() -> None:
    """And everything else can still be set."""
    driver = mulaw_driver("go_on")
    assert types(driver.update(audio={"output": {"voice": "cedar"}})) == ["session.updated"]
    driver.send("response.create")
    driver.finish_response()
    error = error_of(driver.update(audio={"output": {"voice": "marin"}}))
    assert error["code"] == "cannot_update_voice"
    assert types(driver.update(instructions="x")) == ["session.updated"]


def test_a_session_ends_after_its_time() -> None:
    """An error event, close 1001 with the same words, and silence from then on."""
    driver = SessionDriver(max_session_ms=60_000.0)
    assert driver.wait(59_990, step_ms=1000) == []
    error = error_of(driver.wait(20))
    assert error["code"] == "session_expired"
    assert error["message"] == "Your session hit the maximum duration of 1 minutes."
    assert driver.closed is not None
    assert (driver.closed.code, driver.closed.reason) == (1001, error["message"])
    assert driver.session.is_closed
    assert driver.session.next_deadline_ms() is None
    assert driver.send("response.create") == []
    line = agent_voices()["go_on"]
    speech = Speech(text=line.text, audio=line.audio, audio_format=line.audio_format)
    assert driver.say("resp_late", speech) == []
    driver.session.receive_answer_failure("resp_late", driver.now_ms)
    assert driver.wait(1000) == []


def test_a_limit_that_can_not_be_is_refused() -> None:
    """At construction."""
    with pytest.raises(ValueError, match="max_session_ms"):
        SessionOptions(max_session_ms=0)


# Responses and items on request


def test_a_greeting_is_asked_for_by_instructions() -> None:
    """A sentence that there is a rendering for is said word for word."""
    driver = mulaw_driver("card_payment")
    text = agent_voices()["hello"].text
    driver.send("response.create", response={"instructions": f"Say exactly: {text}"})
    events = driver.finish_response()
    assert audio_of(events) == agent_voices()["hello"].audio
    assert driver.requests[0].turns_heard == 0


def test_a_greeting_nobody_rendered_is_the_default_one() -> None:
    """Better another greeting than none."""
    driver = mulaw_driver("card_payment")
    driver.send("response.create", response={"instructions": "Say: Welcome to the museum."})
    assert audio_of(driver.finish_response()) == agent_voices()["greeting"].audio


def test_a_text_item_is_answered_by_its_words() -> None:
    """The other way to ask for a sentence; it counts for one answer only."""
    driver = mulaw_driver("card_payment")
    text = agent_voices()["goodbye"].text
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": f"Please say: {text}"}],
    }
    events = driver.send("conversation.item.create", item=item)
    assert types(events) == ["conversation.item.added", "conversation.item.done"]
    assert driver.requests == []
    driver.send("response.create")
    assert audio_of(driver.finish_response()) == agent_voices()["goodbye"].audio
    driver.send("response.create")
    assert audio_of(driver.finish_response()) == agent_voices()["card_payment"].audio


def test_an_input_of_its_own_comes_before_the_conversation() -> None:
    """Out of band, with text: what the API calls custom context."""
    driver = mulaw_driver("card_payment")
    message = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": agent_voices()["go_on"].text}],
    }
    driver.send(
        "response.create",
        response={
            "conversation": "none",
            "input": [message, {"type": "item_reference", "id": "item_x"}],
            "metadata": {"topic": "t"},
            "output_modalities": ["text"],
            "max_output_tokens": 500,
        },
    )
    events = driver.finish_response()
    done = driver.of_type("response.done")[0]["response"]
    assert done["metadata"] == {"topic": "t"}
    assert done["conversation_id"] is None
    assert done["output_modalities"] == ["text"]
    assert done["output"][0]["content"][0]["text"] == agent_voices()["go_on"].text
    assert not [name for name in types(events) if name.startswith("conversation.")]


def test_a_response_may_have_a_format_of_its_own() -> None:
    """The session's stays as it is."""
    driver = mulaw_driver("go_on")
    driver.send(
        "response.create", response={"audio": {"output": {"format": {"type": "audio/pcma"}}}}
    )
    events = driver.finish_response()
    created = driver.of_type("response.created")[0]["response"]
    assert created["audio"]["output"]["format"] == {"type": "audio/pcma"}
    assert audio_of(events) != agent_voices()["greeting"].audio
    assert len(audio_of(events)) == len(agent_voices()["greeting"].audio)


def test_a_second_response_is_refused() -> None:
    """While the first one runs."""
    driver = mulaw_driver("service_time")
    driver.send("response.create")
    error = error_of(driver.send("response.create", event_id="e3"))
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] == "e3"


def test_items_can_be_created_retrieved_and_deleted() -> None:
    """With ids of the client's own, in the place asked for."""
    driver = SessionDriver()

    def message(item_id: str) -> dict[str, Any]:
        content = [{"type": "output_text", "text": "Hi"}]
        return {"id": item_id, "type": "message", "role": "assistant", "content": content}

    driver.send("conversation.item.create", item=message("a"))
    driver.send("conversation.item.create", item=message("b"), previous_item_id="root")
    events = driver.send("conversation.item.create", item=message("c"), previous_item_id="b")
    assert [event["previous_item_id"] for event in events] == ["b", "b"]
    (retrieved,) = driver.send("conversation.item.retrieve", item_id="c")
    assert retrieved["item"]["content"] == [{"type": "output_text", "text": "Hi"}]
    (deleted,) = driver.send("conversation.item.delete", item_id="c")
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", "c")
    error = error_of(driver.send("conversation.item.retrieve", item_id="c"))
    assert error["code"] == "item_retrieve_invalid_item_id"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}],
        },
    ],
)
def test_every_kind_of_item_is_kept(item: dict[str, Any]) -> None:
    """As it was sent, with an id."""
    driver = SessionDriver()
    added, done = driver.send("conversation.item.create", item=item)
    assert added["item"]["id"].startswith("item_")
    assert added["item"] == done["item"]
    for name, value in item.items():
        if name != "content":
            assert added["item"][name] == value


def test_audio_in_an_item_is_checked_and_kept() -> None:
    """It is in the input format; events show the item without it, retrieval with it."""
    driver = mulaw_driver("card_payment")

    def item(audio: str) -> dict[str, Any]:
        content = [{"type": "input_audio", "audio": audio, "transcript": "Stop."}]
        return {"id": "said", "type": "message", "role": "user", "content": content}

    error = error_of(driver.send("conversation.item.create", item=item("no base64!")))
    assert error["param"] == "item.content[0].audio"
    audio = b64encode(CALLER["stop"].audio).decode()
    added, _ = driver.send("conversation.item.create", item=item(audio))
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": "Stop."}]
    (retrieved,) = driver.send("conversation.item.retrieve", item_id="said")
    assert retrieved["item"]["content"][0]["audio"] == audio


# Answers from outside


def test_a_failed_answer_ends_its_response_only() -> None:
    """The session goes on, and the next answer is fine."""
    driver = mulaw_driver("go_on")
    answerer, driver.answerer = driver.answerer, None
    driver.append(CALLER["stop"].audio + SECOND)
    driver.session.receive_answer_failure(driver.asked[0], driver.now_ms)
    events = driver.wait(10)
    assert types(events) == ["response.done", "rate_limits.updated"]
    assert events[0]["response"]["status"] == "failed"
    driver.answerer = answerer
    driver.append(CALLER["stop"].audio + SECOND)
    assert driver.finish_response()[-2]["response"]["status"] == "completed"


def test_a_slow_answer_is_waited_for() -> None:
    """A model thinks for 3 s: response.created is there at once, audio when there is some."""
    driver = mulaw_driver("go_on")
    driver.answerer = None
    driver.append(CALLER["stop"].audio + SECOND)
    assert driver.events[-1]["type"] == "response.created"
    assert driver.wait(3000) == []
    line = agent_voices()["go_on"]
    speech = Speech(text=line.text, audio=line.audio, audio_format=line.audio_format)
    events = driver.say(driver.asked[0], speech)
    assert events[0]["type"] == "response.output_item.added"
    assert driver.finish_response()[-1]["type"] == "rate_limits.updated"


def test_audio_is_faster_than_real_time() -> None:
    """By the ratio asked for: 24 s of answer in 3 s at 8 times, in 12 s at twice."""
    for speed_ratio in (8.0, 2.0):
        pace = Pace(speed_ratio=speed_ratio, first_delta_ms=0)
        driver = SessionDriver(["service_time"], pace=pace)
        driver.use_mulaw()
        driver.append(CALLER["question"].audio + SECOND)
        start_ms = driver.now_ms
        driver.finish_response()
        expected_ms = agent_voices()["service_time"].duration_ms / speed_ratio
        assert driver.now_ms - start_ms == pytest.approx(expected_ms, rel=0.02)


# Bad input


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "invalid_json"),
        (b"{}", "invalid_event"),
        ("[]", "invalid_event"),
        ('{"type":"response.start"}', "invalid_value"),
        ('{"type":"input_audio_buffer.append","audio":"%%%"}', "invalid_value"),
        ('{"type":"input_audio_buffer.append","audio":"AA=="}', "invalid_value"),
        ('{"type":"input_audio_buffer.append","audio":7}', "invalid_type"),
        ('{"type":"input_audio_buffer.append"}', "missing_required_parameter"),
        ('{"type":"input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"),
        ('{"type":"output_audio_buffer.clear"}', "invalid_value"),
        (
            '{"type":"session.update","session":{"type":"realtime","voice":"a"}}',
            "unknown_parameter",
        ),
        ('{"type":"conversation.item.delete","item_id":"x"}', "item_delete_invalid_item_id"),
        (
            '{"type":"conversation.item.truncate","item_id":"x","content_index":0,"audio_end_ms":0}',
            "item_truncate_invalid_item_id",
        ),
        ('{"type":"response.cancel"}', "response_cancel_not_active"),
    ],
)
def test_bad_input_gets_one_error_and_the_session_lives_on(message: str | bytes, code: str) -> None:
    """Each its own, and the next good event is carried out."""
    driver = SessionDriver(["go_on"])
    assert error_of(driver.send_raw(message))["code"] == code
    assert driver.closed is None
    assert driver.session.record.events("error")[-1].detail == code
    driver.send("response.create")
    assert driver.finish_response()[-2]["response"]["status"] == "completed"
