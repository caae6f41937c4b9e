"""What parent and worker say to each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.errors import LocalProtocolError
from voxgate.workers import messages
from voxgate.workers.messages import FromWorker, parse_message, serialize_message


@given(
    st.sampled_from(FromWorker), st.dictionaries(st.sampled_from("abc"), st.text() | st.integers())
)
def test_what_is_said_is_heard(kind: FromWorker, fields: dict[str, object]) -> None:
    """A line a message, whatever stands in it."""
    line = serialize_message(kind, **fields)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    message = parse_message(line)
    assert (message.kind, message.fields) == (kind, fields)


@given(st.binary(max_size=60))
def test_anything_else_is_an_error(line: bytes) -> None:
    """One of the product's own."""
    with pytest.raises(LocalProtocolError):
        parse_message(line)


def test_commands_are_no_lines() -> None:
    """A byte is either the number of a line or a command."""
    commands = {
        messages.DRAIN,
        messages.RELOAD,
        messages.SHOW_METRICS,
        messages.SHOW_OPEN_METRICS,
    }
    assert len(commands) == 4
    assert all(messages.MAX_LINES <= command < 256 for command in commands)
