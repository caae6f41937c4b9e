"""Fields of a peer's JSON messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.providers.json_fields import (
    MAX_COUNT,
    NotAnObject,
    count_at,
    number_at,
    object_at,
    parsed_object,
    text_at,
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", NotAnObject.NOT_JSON),
        ("{", NotAnObject.NOT_JSON),
        (b"\xff\xfe\x00", NotAnObject.NOT_JSON),
        ("[" * 100_000, NotAnObject.NOT_JSON),
        ("9" * 5000, NotAnObject.NOT_JSON),
        ("[]", NotAnObject.NOT_AN_OBJECT),
        ("null", NotAnObject.NOT_AN_OBJECT),
        ('"text"', NotAnObject.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_object_says_why(text: str | bytes, why: NotAnObject) -> None:
    """Too deep, or a number too long, is no JSON to us."""
    assert parsed_object(text) is why


def test_an_object_is_what_it_holds() -> None:
    """As text and as bytes; of a key that is there twice the last word counts."""
    assert parsed_object('{"a":1,"a":2}') == {"a": 2}
    assert parsed_object(b'{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (7, 7), (MAX_COUNT, MAX_COUNT), (MAX_COUNT + 1, 0), (10**4299, 0), (-1, 0)]
    + [(odd, 0) for odd in (True, 1.5, "7", None, [7])],
)
def test_a_count_is_a_whole_number_that_can_be_one(value: object, expected: int) -> None:
    """No answer takes a trillion tokens."""
    assert count_at({"n": value}, "n") == expected
    assert count_at({}, "n") == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0.0), (7, 7.0), (0.5, 0.5), (1e308, 1e308)]
    + [(odd, None) for odd in (-1, True, "7", None, [], 10**400, float("inf"), float("nan"))],
)
def test_a_number_is_finite_and_not_negative(value: object, expected: float | None) -> None:
    """Times and durations are."""
    assert number_at({"n": value}, "n") == expected
    assert number_at({}, "n") is None


@given(_JSON)
def test_a_field_is_of_its_type_or_none(value: Any) -> None:
    """Whatever is under the key."""
    message = parsed_object(json.dumps({"key": value}))
    assert not isinstance(message, NotAnObject)
    text = text_at(message, "key")

    assert text == (value if isinstance(value, str) else None)
    assert object_at(message, "key") == (value if isinstance(value, dict) else {})
    assert 0 <= count_at(message, "key") <= MAX_COUNT
