"""Media Streams messages: what they come to, and that nothing else comes of them."""

from __future__ import annotations

import json
import random
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.twilio_messages import (
    ACCOUNT_SID,
    CALL_SID,
    STREAM_SID,
    connected,
    dtmf,
    mark,
    media,
    mutated,
    start,
    stop,
)
from voxgate.errors import LocalProtocolError, RemoteProtocolError
from voxgate.transports.twilio.protocol import (
    MAX_MESSAGE_CHARS,
    DtmfReceived,
    MarkReceived,
    MediaReceived,
    MessageSkipped,
    ProtocolViolated,
    SkipReason,
    StreamConnected,
    StreamStarted,
    StreamStopped,
    TwilioParser,
    serialize_clear,
    serialize_mark,
    serialize_media,
)

FUZZ_INPUTS = 3000
"""Of the seeded run; a million once: ``fuzzed(1_000_000, seed)``."""


def parsed(*messages: Any, parser: TwilioParser | None = None) -> list[Any]:
    """Return what messages come to, texts or objects."""
    parser = parser or TwilioParser()
    texts = [each if isinstance(each, str) else json.dumps(each) for each in messages]
    return [parser.receive_text(text) for text in texts]


def started(**fields: Any) -> TwilioParser:
    """Return the parser of a stream that has started."""
    parser = TwilioParser()
    assert isinstance(parsed(connected(), start(**fields), parser=parser)[-1], StreamStarted)
    return parser


def violation(*messages: Any, parser: TwilioParser | None = None) -> str:
    """Return what is wrong with the last message, having checked that nothing follows it."""
    parser = parser or TwilioParser()
    *_, event = parsed(*messages, parser=parser)
    assert isinstance(event, ProtocolViolated)
    assert isinstance(event.error, RemoteProtocolError)
    assert parsed(media(b"\xff"), parser=parser) == [None]
    assert parser.receive_binary(3) is None
    return str(event.error)


class TestMessages:
    """Each kind of message."""

    def test_a_call_from_start_to_end(self):
        """Numbers come as texts, and each event says what it is about."""
        events = parsed(
            connected(),
            start(parameters={"language": "en"}),
            media(b"\x01\x02", timestamp_ms=5, chunk=1),
            dtmf("5"),
            mark("17"),
            media(b"\x03" * 160, timestamp_ms=25, chunk=2),
            stop(),
        )
        assert events == [
            StreamConnected("Call", "1.0.0"),
            StreamStarted(
                stream_sid=STREAM_SID,
                call_sid=CALL_SID,
                account_sid=ACCOUNT_SID,
                parameters={"language": "en"},
            ),
            MediaReceived(b"\x01\x02", 5),
            DtmfReceived("5"),
            MarkReceived("17"),
            MediaReceived(b"\x03" * 160, 25),
            StreamStopped(),
        ]

    def test_nothing_follows_the_end(self):
        """What comes after stop is for nobody."""
        parser = started()
        assert parsed(stop(), media(b"\xff"), stop(), "{", parser=parser)[1:] == [None] * 3

    @pytest.mark.parametrize("timestamp", ["40", 40, "040"])
    def test_numbers_may_be_numbers(self, timestamp: Any):
        """Twilio sends texts, others numbers."""
        message = media(b"\xff")
        message["media"]["timestamp"] = timestamp
        assert parsed(message, parser=started()) == [MediaReceived(b"\xff", 40)]

    def test_a_timestamp_may_be_missing(self):
        """Then audio lies where it arrives."""
        message = media(b"\xff")
        del message["media"]["timestamp"], message["media"]["chunk"], message["sequenceNumber"]
        assert parsed(message, parser=started()) == [MediaReceived(b"\xff", None)]

    @pytest.mark.parametrize(
        ("message", "skipped"),
        [
            ({"event": "newest"}, MessageSkipped(SkipReason.UNKNOWN_EVENT, "newest")),
            ({"event": "<b>\n"}, MessageSkipped(SkipReason.UNKNOWN_EVENT, "an unnamed event")),
            (media(b""), MessageSkipped(SkipReason.EMPTY_AUDIO, "media")),
            (media(b"\xff", track="outbound"), MessageSkipped(SkipReason.OTHER_TRACK, "media")),
            (dtmf("5", track="outbound_track"), MessageSkipped(SkipReason.OTHER_TRACK, "dtmf")),
            (dtmf("12"), MessageSkipped(SkipReason.UNKNOWN_DIGIT, "dtmf")),
        ],
    )
    def test_what_means_nothing_to_us_is_left_out(
        self, message: dict[str, Any], skipped: MessageSkipped
    ):
        """And said, so that it can be counted; the call goes on."""
        assert parsed(message, dtmf("#"), parser=started()) == [skipped, DtmfReceived("#")]

    @pytest.mark.parametrize("digit", [*"0123456789*#ABCD", "a"])
    def test_every_key_is_a_key(self, digit: str):
        """Letters in either case."""
        assert parsed(dtmf(digit), parser=started()) == [DtmfReceived(digit.upper())]

    def test_the_format_may_be_left_unsaid_or_said_in_texts(self):
        """There is only one."""
        started(media_format={"encoding": "audio/x-mulaw", "sampleRate": "8000", "channels": "1"})
        message = start()
        del message["start"]["mediaFormat"], message["start"]["customParameters"]
        *_, event = parsed(connected(), message)
        assert event.parameters == {}


class TestViolations:
    """What ends the call."""

    @pytest.mark.parametrize(
        "message",
        [
            "",
            "{",
            "[]",
            "null",
            "7",
            '"media"',
            "{}",
            '{"event": 1}',
            "[" * 5000,
            "\x00",
            "1" * 9000,
        ],
    )
    def test_what_is_no_message(self, message: str):
        """Each is named with its number, and nothing of what it says."""
        assert violation(message).endswith("(message 1)")

    def test_a_message_that_is_too_long(self):
        """Its length is all that is looked at."""
        text = json.dumps({"event": "connected", "x": "y" * MAX_MESSAGE_CHARS})
        assert str(len(text)) in violation(text)

    def test_a_binary_message(self):
        """The protocol has none."""
        event = TwilioParser().receive_binary(3)
        assert isinstance(event, ProtocolViolated)
        assert "binary" in str(event.error)

    @pytest.mark.parametrize(
        ("messages", "rule"),
        [
            ([start()], "start came before connected"),
            ([media(b"\xff")], "media came before connected"),
            ([connected(), connected()], "connected came twice"),
            ([connected(), media(b"\xff")], "media came before start"),
            ([connected(), stop()], "stop came before start"),
            ([connected(), start(), start()], "start came twice"),
            ([{**connected(), "protocol": "Fax"}], "protocol is not Call"),
            ([connected(), start(), media(b"\xff", stream_sid="MZother")], "another stream"),
        ],
    )
    def test_what_comes_out_of_order(self, messages: list[Any], rule: str):
        """The order is part of the protocol."""
        assert rule in violation(*messages)

    @pytest.mark.parametrize(
        ("field", "value", "rule"),
        [
            ("timestamp", "-1", "timestamp is not a whole number"),
            ("timestamp", "1.5", "timestamp is not a whole number"),
            ("timestamp", 1.5, "timestamp is not a whole number"),
            ("timestamp", True, "timestamp is not a whole number"),
            ("timestamp", "9" * 30, "timestamp is not a whole number"),
            ("timestamp", "\u0661", "timestamp is not a whole number"),
            ("chunk", [], "chunk is not a whole number"),
            ("payload", "###", "payload is not base64"),
            ("payload", "/w", "payload is not base64"),
            ("payload", "\u00e9", "payload is not base64"),
            ("payload", None, "payload is not text"),
        ],
    )
    def test_media_that_can_not_be_read(self, field: str, value: Any, rule: str):
        """A stream whose audio can't be placed or decoded is not one."""
        message = media(b"\xff")
        message["media"][field] = value
        assert rule in violation(message, parser=started())

    @pytest.mark.parametrize(
        ("fields", "rule"),
        [
            ({"streamSid": ""}, "streamSid is not an identifier"),
            ({"callSid": "CA 1"}, "callSid is not an identifier"),
            ({"accountSid": 7}, "accountSid is not text"),
            ({"mediaFormat": []}, "mediaFormat is not an object"),
            ({"mediaFormat": {"encoding": "audio/l16"}}, "encoding is not audio/x-mulaw"),
            ({"mediaFormat": {"sampleRate": 16000}}, "sampleRate is not 8000"),
            ({"customParameters": []}, None),
            ({"customParameters": {"a": 1}}, "holds what is not text"),
            ({"customParameters": {"a": "\ud800"}}, "holds what is not text"),
            ({"customParameters": "x"}, "at most 100"),
            ({"customParameters": {str(n): "" for n in range(101)}}, "at most 100"),
        ],
    )
    def test_a_start_that_says_what_can_not_be(self, fields: dict[str, Any], rule: str | None):
        """Formats that are not the one, names that are none."""
        message = start()
        message["start"].update(fields)
        if rule is None:
            assert isinstance(parsed(connected(), message)[-1], StreamStarted)
        else:
            assert rule in violation(connected(), message)

    def test_errors_repeat_nothing_that_was_said(self):
        """A log may be read by anybody."""
        message = start(parameters={"name": "Jane Roe"})
        message["start"]["callSid"] = "+1 555 0100"
        text = violation(connected(), message)
        assert "555" not in text
        assert "Jane" not in text


class TestSent:
    """What goes back."""

    @given(payload=st.binary(min_size=1, max_size=400))
    def test_media_is_what_was_given(self, payload: bytes):
        """And is of the stream."""
        message = json.loads(serialize_media(STREAM_SID, payload))
        assert b64decode(message["media"].pop("payload")) == payload
        assert message == {"event": "media", "streamSid": STREAM_SID, "media": {}}

    def test_media_without_audio_is_a_mistake(self):
        """Of ours."""
        with pytest.raises(LocalProtocolError, match="0 bytes"):
            serialize_media(STREAM_SID, b"")

    def test_mark_and_clear(self):
        """As Twilio's page has them."""
        assert json.loads(serialize_mark("MZ1", "9")) == {
            "event": "mark",
            "streamSid": "MZ1",
            "mark": {"name": "9"},
        }
        assert json.loads(serialize_clear("MZ1")) == {"event": "clear", "streamSid": "MZ1"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
keys = st.sampled_from(
    [
        "event",
        "media",
        "start",
        "mark",
        "dtmf",
        "streamSid",
        "payload",
        "timestamp",
        "track",
        "digit",
    ]
)


class TestAnything:
    """Whatever comes, there is one event for it, and never an exception."""

    @given(st.lists(st.text(max_size=200), max_size=8))
    def test_any_text(self, texts: list[str]):
        """One event a message until the last one, then none."""
        check_events(parsed(*[json.dumps(connected()), json.dumps(start()), *texts]))

    @given(st.lists(st.dictionaries(keys, json_values, max_size=6), max_size=8))
    def test_any_object(self, objects: list[Any]):
        """The same of JSON."""
        check_events(parsed(connected(), start(), *objects))

    @given(payload=st.binary(min_size=1, max_size=1000), timestamp_ms=st.integers(0, 2**53))
    def test_media_comes_through_unchanged(self, payload: bytes, timestamp_ms: int):
        """Audio of any length, at any time."""
        message = media(payload, timestamp_ms=timestamp_ms)
        assert parsed(message, parser=started()) == [MediaReceived(payload, timestamp_ms)]

    @given(st.text(max_size=60))
    def test_payloads_are_base64_or_nothing(self, text: str):
        """What is decoded is what encodes to the text."""
        message = media(b"\xff")
        message["media"]["payload"] = text
        (event,) = parsed(message, parser=started())
        if isinstance(event, MediaReceived):
            assert b64encode(event.payload).decode() == text
        else:
            assert isinstance(event, ProtocolViolated) or text == ""

    def test_a_seeded_run_of_broken_messages(self):
        """Messages with bytes, fields and values exchanged: events, errors, nothing else."""
        kinds = fuzzed(FUZZ_INPUTS, seed=1)
        assert kinds[ProtocolViolated] > 100
        assert kinds[MediaReceived] > 100
        assert kinds[MessageSkipped] > 10


def fuzzed(n_inputs: int, seed: int) -> dict[type, int]:
    """Return how often what came of so many mutated messages."""
    generator = random.Random(seed)  # noqa: S311 - seeded, to repeat a failure
    kinds: dict[type, int] = {}
    parser = started()
    for _ in range(n_inputs):
        event = parser.receive_text(mutated(generator))
        kinds[type(event)] = kinds.get(type(event), 0) + 1
        assert event is not None
        if isinstance(event, ProtocolViolated | StreamStopped):
            assert parser.receive_text(mutated(generator)) is None
            parser = started()
            if generator.random() < 0.1:
                parser = TwilioParser()
    return kinds


def check_events(events: list[Any]) -> None:
    """Check that the events end with the first that ends a stream."""
    ends = [
        index
        for index, event in enumerate(events)
        if isinstance(event, ProtocolViolated | StreamStopped)
    ]
    if ends:
        assert events[ends[0] + 1 :] == [None] * (len(events) - ends[0] - 1)
    assert None not in events[: ends[0] if ends else len(events)]
