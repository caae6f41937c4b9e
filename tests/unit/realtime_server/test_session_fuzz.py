"""Whatever a client sends, a session answers with valid events and lives on."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.message_fuzz import mutated
from support.openai_events import validated
from support.openai_shapes import client_events
from support.realtime_client import SessionDriver, types

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
good_parts: dict[str, st.SearchStrategy[Any]] = {
    "session": st.fixed_dictionaries(
        {"type": st.just("realtime")},
        optional={
            "instructions": st.text(max_size=5),
            "output_modalities": st.sampled_from([["text"], ["audio"], []]),
            "max_output_tokens": st.sampled_from(["inf", 1, 20, 0]),
            "audio": st.fixed_dictionaries(
                {},
                optional={
                    "input": st.fixed_dictionaries(
                        {},
                        optional={
                            "format": st.sampled_from(
                                [
                                    {"type": "audio/pcmu"},
                                    {"type": "audio/pcma"},
                                    {"type": "audio/pcm", "rate": 24000},
                                    {"type": "audio/pcm"},
                                ]
                            ),
                            "turn_detection": st.sampled_from(
                                [None, {"type": "server_vad"}, {"type": "semantic_vad"}, {}]
                            ),
                            "transcription": st.sampled_from([None, {"model": "whisper-1"}]),
                        },
                    ),
                    "output": st.fixed_dictionaries(
                        {}, optional={"voice": st.sampled_from(["marin", {"id": "v"}, 3])}
                    ),
                },
            ),
        },
    ),
    "audio": st.binary(max_size=2000).map(lambda data: b64encode(data).decode()),
    "item_id": st.sampled_from(["a", "item_test00001"]),
    "content_index": st.integers(0, 1),
    "audio_end_ms": st.integers(0, 5000),
    "item": st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "role": st.sampled_from(["user", "assistant", "system"]),
            "content": st.just([{"type": "input_text", "text": "x"}]),
        },
        optional={"id": st.just("a")},
    ),
    "previous_item_id": st.sampled_from(["a", "root"]),
    "response": st.fixed_dictionaries(
        {},
        optional={
            "instructions": st.text(max_size=5),
            "conversation": st.sampled_from(["auto", "none"]),
            "output_modalities": st.sampled_from([["text"], ["audio"]]),
        },
    ),
}
FIELDS = {
    "session.update": ["session"],
    "input_audio_buffer.append": ["audio"],
    "input_audio_buffer.commit": [],
    "input_audio_buffer.clear": [],
    "conversation.item.create": ["item", "previous_item_id"],
    "conversation.item.retrieve": ["item_id"],
    "conversation.item.delete": ["item_id"],
    "conversation.item.truncate": ["item_id", "content_index", "audio_end_ms"],
    "response.create": ["response"],
    "response.cancel": [],
}


@st.composite
def client_messages(draw: st.DrawFn) -> dict[str, Any]:
    """Return an event that is right, nearly right, or not at all."""
    event_type = draw(st.sampled_from(sorted(FIELDS)))
    event: dict[str, Any] = {"type": event_type}
    for name in FIELDS[event_type]:
        event[name] = draw(good_parts[name] | json_values)
    return {**event, **draw(st.just({}) | st.dictionaries(st.text(max_size=6), json_values))}


_OWN_VOICE = {"type": "realtime", "audio": {"output": {"voice": {"id": "v"}}}}


@settings(max_examples=60)
@example([{"type": "session.update", "session": _OWN_VOICE}], 0)
@given(st.lists(client_messages(), max_size=12), st.integers(0, 500))
def test_no_json_breaks_a_session(messages: list[dict[str, Any]], step_ms: int) -> None:
    """Whatever comes, every event out is valid, and the session still answers."""
    driver = SessionDriver(["go_on"])
    for message in messages:
        driver.send_raw(json.dumps(message))
        driver.wait(step_ms, step_ms=100)
    assert types(driver.update(instructions="still here")) == ["session.updated"]


@given(st.text() | st.binary())
def test_no_message_breaks_a_session(message: str | bytes) -> None:
    """One event comes of it, and it is an error."""
    driver = SessionDriver()
    assert types(driver.send_raw(message)) == ["error"]


FUZZ_INPUTS = 2000
"""Of the seeded run; a million once."""


def test_events_with_something_wrong_in_them_get_an_answer() -> None:
    """Of every type of the SDK, seeded: bytes changed, keys repeated, values swapped, nested
    deeply. Each gets a valid event, and the session goes on."""
    rng = np.random.default_rng(3)
    originals = [json.dumps(event) for event in (*client_events(rng), *client_events(rng))]
    driver = SessionDriver()
    n_answered = 0
    for _ in range(FUZZ_INPUTS):
        events = driver.send_raw(mutated(originals, rng))
        n_answered += bool(events)
        driver.now_ms += 20.0
        driver.session.handle_deadline(driver.now_ms)
        for event in events:
            validated(event)
    assert not driver.session.is_closed
    assert n_answered > FUZZ_INPUTS // 2
