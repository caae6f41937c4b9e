"""Messages of a peer: what is in them, or one kind of error, whatever they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.errors import RemoteProtocolError
from voxgate.transports.json_messages import (
    is_unicode,
    number_in,
    parse_object,
    section_in,
    serialize_object,
    shown_name,
    text_in,
    texts_in,
)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 5000, "is not JSON"),
        ("1" * 5000, "is not JSON"),
        ("[]", "is not a JSON object"),
        ("null", "is not a JSON object"),
        ('{"a":"%s"}' % ("x" * 9992), "a message of 10000 characters; 9999 is all"),
    ],
)
def test_what_is_no_object_is_an_error(text: str, rule: str):
    """One kind of error, which says the rule and nothing of the message."""
    with pytest.raises(RemoteProtocolError, match=rule):
        parse_object(text, 9999)


@given(st.text(max_size=200))
def test_any_text_is_an_object_or_that_error(text: str):
    """Nothing else is raised."""
    try:
        message = parse_object(text, 100)
    except RemoteProtocolError:
        return
    assert isinstance(message, dict)


@given(st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=5))
def test_what_is_written_is_read(message: dict[str, Any]):
    """There and back, on one line."""
    text = serialize_object(message)
    assert parse_object(text, 10_000) == message
    assert "\n" not in text


@pytest.mark.parametrize("value", ["40", 40, "040"])
def test_a_number_may_be_text(value: Any):
    """Peers differ."""
    assert number_in({"at": value}, "media.at") == 40
    assert number_in({}, "media.at") is None


@pytest.mark.parametrize(
    "value", ["-1", "1.5", 1.5, True, "9" * 17, 2**53 + 1, -1, "\u0661", [], "", " 1", 10**400]
)
def test_what_is_no_whole_number_is_an_error(value: Any):
    """It names the whole key."""
    with pytest.raises(RemoteProtocolError, match=r"media\.at is not a whole number"):
        number_in({"at": value}, "media.at")


def test_texts_and_sections_are_what_they_are_asked_for():
    """And an error that names them if not."""
    message = {"media": {"text": "a", "texts": {"b": "c"}, "none": None}}
    media = section_in(message, "media")
    assert text_in(media, "media.text") == "a"
    assert texts_in(media, "media.texts", 1) == {"b": "c"}
    assert texts_in(media, "media.none", 1) == {}
    with pytest.raises(RemoteProtocolError, match="dtmf is not an object"):
        section_in(message, "dtmf")
    with pytest.raises(RemoteProtocolError, match=r"media\.texts is not text"):
        text_in(media, "media.texts")


@pytest.mark.parametrize(
    ("texts", "rule"),
    [
        ({"a": 1}, "x.texts holds what is not text"),
        ({"a": "\ud800"}, "x.texts holds what is not text"),
        ({"\udc00": "a"}, "x.texts holds what is not text"),
        ({"a": "", "b": "", "c": ""}, "x.texts is not an object of at most 2 texts"),
        (["a"], "x.texts is not an object"),
        ("a", "x.texts is not an object"),
    ],
)
def test_what_is_no_object_of_texts_is_an_error(texts: Any, rule: str):
    """Half of a surrogate pair is no text, and too many are too many."""
    with pytest.raises(RemoteProtocolError, match=rule):
        texts_in({"texts": texts}, "x.texts", 2)


def test_names_are_shown_if_they_are_plain():
    """A log may be read by anybody, and on any terminal."""
    assert shown_name("call-1_b.2", "?") == "call-1_b.2"
    for name in ("", "<b>", "a b", "\x1b[0m", "x" * 65, "\u00e9"):
        assert shown_name(name, "?") == "?"


def test_half_a_surrogate_pair_is_no_unicode():
    """A whole one is."""
    assert is_unicode(json.loads('"\\ud83d\\ude00"'))
    assert not is_unicode(json.loads('"\\ud83d"'))
