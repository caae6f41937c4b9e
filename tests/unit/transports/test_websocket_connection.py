"""The WebSocket's shell: what is read, what is written, and in which order it ends."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, cast

import pytest
from aiohttp import WSMessage, WSMsgType, web
from aiohttp.http_websocket import WebSocketError

from support.fake_socket_transport import FakeSocketTransport
from support.fake_websocket import FakeWebSocket, closed_by_peer, text
from support.twilio_messages import connected, media, start, stop
from support.virtual_time import in_virtual_time
from voxgate.errors import LocalProtocolError
from voxgate.transports.base import LineDtmf, LineEvent, LineHangup
from voxgate.transports.twilio.call import TwilioCall
from voxgate.transports.websocket_connection import StreamStats, WebSocketConnection

FRAME = b"\x01" * 160


def connected_by(websocket: FakeWebSocket, call: Any) -> WebSocketConnection[Any]:
    return WebSocketConnection(cast("web.WebSocketResponse", websocket), None, call, name="test")


class Rig:
    """A Twilio stream over a fake."""

    def __init__(self) -> None:
        self.websocket = FakeWebSocket()
        self.connection = connected_by(self.websocket, TwilioCall())

    def feed(self, *messages: dict[str, Any]) -> None:
        self.websocket.feed(*[text(json.dumps(message)) for message in messages])

    def sent(self) -> list[str]:
        """Return the names of the events sent."""
        return [json.loads(each)["event"] for each in self.websocket.sent]

    async def events(self) -> list[LineEvent]:
        return [event async for event in self.connection.events.drain()]


async def started() -> Rig:
    rig = Rig()
    rig.feed(connected(), start())
    return rig


@in_virtual_time
async def test_frames_are_written_with_their_marks_in_order():
    """By a task of their own: sending never waits."""
    rig = await started()
    async with rig.connection.open():
        assert await rig.connection.wait_started()
        for _ in range(3):
            rig.connection.send(FRAME)
        assert rig.sent() == []
        await asyncio.sleep(0.01)
        assert rig.sent() == ["media", "mark"] * 3
    assert rig.websocket.closes == [(1000, b"")]
    assert await rig.events() == [LineHangup("local_hangup")]


@in_virtual_time
async def test_a_flush_overtakes_what_waits_to_be_written():
    """What has not gone out never does."""
    rig = await started()
    rig.websocket.is_reading = False
    async with rig.connection.open():
        await rig.connection.wait_started()
        for _ in range(10):
            rig.connection.send(FRAME)
        await asyncio.sleep(0.01)
        rig.connection.flush()
        rig.websocket.is_reading = True
        await asyncio.sleep(0.01)
    assert rig.sent() == ["media", "clear"]  # the first was on its way


@in_virtual_time
async def test_a_peer_that_does_not_read_is_given_up():
    """2 s wait, 5 s are lost, then the line is broken."""
    rig = await started()
    rig.websocket.is_reading = False
    async with rig.connection.open():
        await rig.connection.wait_started()
        for _ in range(400):
            rig.connection.send(FRAME)
    assert rig.connection.backlog.sent_frames == 100
    assert rig.connection.backlog.dropped_frames == 250
    assert await rig.events() == [LineHangup("transport_error", "the peer does not read")]


@in_virtual_time
@pytest.mark.parametrize(
    ("message", "reason", "code"),
    [
        (text(json.dumps(stop())), "caller_hangup", 1000),
        (closed_by_peer(), "caller_hangup", 1000),
        (text("{"), "protocol_error", 1002),
        (WSMessage(WSMsgType.BINARY, b"x", None), "protocol_error", 1002),
        (WSMessage(WSMsgType.ERROR, WebSocketError(1009, "long"), None), "protocol_error", 1002),
        (WSMessage(WSMsgType.ERROR, OSError(), None), "transport_error", 1000),
        (WSMessage(WSMsgType.CLOSED, None, None), "transport_error", 1000),
    ],
)
async def test_every_end_has_its_reason_and_is_answered_at_once(
    message: WSMessage, reason: str, code: int
):
    """Who serves the call need not have noticed yet."""
    rig = await started()
    async with rig.connection.open():
        await rig.connection.wait_started()
        rig.websocket.feed(message)
        await asyncio.sleep(0.01)
        assert [each for each, _ in rig.websocket.closes] == [code]
        rig.connection.send(FRAME)
        rig.connection.flush()
    (event,) = await rig.events()
    assert isinstance(event, LineHangup)
    assert event.reason == reason
    assert "mark" not in rig.sent()


@in_virtual_time
async def test_who_goes_away_before_the_start_is_no_call():
    """Whoever waits for it is woken."""
    rig = Rig()
    rig.feed(connected())
    async with rig.connection.open():
        waiting = asyncio.create_task(rig.connection.wait_started())
        await asyncio.sleep(0.01)
        rig.websocket.feed(closed_by_peer())
        assert await waiting is False


@in_virtual_time
async def test_a_hangup_with_a_reason_is_told_to_the_peer():
    """Within what a close has room for, in whole characters."""
    rig = await started()
    async with rig.connection.open():
        await rig.connection.hang_up("\u00e9" * 100, 1008)
        await rig.connection.hang_up("again", 1000)
    assert rig.websocket.closes == [(1008, ("\u00e9" * 61).encode())]


@in_virtual_time
async def test_cancelling_closes_all_the_same():
    """An engine that ends takes its calls with it."""
    rig = await started()

    async def serve() -> None:
        async with rig.connection.open():
            await asyncio.sleep(3600)

    serving = asyncio.create_task(serve())
    await asyncio.sleep(0.01)
    serving.cancel()
    await asyncio.wait({serving})
    assert serving.cancelled()
    assert rig.websocket.closes == [(1000, b"")]


@in_virtual_time
async def test_parts_of_frames_are_refused_and_captured_audio_comes_through():
    """The one is our mistake, the other the caller's voice."""
    rig = await started()
    async with rig.connection.open():
        await rig.connection.wait_started()
        with pytest.raises(LocalProtocolError, match="3 bytes"):
            rig.connection.send(b"\x01\x02\x03")
        rig.feed(media(FRAME, timestamp_ms=60))
        event = await rig.connection.events.get()
    assert (event.audio, event.timestamp_ms) == (FRAME, 60)


@in_virtual_time
async def test_captured_audio_is_delivered_where_it_is_taken_at_once():
    """It does not wait in the queue."""
    rig = await started()
    taken = []
    async with rig.connection.open():
        await rig.connection.wait_started()
        rig.connection.events.deliver_to(lambda event: taken.append(event.audio) or True)
        rig.feed(media(FRAME, timestamp_ms=60))
        await asyncio.sleep(0.01)
    assert taken == [FRAME]
    assert await rig.events() == [LineHangup("local_hangup")]


class TalkingCall:
    """A call of few words: any text starts it, ``stop`` is a pause, and frames go in pairs."""

    stats = StreamStats(received_frames=0, void_marks=0, warnings={})

    def __init__(self) -> None:
        self.is_started = False
        self.is_paused = False
        self._held = b""

    def receive_text(self, text: str) -> list[LineEvent]:
        self.is_started = True
        self.is_paused = text == "stop"
        return []

    def receive_binary(self, data: bytes) -> list[LineEvent]:
        return [LineDtmf(data.decode())]

    def send_audio(self, frame: bytes) -> list[str | bytes]:
        self._held += frame
        if len(self._held) < 2 * len(frame):
            return []
        sent, self._held = self._held, b""
        return [sent, "mark"]

    def flush(self) -> list[str | bytes]:
        self.is_paused = False
        return ["flush"]

    def hang_up(self) -> list[str | bytes]:
        return ["bye"]


@in_virtual_time
async def test_binary_messages_go_both_ways_and_the_last_word_is_written():
    """Whatever the call makes of them; frames that are held write nothing yet."""
    websocket = FakeWebSocket()
    connection = connected_by(websocket, TalkingCall())
    websocket.feed(text("go"), WSMessage(WSMsgType.BINARY, b"5", None))
    async with connection.open():
        assert await connection.wait_started()
        assert await connection.events.get() == LineDtmf("5")
        for frame in (b"a", b"b", b"c"):
            connection.send(frame)
        connection.write("aside")
        await asyncio.sleep(0.01)
    assert websocket.sent == [b"ab", "mark", "aside", "bye"]
    assert connection.backlog.sent_frames == 1
    connection.write("late")
    assert websocket.sent[-1] == "bye"


@in_virtual_time
async def test_who_asks_for_a_pause_gets_nothing_until_it_asks_for_more():
    """What is sent meanwhile waits, within the bounds of any peer that does not read."""
    websocket = FakeWebSocket()
    connection = connected_by(websocket, TalkingCall())
    websocket.feed(text("go"))
    async with connection.open():
        await connection.wait_started()
        websocket.feed(text("stop"))
        await asyncio.sleep(0.01)
        for _ in range(4):
            connection.send(FRAME)
        await asyncio.sleep(0.01)
        assert websocket.sent == []
        websocket.feed(text("more"))
        await asyncio.sleep(0.01)
        assert websocket.sent == [2 * FRAME, "mark"] * 2


@in_virtual_time
async def test_a_flush_is_heard_through_a_pause():
    """What was asked to wait is gone."""
    websocket = FakeWebSocket()
    connection = connected_by(websocket, TalkingCall())
    websocket.feed(text("go"), text("stop"))
    async with connection.open():
        await connection.wait_started()
        await asyncio.sleep(0.01)
        for _ in range(4):
            connection.send(FRAME)
        connection.flush()
        await asyncio.sleep(0.01)
    assert websocket.sent == ["flush", "bye"]


@in_virtual_time
async def test_who_has_not_started_is_closed_without_a_word():
    """Nothing was agreed upon yet."""
    websocket = FakeWebSocket()
    async with connected_by(websocket, TalkingCall()).open():
        pass
    assert websocket.sent == []
    assert [code for code, _ in websocket.closes] == [1000]


def over_socket(*, has_dead_socket: bool = False) -> tuple[Any, FakeWebSocket, FakeSocketTransport]:
    websocket = FakeWebSocket()
    transport = FakeSocketTransport(cast("Any", Nobody()), has_dead_socket=has_dead_socket)
    response = cast("web.WebSocketResponse", websocket)
    connection = WebSocketConnection(response, transport, cast("Any", TalkingCall()), name="test")
    return connection, websocket, transport


class Nobody:
    """Who is told that the socket is gone."""

    def connection_lost(self, exc: Exception | None) -> None:
        assert exc is None


@pytest.mark.parametrize("has_dead_socket", [False, True])
@in_virtual_time
async def test_a_socket_is_told_to_notice_who_is_gone(has_dead_socket: bool):
    """Where it still can be told; what the peer said in the address is kept."""
    connection, _, transport = over_socket(has_dead_socket=has_dead_socket)
    options = {(level, option) for level, option, _ in transport.socket.options}
    wanted = {(socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.SOL_SOCKET, socket.SO_RCVBUF)}
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        wanted.add((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
    assert options >= wanted or has_dead_socket
    assert bool(options) is not has_dead_socket
    assert connection.query == {}
    connection.abort()
    assert transport.is_aborted


@in_virtual_time
async def test_what_waits_in_the_socket_waits_too():
    """A peer that does not read is noticed behind the kernel's buffer."""
    connection, websocket, transport = over_socket()
    websocket.feed(text("go"))
    async with connection.open():
        await connection.wait_started()
        transport.waiting_bytes = 100_000
        for _ in range(4):
            connection.send(FRAME)
    assert (connection.backlog.sent_frames, connection.backlog.dropped_frames) == (0, 2)


@in_virtual_time
async def test_who_is_given_up_is_cut_off_at_once():
    """Its socket is gone before whoever serves the call has noticed."""
    connection, websocket, transport = over_socket()
    websocket.feed(text("go"))
    async with connection.open():
        await connection.wait_started()
        transport.waiting_bytes = 100_000
        while not connection.events.is_closed:
            assert not transport.is_aborted
            connection.send(FRAME)
        assert transport.is_aborted
        assert websocket.closes == []
    assert connection.events.hangup == LineHangup("transport_error", "the peer does not read")


@in_virtual_time
async def test_who_does_not_read_the_last_word_is_cut_off():
    """After 2 s; the end is in good order on our side all the same."""
    connection, websocket, transport = over_socket()
    websocket.feed(text("go"))
    async with connection.open():
        await connection.wait_started()
        websocket.is_reading = False
        began_s = asyncio.get_running_loop().time()
        await connection.hang_up()
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(2.0, abs=0.01)
        assert transport.is_aborted
        assert websocket.closes == []


class BrokenWebSocket(FakeWebSocket):
    """Its socket is gone, and nobody has noticed."""

    async def send_str(self, data: str | bytes) -> None:
        raise ConnectionResetError("gone")


@in_virtual_time
async def test_a_socket_that_breaks_while_written_to_is_for_the_reader_to_tell():
    """Neither the writer nor the last word raises."""
    websocket = BrokenWebSocket()
    connection = connected_by(websocket, TalkingCall())
    websocket.feed(text("go"))
    async with connection.open():
        await connection.wait_started()
        connection.write("a", "b")
        await asyncio.sleep(0.01)
    assert [event async for event in connection.events.drain()] == [LineHangup("local_hangup")]


@in_virtual_time
async def test_a_connection_that_is_lost_in_a_pong_ends_its_call_in_good_order():
    """Whoever serves the call is told, and not cancelled: its last events are not lost."""
    rig = await started()
    async with rig.connection.open():
        await rig.connection.wait_started()
        rig.websocket.fail(ConnectionResetError("Connection lost"))
        events = await rig.events()
        await asyncio.sleep(1.0)  # the farewell of whoever served it
    assert events == [LineHangup("transport_error", "the connection was lost")]


@in_virtual_time
async def test_a_peer_that_floods_us_leaves_the_loop_to_others():
    """Of messages that are all there, one is taken in a turn of the loop."""
    rig = await started()
    rig.feed(*[media(FRAME) for _ in range(100)], stop())
    n_turns = 0
    async with rig.connection.open():
        while not rig.connection.events.is_closed:
            await asyncio.sleep(0)
            n_turns += 1
    assert n_turns >= 100
