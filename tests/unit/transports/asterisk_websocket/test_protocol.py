"""``chan_websocket`` on the wire: what messages come to, and that nothing else comes of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.asterisk_websocket_messages import CHANNEL_ID, control, media_start, plain_start
from support.message_fuzz import mutated
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.errors import LocalProtocolError, RemoteProtocolError
from voxgate.transports.asterisk_websocket.events import (
    AudioReceived,
    BufferingCompleted,
    ControlFormat,
    DtmfReceived,
    ErrorReported,
    MarkProcessed,
    MediaPaused,
    MediaResumed,
    MediaStarted,
    MessageSkipped,
    ProtocolViolated,
    QueueDrained,
    SkipReason,
    StatusReported,
)
from voxgate.transports.asterisk_websocket.protocol import (
    MAX_COMMAND_BYTES,
    MAX_MESSAGE_BYTES,
    ChannelParser,
    Command,
    serialize_command,
)

FUZZ_INPUTS = 3000
"""Of the seeded run; a million once: ``fuzzed(1_000_000, seed)``."""

either_form = pytest.mark.parametrize("is_json", [False, True], ids=["plain", "json"])


def parsed(*messages: str | bytes, parser: ChannelParser | None = None) -> list[Any]:
    """Return what messages come to."""
    parser = parser or ChannelParser()
    return [
        parser.receive_binary(each) if isinstance(each, bytes) else parser.receive_text(each)
        for each in messages
    ]


def started(*, is_json: bool = False, **fields: Any) -> ChannelParser:
    """Return the parser of a call that has started."""
    parser = ChannelParser()
    (event,) = parsed(media_start(is_json=is_json, **fields), parser=parser)
    assert isinstance(event, MediaStarted)
    return parser


def violation(*messages: str | bytes, parser: ChannelParser | None = None) -> str:
    """Return what is wrong with the last message, having checked that nothing follows it."""
    parser = parser or ChannelParser()
    *_, event = parsed(*messages, parser=parser)
    assert isinstance(event, ProtocolViolated)
    assert isinstance(event.error, RemoteProtocolError)
    assert parsed("MEDIA_XON", b"\xff", parser=parser) == [None, None]
    return str(event.error)


class TestMessages:
    """Each kind of message."""

    @either_form
    def test_a_call_in_either_form(self, *, is_json: bool):
        """Both say the same; only JSON says the variables."""
        status = {"queue_full": True, "bulk_media": False, "media_paused": True}
        if not is_json:
            status = {name: str(value).lower() for name, value in status.items()}  # type: ignore[misc]
        events = parsed(
            media_start(is_json=is_json, variables={"called_number": "100"}),
            b"\x01\x02",
            control("DTMF_END", is_json=is_json, digit="#", channel_id=CHANNEL_ID),
            control("MEDIA_MARK_PROCESSED", is_json=is_json, correlation_id="17"),
            control("MEDIA_XOFF", is_json=is_json),
            control("MEDIA_XON", is_json=is_json),
            control("STATUS", is_json=is_json, queue_length=43, xon_level=800, **status),
            control("MEDIA_BUFFERING_COMPLETED", is_json=is_json, correlation_id="a"),
            control("QUEUE_DRAINED", is_json=is_json),
            control("ERROR", is_json=is_json, channel_id="1.2", error_text="No MARK_MEDIA in it"),
        )
        start = events.pop(0)
        assert start == MediaStarted(
            channel_id=CHANNEL_ID,
            channel=start.channel,
            connection_id="voxgate",
            audio_format=AudioFormat(Encoding.MULAW),
            optimal_frame_bytes=160,
            control_format=ControlFormat.JSON if is_json else ControlFormat.PLAIN_TEXT,
            has_marks=True,
            variables={"called_number": "100"} if is_json else {},
        )
        assert start.channel.startswith("WebSocket/voxgate/0x")
        assert events == [
            AudioReceived(b"\x01\x02"),
            DtmfReceived("#"),
            MarkProcessed("17"),
            MediaPaused(),
            MediaResumed(),
            StatusReported(queue_frames=43, is_full=True, is_buffering=False, is_paused=True),
            BufferingCompleted("a"),
            QueueDrained(),
            ErrorReported("No MARK_MEDIA in it"),
        ]

    def test_an_asterisk_that_knows_no_marks_is_known_by_its_start(self):
        """22.6 says neither ptime nor the channel's id; its name identifies the call."""
        (start,) = parsed(plain_start())
        assert not start.has_marks
        assert start.channel_id == start.channel == "WebSocket/voxgate/0x7f"

    @pytest.mark.parametrize(
        ("name", "encoding", "rate_hz", "frame_bytes"),
        [
            ("ulaw", Encoding.MULAW, 8000, 160),
            ("alaw", Encoding.ALAW, 8000, 160),
            ("slin", Encoding.PCM16, 8000, 320),
            ("slin12", Encoding.PCM16, 12_000, 480),
            ("slin16", Encoding.PCM16, 16_000, 640),
            ("slin24", Encoding.PCM16, 24_000, 960),
            ("slin32", Encoding.PCM16, 32_000, 1280),
            ("slin44", Encoding.PCM16, 44_100, 1764),
            ("slin48", Encoding.PCM16, 48_000, 1920),
            ("slin96", Encoding.PCM16, 96_000, 3840),
            ("slin192", Encoding.PCM16, 192_000, 7680),
        ],
    )
    def test_formats_are_known_by_asterisks_names(
        self, name: str, encoding: Encoding, rate_hz: int, frame_bytes: int
    ):
        """A frame size of 0, as in pass-through mode, is that of 20 ms."""
        (start,) = parsed(media_start(format_name=name, optimal_frame_size=0))
        assert start.audio_format == AudioFormat(encoding, rate_hz)
        assert start.optimal_frame_bytes == start.audio_format.frame_bytes == frame_bytes

    @pytest.mark.parametrize(
        ("message", "skipped"),
        [
            ("MEDIA_NEWS a:b", MessageSkipped(SkipReason.UNKNOWN_EVENT, "MEDIA_NEWS")),
            ('{"event":"NEWS"}', MessageSkipped(SkipReason.UNKNOWN_EVENT, "NEWS")),
            ("<b>", MessageSkipped(SkipReason.UNKNOWN_EVENT, "an unnamed event")),
            (b"", MessageSkipped(SkipReason.EMPTY_AUDIO, "audio")),
            ("DTMF_END digit:f", MessageSkipped(SkipReason.UNKNOWN_DIGIT, "DTMF_END")),
        ],
    )
    def test_what_means_nothing_to_us_is_left_out(
        self, message: str | bytes, skipped: MessageSkipped
    ):
        """And said, so that it can be counted; the call goes on."""
        assert parsed(message, "MEDIA_XON", parser=started()) == [skipped, MediaResumed()]

    @pytest.mark.parametrize("digit", [*"0123456789*#ABCD", "a"])
    def test_every_key_is_a_key(self, digit: str):
        """Letters in either case."""
        assert parsed(f"DTMF_END digit:{digit}", parser=started()) == [DtmfReceived(digit.upper())]

    def test_a_mark_without_a_name_has_an_empty_one(self):
        """Nobody sent it."""
        assert parsed("MEDIA_MARK_PROCESSED", parser=started()) == [MarkProcessed("")]

    @pytest.mark.parametrize("text", ["\x1b[31m red", "x" * 101, "", "caf\u00e9"])
    def test_errors_are_shown_in_plain_words_or_not_at_all(self, text: str):
        """A log may be read on any terminal."""
        (event,) = parsed(control("ERROR", error_text=text), parser=started())
        assert event == ErrorReported("an error without plain words")


class TestViolations:
    """What ends the call."""

    @pytest.mark.parametrize(
        "message",
        ["", " ", "{", "{}", '{"event": 1}', '{"a":' * 5000, "{" + "1" * 9000, "x" * 70_000],
    )
    def test_what_is_no_message(self, message: str):
        """Each is named with its number, and nothing of what it says."""
        assert violation(message).endswith("(message 1)")

    @pytest.mark.parametrize(
        ("messages", "rule"),
        [
            ([b"\xff"], "audio came before MEDIA_START"),
            (["DTMF_END digit:1"], "DTMF_END came before MEDIA_START"),
            (["GET / HTTP/1.1"], "GET came before MEDIA_START"),
            ([media_start(), media_start()], "MEDIA_START came twice"),
            ([media_start(), b"x" * (MAX_MESSAGE_BYTES + 1)], "65537 bytes of audio"),
        ],
    )
    def test_what_comes_out_of_order(self, messages: list[str | bytes], rule: str):
        """MEDIA_START is first, and once."""
        assert rule in violation(*messages)

    @pytest.mark.parametrize(
        ("fields", "rule"),
        [
            ({"format_name": "opus"}, "format opus is none of ulaw, alaw, slin, slin12"),
            ({"format_name": "<b>"}, "format ? is none of"),
            ({"channel": ""}, "channel is not printable ASCII"),
            ({"channel_id": "a b"}, "channel_id is not printable ASCII"),
            ({"channel_id": "x" * 201}, "channel_id is not printable ASCII"),
            ({"connection_id": "\u00e9"}, "connection_id is not printable ASCII"),
            ({"connection_id": 7}, "connection_id is not text"),
            ({"optimal_frame_size": -1}, "optimal_frame_size is not a whole number"),
            ({"optimal_frame_size": 60_001}, "optimal_frame_size is not whole samples"),
            ({"format_name": "slin", "optimal_frame_size": 321}, "is not whole samples"),
            ({"ptime": 1.5}, "ptime is not a whole number"),
        ],
    )
    def test_a_start_that_says_what_can_not_be(self, fields: dict[str, Any], rule: str):
        """Formats that nobody here decodes, names that are none."""
        assert rule in violation(media_start(is_json=True, **fields))

    @pytest.mark.parametrize("variables", [{"a": 1}, {"a": "\ud800"}, ["a"], "a"])
    def test_variables_that_are_no_texts(self, variables: Any):
        """A channel's are."""
        message = json.loads(media_start(is_json=True))
        message["channel_variables"] = variables
        assert "channel_variables" in violation(json.dumps(message))

    def test_too_many_variables(self):
        """A bound on what a peer gone wild can take."""
        variables = {str(number): "" for number in range(501)}
        assert "at most 500" in violation(media_start(is_json=True, variables=variables))

    @pytest.mark.parametrize(
        ("message", "rule"),
        [
            ("DTMF_END", "digit is not text"),
            ('{"event":"DTMF_END","digit":5}', "digit is not text"),
            ('{"event":"MEDIA_MARK_PROCESSED"}', "correlation_id is not text"),
            ("STATUS queue_length:1 queue_full:maybe", "queue_full is neither true nor false"),
            ("STATUS queue_length:x", "queue_length is not a whole number"),
            ('{"event":"ERROR"}', "error_text is not text"),
        ],
    )
    def test_events_that_can_not_be_read(self, message: str, rule: str):
        """What is missing is named."""
        assert rule in violation(message, parser=started())

    def test_errors_repeat_nothing_that_was_said(self):
        """A log may be read by anybody."""
        text = violation(
            media_start(is_json=True, channel_id="+1 555 0100", variables={"name": "Jane Roe"})
        )
        assert "555" not in text
        assert "Jane" not in text


class TestCommands:
    """What goes back."""

    @pytest.mark.parametrize("command", list(Command))
    def test_a_command_is_its_name(self, command: Command):
        """In either form."""
        assert serialize_command(command, ControlFormat.PLAIN_TEXT) == command.value
        text = serialize_command(command, ControlFormat.JSON)
        assert json.loads(text) == {"command": command.value}

    def test_marks_have_names(self):
        """Which come back."""
        assert (
            serialize_command(Command.MARK_MEDIA, ControlFormat.PLAIN_TEXT, "7") == "MARK_MEDIA 7"
        )
        text = serialize_command(Command.STOP_MEDIA_BUFFERING, ControlFormat.JSON, "7")
        assert json.loads(text) == {"command": "STOP_MEDIA_BUFFERING", "correlation_id": "7"}

    @given(st.text(max_size=200), st.sampled_from(ControlFormat))
    def test_what_asterisk_would_not_read_is_not_written(self, name: str, form: ControlFormat):
        """It leaves out more than 128 bytes without an answer."""
        try:
            text = serialize_command(Command.MARK_MEDIA, form, name)
        except LocalProtocolError:
            return
        assert len(text.encode()) <= MAX_COMMAND_BYTES
        assert name in (json.loads(text).values() if form is ControlFormat.JSON else text)

    def test_names_for_what_takes_none_are_a_mistake(self):
        """Of ours."""
        with pytest.raises(LocalProtocolError, match="takes no correlation_id"):
            serialize_command(Command.FLUSH_MEDIA, ControlFormat.JSON, "7")
        with pytest.raises(LocalProtocolError, match="a command of 161 bytes"):
            serialize_command(Command.MARK_MEDIA, ControlFormat.PLAIN_TEXT, "7" * 150)


class TestAnything:
    """Whatever comes, there is one event for it, and never an exception."""

    @given(st.lists(st.text(max_size=200) | st.binary(max_size=50), max_size=8))
    def test_any_messages(self, messages: list[str | bytes]):
        """One event a message until the last one, then none."""
        for parser in (ChannelParser(), started()):
            check_events(parsed(*messages, parser=parser))

    @given(st.binary(min_size=1, max_size=1000))
    def test_audio_comes_through_unchanged(self, audio: bytes):
        """Of any length."""
        assert parsed(audio, parser=started()) == [AudioReceived(audio)]

    def test_a_seeded_run_of_broken_messages(self):
        """Messages with bytes, fields and values exchanged: events, errors, nothing else."""
        kinds = fuzzed(FUZZ_INPUTS, seed=1)
        assert kinds[ProtocolViolated] > 100
        assert kinds[MessageSkipped] > 10
        assert kinds[MediaStarted] > 10
        assert kinds[DtmfReceived] > 10


_ORIGINALS = [
    message
    for is_json in (False, True)
    for message in (
        media_start(is_json=is_json, variables={"a": "b"}),
        control("DTMF_END", is_json=is_json, digit="5", channel_id="1.2"),
        control("MEDIA_MARK_PROCESSED", is_json=is_json, correlation_id="17"),
        control("MEDIA_XOFF", is_json=is_json),
        control("ERROR", is_json=is_json, channel_id="1.2", error_text="no such thing"),
        control(
            "STATUS",
            is_json=is_json,
            queue_length=1,
            queue_full="true",
            bulk_media="false",
            media_paused="false",
        ),
    )
]


def fuzzed(n_inputs: int, seed: int) -> dict[type, int]:
    """Return how often what came of so many mutated messages."""
    rng = np.random.default_rng(seed)
    kinds: dict[type, int] = {}
    parser = started()
    for _ in range(n_inputs):
        (event,) = parsed(mutated(_ORIGINALS, rng), parser=parser)
        kinds[type(event)] = kinds.get(type(event), 0) + 1
        assert event is not None
        if isinstance(event, ProtocolViolated):
            assert parsed(mutated(_ORIGINALS, rng), parser=parser) == [None]
            parser = started() if rng.random() < 0.7 else ChannelParser()
    return kinds


def check_events(events: list[Any]) -> None:
    """Check that the events end with the first violation."""
    ends = [index for index, event in enumerate(events) if isinstance(event, ProtocolViolated)]
    n_events = ends[0] + 1 if ends else len(events)
    assert None not in events[:n_events]
    assert events[n_events:] == [None] * (len(events) - n_events)
