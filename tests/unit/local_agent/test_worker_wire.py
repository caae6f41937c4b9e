"""Tests of the messages between this process and its workers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.errors import RemoteProtocolError
from voxgate.local_agent.worker_wire import (
    MAXIMUM_PAYLOAD_BYTES,
    Message,
    MessageKind,
    MessageReader,
    serialize_message,
)

MESSAGES = st.lists(
    st.builds(
        Message, st.sampled_from(MessageKind), st.integers(0, 2**32 - 1), st.binary(max_size=300)
    ),
    max_size=8,
)


@given(MESSAGES, st.integers(1, 64))
def test_messages_come_out_as_they_went_in_however_the_stream_is_cut(
    messages: list[Message], size: int
) -> None:
    """Pieces of any size give the same messages."""
    stream = b"".join(map(serialize_message, messages))
    reader = MessageReader()
    read = [
        message
        for start in range(0, len(stream), size)
        for message in reader.receive(stream[start : start + size])
    ]
    assert read == messages


def test_a_message_of_an_unknown_kind_is_an_error() -> None:
    """A stream that is none of ours is not guessed at."""
    with pytest.raises(RemoteProtocolError, match="unknown kind 99"):
        MessageReader().receive(b"\x63" + bytes(8))


def test_a_payload_beyond_all_measure_is_an_error_before_it_is_there() -> None:
    """Nobody waits for gigabytes because of four odd bytes."""
    header = serialize_message(Message(MessageKind.AUDIO, 1))[:-4]
    with pytest.raises(RemoteProtocolError, match="16777217 bytes"):
        MessageReader().receive(header + (MAXIMUM_PAYLOAD_BYTES + 1).to_bytes(4, "little"))


def test_random_bytes_give_messages_or_an_error_of_the_protocol() -> None:
    """Nothing else is ever raised."""
    chance = random.Random(5)  # noqa: S311
    errors = 0
    for _ in range(2000):
        size = chance.randrange(40)
        header = bytes([chance.randrange(11)]) + chance.randbytes(4) + size.to_bytes(4, "little")
        try:
            for message in MessageReader().receive(header + chance.randbytes(size)):
                assert message.kind in MessageKind
        except RemoteProtocolError:
            errors += 1
    assert 0 < errors < 2000


def test_text_that_is_no_utf_8_is_shown_as_such() -> None:
    """A broken byte costs one character, not the message."""
    assert Message(MessageKind.TEXT, 1, b"a\xffb").text == "a\N{REPLACEMENT CHARACTER}b"


def test_what_a_message_holds_is_not_shown() -> None:
    """Transcripts stay out of logs and errors."""
    assert "secret" not in repr(Message(MessageKind.TEXT, 1, b"secret"))
