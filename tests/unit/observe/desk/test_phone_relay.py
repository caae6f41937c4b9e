"""The desk's phone: what of a page's messages is changed on the way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.observe.desk.phone_relay import sendable_code, with_token

TOKEN = "own"  # noqa: S105 - of a test


def test_the_start_of_a_call_gets_the_line_s_own_token() -> None:
    """Whatever the page says; the rest is as it was."""
    start = {"type": "start", "rate_hz": 16_000, "token": "guess", "parameters": {"a": "b"}}
    assert json.loads(with_token(json.dumps(start), TOKEN)) == {**start, "token": TOKEN}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "hangup"}', "7", "[" * 50_000])
def test_any_other_message_is_as_it_was(text: str) -> None:
    """Whether it is one is the line's to say; the token goes nowhere else."""
    assert with_token(text, TOKEN) == text


@given(st.text(max_size=50))
def test_no_message_is_an_error(text: str) -> None:
    """Whatever a page sends."""
    assert isinstance(with_token(text, TOKEN), str)


@pytest.mark.parametrize(
    ("code", "sent"), [(1000, 1000), (1002, 1002), (1005, 1011), (1006, 1011), (None, 1011)]
)
def test_only_a_code_that_may_be_sent_is(code: int | None, sent: int) -> None:
    """A line that was lost has one that no endpoint may send."""
    assert sendable_code(code) == sent
