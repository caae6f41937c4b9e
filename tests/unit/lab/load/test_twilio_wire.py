"""A stream's texts are what voxgate's own parser of Media Streams understands."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from voxgate.lab.load.twilio_wire import (
    parse_message,
    say_connected,
    say_mark,
    say_media,
    say_start,
)
from voxgate.transports.twilio.protocol import (
    MarkReceived,
    MediaReceived,
    StreamConnected,
    StreamStarted,
    TwilioParser,
    serialize_clear,
    serialize_mark,
    serialize_media,
)


def test_the_engine_understands_a_call() -> None:
    """From its begin to a mark that comes back."""
    parser = TwilioParser()
    texts = [
        say_connected(),
        say_start("MZ1", "CA1"),
        say_media("MZ1", 0, b"\x11" * 160),
        say_media("MZ1", 1, b"\x12" * 160),
        say_mark("MZ1", "m"),
    ]
    events = [parser.receive_text(text) for text in texts]
    kinds = [StreamConnected, StreamStarted, MediaReceived, MediaReceived, MarkReceived]
    assert [type(event) for event in events] == kinds
    assert json.loads(texts[3])["media"]["timestamp"] == "20"


def test_what_the_engine_says_is_understood() -> None:
    """Media, marks and clear."""
    media = parse_message(serialize_media("MZ1", b"\x01\x02"))
    assert media is not None
    assert media.media is not None
    assert media.media.payload == b"\x01\x02"
    mark = parse_message(serialize_mark("MZ1", "seven"))
    assert mark is not None
    assert mark.mark is not None
    assert mark.mark.name == "seven"
    clear = parse_message(serialize_clear("MZ1"))
    assert clear is not None
    assert clear.event == "clear"


@given(st.one_of(st.binary(max_size=50), st.text(max_size=50)))
def test_nothing_that_is_said_raises(text: str | bytes) -> None:
    """What is no message is None."""
    message = parse_message(text)
    assert message is None or message.event is not None
