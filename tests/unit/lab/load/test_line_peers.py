"""Peers of both lines, with a transport that writes into a list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from voxgate.lab.load.far_end import SILENT_PCM
from voxgate.lab.load.frame_log import PLAYED_SOUND
from voxgate.lab.load.line_peers import AudioSocketPeer, TwilioPeer
from voxgate.transports.audiosocket.protocol import (
    HANGUP_FRAME,
    AudioReceived,
    AudioSocketParser,
    CallIdentified,
    serialize_audio,
)
from voxgate.transports.twilio.protocol import serialize_clear, serialize_mark, serialize_media

SOUND = b"\x01\x02" * 160


class Wire:
    """A transport."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self.written.append(data)

    def close(self) -> None:
        """Take the end."""
        self.is_closed = True

    abort = close


class Taken:
    """What a peer said of frames."""

    def __init__(self) -> None:
        self.marks: list[int] = []

    def __call__(self, now_ms: float, mark: int) -> None:
        """Take a frame."""
        assert now_ms > 0
        self.marks.append(mark)


def audiosocket() -> tuple[AudioSocketPeer, Wire, Taken]:
    """Return a peer that is connected."""
    taken, wire = Taken(), Wire()
    peer = AudioSocketPeer(taken)
    peer.connection_made(cast("asyncio.Transport", wire))
    return peer, wire, taken


def test_an_engine_understands_the_caller() -> None:
    """One write a frame, the call's id first."""
    peer, wire, _ = audiosocket()
    peer.send(b"", SOUND)
    events = [event for data in wire.written for event in AudioSocketParser().receive_data(data)]
    parser = AudioSocketParser()
    events = [event for data in wire.written for event in parser.receive_data(data)]
    assert isinstance(events[0], CallIdentified)
    assert events[1:] == [AudioReceived(SOUND, 8000)]


@pytest.mark.parametrize("size", [1, 7, 323, 5000])
def test_frames_are_taken_however_they_come(size: int) -> None:
    """Cut or joined by the network."""
    peer, _, taken = audiosocket()
    stream = b"".join(serialize_audio(each) for each in (SOUND, SILENT_PCM, SOUND))
    for at in range(0, len(stream), size):
        peer.data_received(stream[at : at + size])
    assert taken.marks == [1, 0, 1]
    assert [peer.next_far_end() for _ in range(4)] == [SOUND, SILENT_PCM, SOUND, SILENT_PCM]


@pytest.mark.parametrize("data", [HANGUP_FRAME, b"HTTP/1.1 400"])
def test_a_hangup_or_nonsense_ends_the_call(data: bytes) -> None:
    """Behind the frames before it."""
    peer, wire, taken = audiosocket()
    peer.data_received(serialize_audio(SOUND) + data)
    assert peer.is_over
    assert wire.is_closed
    assert taken.marks == [1]


def test_nothing_is_sent_after_the_end() -> None:
    """The socket is gone."""
    peer, wire, _ = audiosocket()
    peer.hang_up()
    assert wire.is_closed
    peer.connection_lost(None)
    n_written = len(wire.written)
    peer.send(b"", SOUND)
    assert len(wire.written) == n_written


class Stream:
    """A peer of Twilio's with the engine's side of its WebSocket."""

    def __init__(self) -> None:
        self.taken, self.wire = Taken(), Wire()
        self.peer = TwilioPeer("ws://127.0.0.1:1/twilio", self.taken)
        self.engine = ServerProtocol()

    def open(self) -> list[bytes]:
        """Open the WebSocket, and return what is said first."""
        self.peer.connection_made(cast("asyncio.Transport", self.wire))
        request = self.hear()[0]
        assert isinstance(request, Request)
        self.engine.send_response(self.engine.accept(request))
        self.deliver()
        return self.texts()

    def say(self, *texts: str) -> None:
        """Let the engine say something."""
        for text in texts:
            self.engine.send_text(text.encode())
        self.deliver()

    def deliver(self) -> None:
        """Bring the peer what the engine sent."""
        for data in self.engine.data_to_send():
            self.peer.data_received(data)

    def hear(self) -> list[Any]:
        """Return what the engine got."""
        for data in self.wire.written:
            self.engine.receive_data(data)
        self.wire.written.clear()
        return list(self.engine.events_received())

    def texts(self) -> list[bytes]:
        """Return the texts that the engine got."""
        return [bytes(each.data) for each in self.hear() if each.opcode is Opcode.TEXT]


def in_loop(test: Callable[[Stream], Awaitable[None] | None]) -> None:
    """Run a test in a loop: a peer waits for its WebSocket there."""

    async def run() -> None:
        test(Stream())

    asyncio.run(run())


def test_a_stream_begins_as_twilios_do() -> None:
    """Connected, start, then media."""

    def check(stream: Stream) -> None:
        first = stream.open()
        stream.peer.send(b"\x11" * 160, b"")
        events = [text.split(b'"')[3] for text in (*first, *stream.texts())]
        assert events == [b"connected", b"start", b"media"]

    in_loop(check)


def test_media_is_played_and_marks_come_back_behind_it() -> None:
    """In frames, whatever came at once."""

    def check(stream: Stream) -> None:
        stream.open()
        stream.say(serialize_media("MZ", b"\x11" * 320), serialize_mark("MZ", "done"))
        assert stream.texts() == []
        assert stream.peer.next_far_end() != SILENT_PCM
        assert stream.texts() == []
        assert stream.peer.next_far_end() != SILENT_PCM
        assert b'"name":"done"' in stream.texts()[0]
        assert stream.taken.marks == [1, 1, PLAYED_SOUND, PLAYED_SOUND]

    in_loop(check)


def test_a_clear_forgets_what_waits_and_returns_its_marks() -> None:
    """At once."""

    def check(stream: Stream) -> None:
        stream.open()
        stream.say(serialize_media("MZ", b"\x11" * 1600), serialize_mark("MZ", "m"))
        stream.say(serialize_clear("MZ"))
        assert b'"name":"m"' in stream.texts()[0]
        assert stream.peer.next_far_end() == SILENT_PCM

    in_loop(check)


def test_nonsense_of_the_engine_is_left_out() -> None:
    """The call goes on."""

    def check(stream: Stream) -> None:
        stream.open()
        stream.say("nonsense", "{}")
        assert not stream.peer.is_over

    in_loop(check)


def test_an_engine_without_a_websocket_is_an_error() -> None:
    """Whoever dials hears of it."""

    async def run() -> None:
        stream = Stream()
        stream.peer.connection_made(cast("asyncio.Transport", stream.wire))
        stream.peer.data_received(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(OSError, match="no WebSocket"):
            await stream.peer.wait_open()

    asyncio.run(run())


def test_a_connection_that_breaks_while_it_opens_is_an_error() -> None:
    """Nobody waits for ever."""

    async def run() -> None:
        stream = Stream()
        stream.peer.connection_made(cast("asyncio.Transport", stream.wire))
        stream.peer.connection_lost(None)
        with pytest.raises(OSError, match="closed"):
            await stream.peer.wait_open()

    asyncio.run(run())


def test_hanging_up_a_stream_says_so() -> None:
    """Stop, and the end of the connection."""

    def check(stream: Stream) -> None:
        stream.open()
        stream.peer.hang_up()
        assert stream.wire.is_closed
        assert b'"event":"stop"' in stream.texts()[0]

    in_loop(check)
