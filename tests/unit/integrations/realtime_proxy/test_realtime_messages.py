"""Messages are read where they concern the gate, and changed only where their audio stands."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.integrations.realtime_proxy.realtime_messages import (
    audio_in,
    parse_client_message,
    parse_server_message,
    serialize_append,
    with_audio,
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    """Whatever a peer sends is read or is None."""
    for message in (parse_client_message(data), parse_server_message(data)):
        assert message is None or isinstance(message.type, str)


@given(st.dictionaries(st.sampled_from(["type", "audio", "session", "delta", "x"]), _JSON))
def test_fields_may_be_of_any_type(event: dict[str, object]) -> None:
    """An event counts as one by its type alone."""
    data = json.dumps(event).encode()
    is_event = isinstance(event.get("type"), str)
    assert (parse_client_message(data) is not None) == is_event
    assert (parse_server_message(data) is not None) == is_event


def test_nesting_without_end_is_no_event() -> None:
    """A message made to exhaust the parser passes unread."""
    assert parse_client_message(b'{"type":"a","x":' + b"[" * 100_000) is None


@pytest.mark.parametrize("field", [None, 5, "a", "====", "Zm9v\n", "ä", "Zg"])
def test_what_is_no_base64_is_no_audio(field: object) -> None:
    """It is left to the server to judge."""
    assert audio_in(field) is None


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_other_audio_leaves_the_rest_of_an_event_as_it_is(before: bytes, after: bytes) -> None:
    """Spaces, order of the fields, and fields that nobody knows stay."""
    old, new = b64encode(before).decode(), b64encode(after).decode()
    text = '{ "event_id" : "a b" , "audio":"%s",  "future":[1, 2.50],"type":"T"}'
    data = (text % old).encode()
    assert with_audio(data, after) == (text % new).encode()


@pytest.mark.parametrize(
    ("data", "changed"),
    [
        (b'{"type":"t","audio":"a\\/b\\/"}', b'{"type":"t","audio":"eHl6"}'),
        (b'{"type":"t","audio":"QUJD","id":"QUJD"}', b'{"type":"t","audio":"eHl6","id":"QUJD"}'),
        (b'{"audio":"a\\/bc","id":"a/bc","n":1e999}', b'{"audio":"eHl6","id":"a/bc","n":1e999}'),
        (b'{"audio" :\n "QUJD" }', b'{"audio" :\n "eHl6" }'),
        (b'{"k":"audio","audio":"QUJD"}', b'{"k":"audio","audio":"eHl6"}'),
        (b'{"\\u0061udio":"QUJD","k":"audio"}', b'{"audio":"eHl6","k":"audio"}'),
        (b'{"k":"audio","\\u0061udio":"QUJD"}', b'{"k":"audio","audio":"eHl6"}'),
        (b'{"\\u0061udio":"QUJD","n":[1]}', b'{"audio":"eHl6","n":[1]}'),
        (b'{"x":{"audio":"QUJD"},"audio":"QUJD"}', b'{"x":{"audio":"QUJD"},"audio":"eHl6"}'),
    ],
)
def test_audio_is_replaced_where_it_stands_and_nowhere_else(data: bytes, changed: bytes) -> None:
    """PHP writes a slash as two characters; an id may be what the audio is, too."""
    assert with_audio(data, b"xyz") == changed


def test_an_append_of_our_own_is_one() -> None:
    """It reads as a client's."""
    message = parse_client_message(serialize_append(b"\xff" * 160))
    assert message is not None
    assert message.type == "input_audio_buffer.append"
    assert audio_in(message.audio) == b"\xff" * 160
