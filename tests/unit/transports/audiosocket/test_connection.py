"""The socket of a call, with an asyncio transport that is a list."""

from __future__ import annotations

import asyncio
import socket
from uuid import UUID

import pytest

from support.audiosocket_peer import AUDIO, CALL_ID, DTMF, HANGUP, wire_frame
from support.fake_socket_transport import FakeSocketTransport
from voxgate.transports.audiosocket.connection import AudioSocketConnection
from voxgate.transports.base import LineAudio, LineDtmf, LineEvent, LineHangup

ID = UUID("c0ffee00-1234-4abc-8def-00112233aabb")
ID_FRAME = wire_frame(CALL_ID, ID.bytes)
FRAME = wire_frame(AUDIO, bytes(320))
FAR_TOO_MUCH = 10_000_000


def connected(
    *, has_dead_socket: bool = False
) -> tuple[AudioSocketConnection, FakeSocketTransport]:
    connection = AudioSocketConnection(lambda _: None)
    transport = FakeSocketTransport(connection, has_dead_socket=has_dead_socket)
    connection.connection_made(transport)
    return connection, transport


async def events_of(connection: AudioSocketConnection) -> list[LineEvent]:
    return [event async for event in connection.events.drain()]


async def test_connection_is_announced_when_it_can_be_used():
    """Whoever accepts it may write at once."""
    announced: list[AudioSocketConnection] = []

    def accept(connection: AudioSocketConnection) -> None:
        connection.send(FRAME)
        announced.append(connection)

    connection = AudioSocketConnection(accept)
    assert connection.peer_name == "unknown"
    connection.send(b"nowhere to go yet")
    transport = FakeSocketTransport(connection)
    connection.connection_made(transport)
    assert announced == [connection]
    assert transport.writes == [FRAME]
    assert connection.peer_name == "127.0.0.1:5038"


async def test_small_frames_are_sent_at_once():
    """Nagle's algorithm would hold a frame back until the last one is acknowledged."""
    _, transport = connected()
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in transport.socket.options


async def test_socket_that_is_gone_already_is_no_error():
    """A peer may reset between connecting and being accepted."""
    connection, transport = connected(has_dead_socket=True)
    connection.connection_lost(ConnectionResetError())
    assert await events_of(connection) == [LineHangup("transport_error", "ConnectionResetError")]
    assert transport.writes == []


async def test_bytes_become_events():
    """A burst longer than the read buffer comes out whole."""
    connection, transport = connected()
    burst = [bytes((number, 0)) * 160 for number in range(200)]
    transport.receive(ID_FRAME + b"".join(wire_frame(AUDIO, audio) for audio in burst))
    transport.receive(wire_frame(DTMF, b"1"))
    connection.eof_received()
    assert await events_of(connection) == [
        *(LineAudio(audio) for audio in burst),
        LineDtmf("1"),
        LineHangup("caller_hangup"),
    ]
    assert connection.call.call_id == ID


async def test_a_frame_that_is_read_alone_is_delivered_at_once():
    """Several in one read wait in the queue, and so does what comes behind them."""
    connection, transport = connected()
    taken = []
    connection.events.deliver_to(lambda event: taken.append(event) or True)
    transport.receive(ID_FRAME)
    connection.call.fix_capture_format()
    transport.receive(FRAME)
    assert taken == [LineAudio(bytes(320))]
    transport.receive(FRAME * 2)
    transport.receive(FRAME)
    assert taken == [LineAudio(bytes(320))]
    connection.eof_received()
    assert await events_of(connection) == [
        *[LineAudio(bytes(320))] * 3,
        LineHangup("caller_hangup"),
    ]


async def test_flood_leaves_the_loop_to_others():
    """16 frames a turn, however many came at once; none is lost, and their order is kept."""
    connection, transport = connected()
    audio = [bytes((number, 0)) for number in range(100)]
    transport.receive(ID_FRAME + b"".join(wire_frame(AUDIO, each) for each in audio))
    taken = []
    for _ in range(8):
        taken.append(connection.call.stats.received_frames)
        await asyncio.sleep(0)
    assert taken == [15, 31, 47, 63, 79, 95, 100, 100]
    assert not transport.is_paused
    connection.eof_received()
    heard = [each.audio for each in await events_of(connection) if isinstance(each, LineAudio)]
    assert b"".join(heard) == b"".join(audio)


async def test_flood_is_read_no_further_before_it_is_taken():
    """What the peer sends meanwhile waits in the kernel, and so with the peer; then it comes."""
    connection, transport = connected()
    transport.receive(ID_FRAME + wire_frame(DTMF, b"1") * 40)
    assert transport.is_paused
    transport.receive(wire_frame(HANGUP))
    assert not connection.events.is_closed
    events = await events_of(connection)
    assert events == [LineDtmf("1")] * 40 + [LineHangup("caller_hangup")]


async def test_flood_does_not_hide_the_end():
    """A call that we end in the middle of one reads on, to see the peer close."""
    connection, transport = connected()
    transport.receive(ID_FRAME + wire_frame(DTMF, b"1") * 40)
    connection.say_goodbye()
    await asyncio.sleep(0)
    assert not transport.is_paused
    assert (await events_of(connection)) == [LineDtmf("1")] * 15 + [LineHangup("local_hangup")]
    connection.eof_received()
    assert transport.is_aborted


async def test_bare_fin_closes_the_socket_without_a_word():
    """Nobody is left to say goodbye to."""
    connection, transport = connected()
    transport.receive(ID_FRAME)
    connection.eof_received()
    assert transport.is_aborted
    assert transport.writes == []
    assert await events_of(connection) == [LineHangup("caller_hangup")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [(wire_frame(HANGUP), "caller_hangup"), (ID_FRAME, "protocol_error")],
)
async def test_call_that_ended_is_said_goodbye(data: bytes, reason: str):
    """After a hangup frame or garbage, the peer is told, and what it still sends is ignored."""
    connection, transport = connected()
    transport.receive(ID_FRAME + data)
    assert transport.writes == [wire_frame(HANGUP)]
    assert transport.has_written_eof
    assert not transport.is_aborted
    transport.receive(wire_frame(DTMF, b"1"))
    connection.eof_received()
    assert transport.is_aborted
    (hangup,) = await events_of(connection)
    assert isinstance(hangup, LineHangup)
    assert hangup.reason == reason


async def test_each_frame_is_one_write():
    """Header and payload never go apart."""
    connection, transport = connected()
    for _ in range(3):
        connection.send(FRAME)
    assert transport.writes == [FRAME] * 3


async def test_nothing_is_sent_after_the_end():
    """A late frame of the engine is no error and no write."""
    connection, transport = connected()
    transport.receive(ID_FRAME)
    connection.eof_received()
    connection.send(FRAME)
    assert transport.writes == []
    assert connection.backlog.sent_frames == 0


async def test_peer_that_reads_slowly_loses_frames_and_not_the_call():
    """What finds 2 s waiting is left out, and the next frame that finds room is sent."""
    connection, transport = connected()
    transport.waiting_bytes = 100 * len(FRAME)
    connection.send(FRAME)
    transport.waiting_bytes = 99 * len(FRAME)
    connection.send(FRAME)
    assert transport.writes == [FRAME]
    assert connection.backlog.dropped_frames == 1
    assert not connection.events.is_closed


async def test_peer_that_never_reads_ends_as_transport_error():
    """5 s of frames that nobody takes are a dead peer."""
    connection, transport = connected()
    transport.waiting_bytes = FAR_TOO_MUCH
    for _ in range(249):
        connection.send(FRAME)
    assert not connection.events.is_closed
    connection.send(FRAME)
    assert transport.is_aborted
    assert transport.writes == []
    assert await events_of(connection) == [LineHangup("transport_error", "the peer does not read")]


async def test_our_hangup_waits_for_the_peer_to_close():
    """Closing at once could reset the connection before the peer has read the hangup."""
    connection, transport = connected()
    hangup = asyncio.create_task(connection.hang_up())
    await asyncio.sleep(0)
    assert transport.writes == [wire_frame(HANGUP)]
    assert transport.has_written_eof
    assert not hangup.done()
    connection.eof_received()
    await hangup
    assert transport.is_aborted
    assert await events_of(connection) == [LineHangup("local_hangup")]


async def test_second_hangup_says_nothing_new():
    """Engine and server both end a call; the peer hears it once."""
    connection, transport = connected()
    connection.say_goodbye()
    connection.say_goodbye()
    connection.eof_received()
    await connection.hang_up()
    assert transport.writes == [wire_frame(HANGUP)]


async def test_goodbye_to_a_peer_that_reset_is_no_error():
    """The reset may be known to the socket before it is known to us; the call ends all the same."""
    connection, transport = connected(has_dead_socket=True)
    hangup = asyncio.create_task(connection.hang_up())
    await asyncio.sleep(0)
    assert not hangup.done()
    connection.connection_lost(ConnectionResetError())
    await hangup
    assert transport.is_aborted
    assert await events_of(connection) == [LineHangup("local_hangup")]


async def test_peer_that_does_not_close_is_closed(monkeypatch: pytest.MonkeyPatch):
    """After the time of grace the socket goes, whatever the peer does."""
    monkeypatch.setattr("voxgate.transports.audiosocket.connection.HANGUP_GRACE_S", 0.0)
    connection, transport = connected()
    await connection.hang_up()
    assert transport.is_aborted


async def test_cancelled_hangup_still_closes_the_socket():
    """An engine in a hurry leaves no socket behind."""
    connection, transport = connected()
    hangup = asyncio.create_task(connection.hang_up())
    await asyncio.sleep(0)
    hangup.cancel()
    await asyncio.wait({hangup})
    assert hangup.cancelled()
    assert transport.is_aborted


@pytest.mark.parametrize(
    ("error", "hangup"),
    [
        (ConnectionResetError(), LineHangup("transport_error", "ConnectionResetError")),
        (TimeoutError(), LineHangup("transport_error", "TimeoutError")),
        (None, LineHangup("local_hangup")),
    ],
)
async def test_lost_connection_says_why(error: Exception | None, hangup: LineHangup):
    """A reset is the line's fault; a socket closed by us is ours."""
    connection, _ = connected()
    connection.connection_lost(error)
    assert await events_of(connection) == [hangup]


async def test_waiting_for_the_uuid_ends_with_it():
    """The server learns which call it is as soon as the peer has said it."""
    connection, transport = connected()
    waiting = asyncio.create_task(connection.wait_identified())
    await asyncio.sleep(0)
    transport.receive(ID_FRAME[:10])
    await asyncio.sleep(0)
    assert not waiting.done()
    transport.receive(ID_FRAME[10:])
    assert await waiting


@pytest.mark.parametrize("data", [b"", wire_frame(AUDIO, bytes(320)), ID_FRAME + ID_FRAME])
async def test_peer_that_goes_away_is_not_identified(data: bytes):
    """A call that is over before it began is not handed to anybody."""
    connection, transport = connected()
    waiting = asyncio.create_task(connection.wait_identified())
    await asyncio.sleep(0)
    transport.receive(data)
    connection.eof_received()
    assert not await waiting


@pytest.mark.parametrize("data", [wire_frame(0x12, bytes(640)), wire_frame(HANGUP)])
async def test_waiting_for_the_format_ends_with_audio_or_the_call(data: bytes):
    """Key presses don't end it; audio and hangup do."""
    connection, transport = connected()
    transport.receive(ID_FRAME)
    waiting = asyncio.create_task(connection.wait_capture_format())
    await asyncio.sleep(0)
    transport.receive(wire_frame(DTMF, b"1"))
    await asyncio.sleep(0)
    assert not waiting.done()
    transport.receive(data)
    await waiting
