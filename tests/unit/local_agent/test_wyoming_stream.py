"""Tests of the Wyoming protocol's stream, held to the package's own reader and writer."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.message_fuzz import mutated
from voxgate.errors import RemoteProtocolError
from voxgate.local_agent import wyoming_stream

wyoming_event = pytest.importorskip("wyoming.event", reason="needs voxgate[local]")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
EVENTS = st.lists(
    st.builds(
        wyoming_event.Event,
        type=st.text(min_size=1, max_size=12),
        data=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
        payload=st.none() | st.binary(min_size=1, max_size=200),
    ),
    max_size=5,
)


def read_all(data: bytes, size: int) -> list[Any]:
    reader = wyoming_stream.EventReader()
    return [
        event
        for start in range(0, len(data), size)
        for event in reader.receive(data[start : start + size])
    ]


@given(EVENTS, st.integers(1, 64))
def test_events_come_out_as_they_went_in_however_the_stream_is_cut(
    events: list[Any], size: int
) -> None:
    """Whatever they hold."""
    assert read_all(b"".join(map(wyoming_stream.serialize_event, events)), size) == events


@given(EVENTS)
def test_what_the_package_writes_is_read(events: list[Any]) -> None:
    """To the same events."""
    written = io.BytesIO()
    for event in events:
        wyoming_event.write_event(event, written)
    assert read_all(written.getvalue(), 4096) == events


@given(EVENTS)
def test_the_package_reads_what_is_written(events: list[Any]) -> None:
    """To the same events."""
    stream = io.BytesIO(b"".join(map(wyoming_stream.serialize_event, events)))
    assert [wyoming_event.read_event(stream) for _ in events] == events


def test_data_in_the_line_and_after_it_is_joined() -> None:
    """What comes later counts, as the protocol has it."""
    more = b'{"b": 3}'
    line = json.dumps({"type": "x", "data": {"a": 1, "b": 2}, "data_length": len(more)}).encode()
    (event,) = read_all(line + b"\n" + more, 7)
    assert event.data == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"nonsense\n", "JSON"),
        (b"[]\n", "an event is of the wrong type"),
        (b"{}\n", "type is of the wrong type"),
        (b'{"type": 1}\n', "type is of the wrong type"),
        (b'{"type": "x", "data": []}\n', None),
        (b'{"type": "x", "data": [1]}\n', "data is of the wrong type"),
        (b'{"type": "x", "data_length": "1"}\n', "data_length is of the wrong type"),
        (b'{"type": "x", "data_length": true}\n', "data_length is not in"),
        (b'{"type": "x", "data_length": 1}\n1', "an event is of the wrong type"),
        (b'{"type": "x", "data_length": 2}\n{]', "JSON"),
        (b'{"type": "x", "payload_length": -1}\n', "payload_length is not in"),
        (b'{"type": "x", "payload_length": 1e3}\n', "payload_length is of the wrong type"),
        (b'{"type": "x", "payload_length": 16777217}\n', "payload_length is not in"),
        (b'{"type": "x", "data_length": 4194305}\n', "data_length is not in"),
        (b"[" * 100_000 + b"\n", "JSON"),
        (b"x" * (1 << 20) + b"x", "a line of more than"),
    ],
)
def test_what_is_no_event_is_an_error_of_the_peer(data: bytes, reason: str | None) -> None:
    """It says what is wrong, and holds nothing of what was said."""
    if reason is None:
        assert len(read_all(data, 4096)) == 1
        return
    with pytest.raises(RemoteProtocolError, match=reason):
        read_all(data, 1 << 16)


def test_random_changes_give_events_or_an_error_of_the_peer() -> None:
    """Nothing else is ever raised."""
    chance = np.random.default_rng(3)
    originals = [
        wyoming_stream.serialize_event(wyoming_event.Event("transcript", {"text": "hello"})),
        wyoming_stream.serialize_event(
            wyoming_event.Event("audio-chunk", {"rate": 16000, "width": 2}, b"abcdef")
        ),
    ]
    texts = [original.decode() for original in originals]
    outcomes = set()
    for _ in range(3000):
        change = mutated(texts, chance)
        data = change if isinstance(change, bytes) else change.encode("utf-8", "surrogatepass")
        try:
            outcomes.add(bool(read_all(data + b"\n", 50)))
        except RemoteProtocolError:
            outcomes.add(None)
    assert outcomes == {True, False, None}


async def test_the_bounds_are_those_of_a_peer_that_says_too_much() -> None:
    """The package's own reader would wait for it."""
    reader = asyncio.StreamReader()
    reader.feed_data(b'{"type": "x", "payload_length": 99999999999}\n')
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await wyoming_event.async_read_event(reader)
    with pytest.raises(RemoteProtocolError):
        wyoming_stream.EventReader().receive(b'{"type": "x", "payload_length": 99999999999}\n')
