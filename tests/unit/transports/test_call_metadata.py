"""What is known of a call, from a file or from an answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.errors import RemoteProtocolError
from voxgate.transports.call_metadata import (
    MAX_ANSWER_BYTES,
    NO_METADATA,
    KnownCallTable,
    parse_metadata,
)

ID = "c0ffee00-1234-4abc-8def-000000000700"


def test_an_object_of_texts_is_metadata() -> None:
    """Names are the operator's own; nothing said is nothing known."""
    assert parse_metadata(b'{"called_number": "700", "vip": ""}') == {
        "called_number": "700",
        "vip": "",
    }
    assert parse_metadata(b"") == parse_metadata(b" {} ") == NO_METADATA == {}


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"<html>", "^the answer is not JSON$"),
        (b"\xff", "^the answer is not JSON$"),
        (b"[" * 9000, "^the answer is not JSON$"),
        (b"[]", "^the answer is not a JSON object of texts$"),
        (b'"x"', "^the answer is not a JSON object of texts$"),
        (b'{"a": 1}', "^the answer is not a JSON object of texts$"),
        (b'{"a": null}', "^the answer is not a JSON object of texts$"),
        (b'{"a": {"b": "c"}}', "^the answer is not a JSON object of texts$"),
        (b'{"a": "\\ud800"}', "^the answer is not a JSON object of texts$"),
        (b'{"\\udfff": "a"}', "^the answer is not a JSON object of texts$"),
        (b'{"": "x"}', "too many entries, or too long ones$"),
        (json.dumps({"n" * 101: "x"}).encode(), "too long ones$"),
        (json.dumps({"n": "x" * 501}).encode(), "too long ones$"),
        (json.dumps({str(n): "x" for n in range(51)}).encode(), "too many entries"),
        (b" " * (MAX_ANSWER_BYTES + 1), "^the answer is longer than 16384 bytes$"),
    ],
)
def test_any_other_answer_is_refused_whole(body: bytes, rule: str) -> None:
    """Half of the truth about a call could choose the wrong agent; the answer is not shown."""
    with pytest.raises(RemoteProtocolError, match=rule):
        parse_metadata(body)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_any_bytes_are_metadata_or_refused(body: bytes) -> None:
    """No other exception, whatever a server says."""
    try:
        metadata = parse_metadata(body)
    except RemoteProtocolError:
        return
    assert all(isinstance(text, str) for text in metadata.values())


@given(
    st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=50), max_size=10),
)
def test_what_was_said_is_what_is_known(metadata: dict[str, str]) -> None:
    """In any language."""
    assert parse_metadata(json.dumps(metadata).encode()) == metadata


def test_a_call_is_known_by_its_id_before_its_end_and_by_the_longest_end() -> None:
    """In whatever case the id is written."""
    table = KnownCallTable(
        {
            "*700": {"called_number": "700"},
            "*0000700": {"called_number": "0700"},
            ID.upper(): {"called_number": "the very call"},
        }
    )
    assert table.metadata_of(ID) == {"called_number": "the very call"}
    assert table.metadata_of("ab" + ID[2:]) == {"called_number": "0700"}
    assert table.metadata_of("1111700") == {"called_number": "700"}
    assert table.metadata_of("701") == {}


def test_an_end_of_nothing_is_every_call() -> None:
    """The star alone."""
    assert KnownCallTable({"*": {"site": "north"}}).metadata_of(ID) == {"site": "north"}


def test_the_table_is_not_changed_from_outside() -> None:
    """Neither by what it was made of, nor by what it gave."""
    calls = {"*700": {"a": "b"}}
    table = KnownCallTable(calls)
    calls["*700"]["a"] = "c"
    known = table.metadata_of(ID)
    assert known == {"a": "b"}
    with pytest.raises(TypeError):
        known["a"] = "c"  # type: ignore[index]
