"""The browser line's messages: what they come to, and that nothing else comes of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.browser_messages import dtmf, gap, hangup, mutated, played, start
from voxgate.errors import RemoteProtocolError
from voxgate.transports.browser.protocol import (
    _PARSERS,
    MAX_MESSAGE_BYTES,
    SUBPROTOCOL,
    AudioReceived,
    AudioSkipped,
    BrowserEvent,
    BrowserParser,
    CallerHungUp,
    DtmfReceived,
    HangupReason,
    MessageIgnored,
    PlayedReceived,
    ProtocolViolated,
    SkipReason,
    StartReceived,
    serialize_flush,
    serialize_hangup,
    serialize_ready,
)

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "lines" / "browser.md"

FUZZ_INPUTS = 3000
"""Of the seeded run; a million once: ``fuzzed(1_000_000, seed)``."""


def received(parser: BrowserParser, message: Any) -> BrowserEvent | None:
    if isinstance(message, bytes):
        return parser.receive_binary(message)
    return parser.receive_text(message if isinstance(message, str) else json.dumps(message))


def parsed(*messages: Any) -> list[BrowserEvent | None]:
    """Return what comes of messages behind a start."""
    parser = BrowserParser()
    assert isinstance(received(parser, start()), StartReceived)
    return [received(parser, message) for message in messages]


def problem_of(*messages: Any, is_started: bool = True) -> str:
    """Return why the last of some messages ends the call."""
    parser = BrowserParser()
    events = [received(parser, each) for each in ([start()] if is_started else []) + [*messages]]
    (*before, last) = events
    assert not any(isinstance(event, ProtocolViolated) for event in before)
    assert isinstance(last, ProtocolViolated)
    assert received(parser, dtmf("1")) is None
    assert received(parser, bytes(2)) is None
    return str(last.error)


def test_a_start_says_what_the_page_knows_of_the_call():
    """Parameters and token may be left out; unknown fields are not looked at."""
    parser = BrowserParser()
    event = received(parser, start({"page": "desk"}, token="t", version=7))  # noqa: S106
    assert event == StartReceived({"page": "desk"}, "t")
    assert "'t'" not in repr(event)
    assert received(BrowserParser(), start()) == StartReceived({}, None)
    assert received(BrowserParser(), start(parameters=None, token=None)) == StartReceived({}, None)


def test_every_message_has_its_event():
    """Between the start and the end."""
    assert parsed(bytes(640), played(3, 1), gap(320), dtmf("5"), dtmf("a"), hangup()) == [
        AudioReceived(bytes(640), 0.0),
        PlayedReceived(3, 1),
        AudioSkipped(320),
        DtmfReceived("5"),
        DtmfReceived("A"),
        CallerHungUp(),
    ]


def test_nothing_follows_the_end():
    """Whatever still comes."""
    assert parsed(hangup(), bytes(2), dtmf("1"), "?")[1:] == [None, None, None]


def test_samples_are_time():
    """Those that were sent, and those that were captured only."""
    events = parsed(bytes(2), bytes(640), gap(16_000), bytes(2), gap(0), bytes(2))
    times = [event.timestamp_ms for event in events if isinstance(event, AudioReceived)]
    assert times == [0.0, 0.0625, 1020.0625, 1020.125]


@pytest.mark.parametrize(
    ("message", "reason", "name"),
    [
        ({"type": "level"}, SkipReason.UNKNOWN_MESSAGE, "level"),
        ({"type": "<b>\n"}, SkipReason.UNKNOWN_MESSAGE, "an unnamed message"),
        (dtmf("x"), SkipReason.UNKNOWN_DIGIT, "dtmf"),
        (dtmf("12"), SkipReason.UNKNOWN_DIGIT, "dtmf"),
        (b"", SkipReason.EMPTY_AUDIO, "audio"),
    ],
)
def test_what_means_nothing_is_left_out(message: Any, reason: SkipReason, name: str):
    """The call goes on, and a later version of the page may say more."""
    assert parsed(message, dtmf("1")) == [MessageIgnored(reason, name), DtmfReceived("1")]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("", "a message is not JSON"),
        ("[" * 5000, "a message is not JSON"),
        ("[]", "a message is not a JSON object"),
        ("null", "a message is not a JSON object"),
        (" " * 16_385, "a message of 16385 characters; 16384 is all"),
        ({}, "type is not text"),
        ({"type": 7}, "type is not text"),
        (start(), "start came twice"),
        (b"\x00", "1 bytes are not whole samples"),
        (bytes(MAX_MESSAGE_BYTES + 2), "65538 bytes of audio in one message"),
        ({"type": "played", "frames": 1}, "flush is not a whole number"),
        ({"type": "played", "frames": 1.0, "flush": 0}, "frames is not a whole number"),
        ({"type": "played", "frames": True, "flush": 0}, "frames is not a whole number"),
        (played(-1), "frames is not a whole number"),
        (played(2**53 + 1), "frames is not a whole number"),
        (gap(-1), "samples is not a whole number"),
        ({"type": "gap"}, "samples is not a whole number"),
        ({"type": "dtmf"}, "digit is not text"),
    ],
)
def test_what_no_page_sends_ends_the_call(message: Any, problem: str):
    """With the reason and the number of the message, and nothing of what it held."""
    assert problem_of(message).startswith(problem)
    assert problem_of(message).endswith("(message 2)")


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (bytes(2), "audio came before start"),
        (played(1), "played came before start"),
        ({"type": "no such thing"}, "an unnamed message came before start"),
        (start(rate_hz=48_000), "rate_hz is not 16000"),
        ({"type": "start"}, "rate_hz is not a whole number"),
        (start(token=7), "token is not text"),
        (start(token="x" * 513), "token is not text of at most 512"),
        (start(token="\ud800"), "token is not text"),  # noqa: S106
        ({"type": "start", "rate_hz": 16_000, "parameters": [1]}, "parameters is not an object"),
        (start({str(n): "" for n in range(51)}), "parameters is not an object of at most 50"),
        (start(parameters={"a": 1}), "parameters: a name has 1 to 64"),
        (start({"": "x"}), "parameters: "),
        (start({"a" * 65: "x"}), "parameters: "),
        (start({"a": "x" * 501}), "parameters: "),
        (start({"a": "\ud800"}), "parameters: "),
    ],
)
def test_what_is_no_start_begins_no_call(message: Any, problem: str):
    """The first message decides."""
    assert problem_of(message, is_started=False).startswith(problem)


def test_bounds_are_within():
    """What is just allowed passes."""
    full = start({"a" * 64: "x" * 500, **{str(n): "" for n in range(49)}}, token="x" * 512)
    assert isinstance(received(BrowserParser(), full), StartReceived)
    (event,) = parsed(bytes(MAX_MESSAGE_BYTES))
    assert isinstance(event, AudioReceived)


def test_what_is_sent_is_json():
    """As the table in the documentation has it."""
    assert json.loads(serialize_ready("id")) == {
        "type": "ready",
        "call_id": "id",
        "rate_hz": 16_000,
        "frame_ms": 20,
    }
    assert json.loads(serialize_flush(3)) == {"type": "flush", "flush": 3}
    assert json.loads(serialize_hangup(HangupReason.ENDED)) == {"type": "hangup", "reason": "ended"}


def test_the_documentation_has_every_message():
    """Of the page, and of the server; and every warning that one may come to."""
    text = DOCUMENT.read_text("utf-8")
    wire = text[text.index("## What happens on the wire") : text.index("## What is measured")]
    named = set(re.findall(r"^\| `(\w+)`", wire, re.MULTILINE))
    assert named == {"start", *_PARSERS, "ready", "flush"}
    warnings = set(re.findall(r"^\| `browser\.(\w+)`", text, re.MULTILINE))
    assert warnings == {*SkipReason, "impossible_played"}
    assert SUBPROTOCOL in wire


@given(st.lists(st.one_of(st.binary(max_size=50), st.text(max_size=50)), max_size=5))
def test_any_input_comes_to_events_or_nothing(messages: list[str | bytes]):
    """Nothing is raised, and after the last event nothing comes."""
    events = parsed(*messages)
    ended = [n for n, event in enumerate(events) if isinstance(event, ProtocolViolated)]
    assert len(ended) <= 1
    assert all((event is None) == (n > min(ended, default=n)) for n, event in enumerate(events))


@given(
    st.lists(st.one_of(st.integers(1, 2000), st.integers(-2000, -1)), max_size=30),
    st.integers(1, 7),
)
def test_how_audio_is_cut_into_messages_changes_no_time(lengths: list[int], n_pieces: int):
    """A sample lies where it lies; negative numbers are gaps."""
    whole, pieces = BrowserParser(), BrowserParser()
    received(whole, start())
    received(pieces, start())
    for length in lengths:
        if length < 0:
            received(whole, gap(-length))
            received(pieces, gap(-length))
            continue
        event = received(whole, bytes(2 * length))
        parts = [length // n_pieces] * (n_pieces - 1)
        parts.append(length - sum(parts))
        first, *_ = [received(pieces, bytes(2 * n)) for n in parts if n]
        assert isinstance(event, AudioReceived)
        assert isinstance(first, AudioReceived)
        assert first.timestamp_ms == event.timestamp_ms


def fuzzed(n_inputs: int, seed: int) -> dict[str, int]:
    """Parse so many inputs, a new call after each end; return how often each event came."""
    rng = np.random.default_rng(seed)
    counts: dict[str, int] = {}
    parser = BrowserParser()
    received(parser, start())
    for _ in range(n_inputs):
        event = received(parser, mutated(rng))
        assert event is not None
        counts[type(event).__name__] = counts.get(type(event).__name__, 0) + 1
        if isinstance(event, AudioReceived):
            assert len(event.payload) % 2 == 0
        if isinstance(event, ProtocolViolated):
            assert isinstance(event.error, RemoteProtocolError)
            assert len(str(event.error)) < 150
            str(event.error).encode()
        if isinstance(event, ProtocolViolated | CallerHungUp):
            parser = BrowserParser()
            if rng.random() < 0.8:
                received(parser, start())
    return counts


def test_a_seeded_run_of_broken_messages():
    """Every kind of event comes of them, and no other error."""
    counts = fuzzed(FUZZ_INPUTS, seed=5)
    assert set(counts) == {
        "AudioReceived",
        "AudioSkipped",
        "CallerHungUp",
        "DtmfReceived",
        "MessageIgnored",
        "PlayedReceived",
        "ProtocolViolated",
        "StartReceived",
    }
