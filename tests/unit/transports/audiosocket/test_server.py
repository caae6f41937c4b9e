"""The server without a network: connections are made by hand through its protocol factory."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from support.audiosocket_peer import AUDIO, CALL_ID, HANGUP, wire_frame
from support.fake_socket_transport import FakeSocketTransport
from voxgate.core.audio import AudioFormat
from voxgate.errors import LocalProtocolError, TransportError
from voxgate.transports.audiosocket.connection import AudioSocketConnection
from voxgate.transports.audiosocket.server import AudioSocketTransport
from voxgate.transports.base import Line, LineHangup

GOODBYE = [wire_frame(HANGUP)]


class FakeServer:
    """What ``create_server`` returns: a listening socket that nobody can reach."""

    def __init__(self, make_protocol: Callable[[], AudioSocketConnection]) -> None:
        self.make_protocol = make_protocol
        self.sockets = [self]

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 8090)

    def close(self) -> None:
        self.sockets = []


class Exchange:
    """Stands for the network around one server under test."""

    def __init__(self) -> None:
        self.server: FakeServer | None = None
        self.error: OSError | None = None
        self.transport = AudioSocketTransport(uuid_timeout_s=30.0, max_connections=2)
        self.lines: list[Line] = []
        self.may_end = asyncio.Event()

    async def create_server(
        self, make_protocol: Callable[[], AudioSocketConnection], *_: Any
    ) -> FakeServer:
        if self.error:
            raise self.error
        self.server = FakeServer(make_protocol)
        return self.server

    async def serve(self, line: Line) -> None:
        self.lines.append(line)
        await self.may_end.wait()

    def connect(self) -> FakeSocketTransport:
        assert self.server is not None
        connection = self.server.make_protocol()
        peer = FakeSocketTransport(connection, closes_when_told=True)
        connection.connection_made(peer)
        return peer

    def call(self, call_id: UUID, audio: bytes = bytes(320)) -> FakeSocketTransport:
        peer = self.connect()
        peer.receive(wire_frame(CALL_ID, call_id.bytes) + wire_frame(AUDIO, audio))
        return peer

    async def end(self) -> None:
        self.may_end.set()
        await self.transport.stop()
        await self.transport.wait_closed()


async def told_later(told: asyncio.Future[dict[str, str]]) -> dict[str, str]:
    return await told


async def settled() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def exchange(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exchange]:
    exchange = Exchange()
    monkeypatch.setattr(asyncio.get_running_loop(), "create_server", exchange.create_server)
    yield exchange
    await exchange.end()


async def test_call_is_handed_over_with_its_name_and_format(exchange: Exchange):
    """The handler gets a line that knows who calls and in which format."""
    await exchange.transport.start(exchange.serve)
    call_id = uuid4()
    exchange.call(call_id)
    await settled()
    (line,) = exchange.lines
    assert line.call_id == str(call_id)
    assert (line.capture_format, line.playout_format) == (AudioFormat(), AudioFormat())
    assert exchange.transport.stats.accepted_calls == 1
    assert exchange.transport.stats.open_connections == 1


async def test_call_without_audio_is_handed_over_at_8_khz(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
):
    """A caller with DTX is served without a word from them."""
    monkeypatch.setattr("voxgate.transports.audiosocket.intake._FIRST_AUDIO_TIMEOUT_S", 0.0)
    await exchange.transport.start(exchange.serve)
    peer = exchange.connect()
    peer.receive(wire_frame(CALL_ID, uuid4().bytes))
    await settled()
    (line,) = exchange.lines
    assert line.capture_format == AudioFormat()


async def test_call_is_hung_up_when_it_was_served(exchange: Exchange):
    """A handler that returns has nothing more to say."""
    await exchange.transport.start(exchange.serve)
    peer = exchange.call(uuid4())
    await settled()
    assert peer.writes == []
    exchange.may_end.set()
    await settled()
    assert peer.writes == GOODBYE
    assert exchange.transport.stats.open_connections == 0


async def test_failing_handler_ends_its_own_call_only(exchange: Exchange):
    """The others do not notice, and the log says what happened."""

    async def serve(line: Line) -> None:
        if len(exchange.lines) == 1:
            exchange.lines.append(line)
            raise RuntimeError("handler is broken")
        await exchange.serve(line)

    await exchange.transport.start(serve)
    other = exchange.call(uuid4())
    await settled()
    with capture_logs() as logs:
        broken = exchange.call(uuid4())
        await settled()
    assert broken.writes == GOODBYE
    assert other.writes == []
    assert [entry["event"] for entry in logs] == ["audiosocket.call_failed"]
    assert exchange.transport.stats.open_connections == 1


async def test_failing_goodbye_ends_its_own_call_only(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
):
    """Even ending a call may fail without another call being ended."""
    await exchange.transport.start(exchange.serve)
    other = exchange.call(uuid4())
    broken = exchange.call(uuid4())
    await settled()

    async def hang_up() -> None:
        raise OSError("impossible")

    monkeypatch.setattr(broken.protocol, "hang_up", hang_up)
    broken.protocol.eof_received()
    with capture_logs() as logs:
        exchange.may_end.set()
        await settled()
    assert [entry["event"] for entry in logs] == ["audiosocket.call_failed"]
    assert other.writes == GOODBYE
    assert exchange.transport.stats.open_connections == 0
    exchange.call(uuid4())
    await settled()
    assert len(exchange.lines) == 3


async def test_connection_over_the_limit_is_told_to_hang_up(exchange: Exchange):
    """A full house refuses politely, counts, and has room again later."""
    await exchange.transport.start(exchange.serve)
    calls = [exchange.call(uuid4()) for _ in range(2)]
    with capture_logs() as logs:
        refused = exchange.connect()
    assert refused.writes == GOODBYE
    assert exchange.transport.stats.refused_connections == 1
    assert (logs[0]["event"], logs[0]["reason"]) == (
        "audiosocket.connection_refused",
        "max_connections",
    )
    await settled()
    for call in calls:
        call.protocol.eof_received()
    exchange.may_end.set()
    await settled()
    exchange.call(uuid4())
    await settled()
    assert len(exchange.lines) == 3


async def test_silent_connection_is_closed(exchange: Exchange):
    """Who does not say which call it is holds no place for long."""
    exchange.transport = AudioSocketTransport(uuid_timeout_s=1e-9)
    await exchange.transport.start(exchange.serve)
    with capture_logs() as logs:
        peer = exchange.connect()
        await settled()
    assert peer.writes == GOODBYE
    assert exchange.lines == []
    assert exchange.transport.stats.unidentified_connections == 1
    assert (logs[0]["event"], logs[0]["reason"]) == (
        "audiosocket.connection_unidentified",
        "timeout",
    )


async def test_peer_that_is_not_asterisk_is_closed(exchange: Exchange):
    """The log names the bytes that gave it away."""
    await exchange.transport.start(exchange.serve)
    with capture_logs() as logs:
        peer = exchange.connect()
        peer.receive(b"GET / HTTP/1.1\r\n\r\n")
        await settled()
    assert peer.writes == GOODBYE
    assert exchange.lines == []
    assert logs[0]["reason"] == "protocol_error"
    assert "kind 0x47, length 17748, offset 0" in logs[0]["detail"]


async def test_health_check_is_counted_and_not_logged(exchange: Exchange):
    """A load balancer that connects and closes every few seconds fills no log."""
    await exchange.transport.start(exchange.serve)
    with capture_logs() as logs:
        exchange.connect().protocol.eof_received()
        await settled()
    assert logs == []
    assert exchange.transport.stats.unidentified_connections == 1


async def test_second_connection_of_a_live_call_is_refused(exchange: Exchange):
    """A fixed UUID in the dialplan would mix two callers; the first goes on, the log says why."""
    await exchange.transport.start(exchange.serve)
    call_id = uuid4()
    first = exchange.call(call_id)
    await settled()
    with capture_logs() as logs:
        second = exchange.call(call_id)
        await settled()
    assert (first.writes, second.writes) == ([], GOODBYE)
    assert len(exchange.lines) == 1
    assert exchange.transport.stats.duplicate_calls == 1
    assert (logs[0]["event"], logs[0]["call_id"]) == (
        "audiosocket.duplicate_call_refused",
        str(call_id),
    )


async def test_call_id_is_free_again_after_the_call(exchange: Exchange):
    """The name belongs to the call, not to the server."""
    exchange.may_end.set()
    await exchange.transport.start(exchange.serve)
    call_id = uuid4()
    for _ in range(2):
        exchange.call(call_id)
        await settled()
    assert exchange.transport.stats.accepted_calls == 2


async def test_stop_leaves_running_calls_alone(exchange: Exchange):
    """No new call is taken, a connection that was no call yet is closed, a running one goes on."""
    await exchange.transport.start(exchange.serve)
    running = exchange.call(uuid4())
    waiting = exchange.connect()
    await settled()
    assert exchange.server is not None
    await exchange.transport.stop()
    await exchange.transport.stop()
    await settled()
    late = exchange.connect()
    assert (running.writes, waiting.writes, late.writes) == ([], GOODBYE, GOODBYE)
    assert exchange.server.sockets == []
    closed = asyncio.create_task(exchange.transport.wait_closed())
    await settled()
    assert not closed.done()
    exchange.may_end.set()
    await closed
    assert running.writes == GOODBYE


async def test_stop_turns_away_a_call_that_still_waits_for_its_metadata(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
):
    """It is told at once, and is no call when the operator's system answers."""
    told: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(exchange.transport._intake, "_metadata", lambda *_: told_later(told))
    await exchange.transport.start(exchange.serve)
    peer = exchange.call(uuid4())
    await settled()
    assert peer.writes == []
    await exchange.transport.stop()
    assert peer.writes == GOODBYE
    told.set_result({"called_number": "700"})
    with capture_logs() as logs:
        await exchange.transport.wait_closed()
    assert exchange.lines == []
    stats = exchange.transport.stats
    assert (stats.accepted_calls, stats.refused_connections) == (0, 1)
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("audiosocket.connection_refused", "stopping")
    ]
    assert peer.writes == GOODBYE


async def test_cancelled_server_ends_all_calls(exchange: Exchange):
    """When the program ends in a hurry, no call is left without an end."""
    await exchange.transport.start(exchange.serve)
    peer = exchange.call(uuid4())
    await settled()
    owner = exchange.transport._owner
    assert owner is not None
    owner.cancel()
    await asyncio.wait({owner})
    assert peer.writes == GOODBYE
    assert exchange.connect().writes == GOODBYE
    events = [event async for event in exchange.lines[0].events()]
    assert events[-1] == LineHangup("local_hangup")


async def test_address_is_known_while_listening(exchange: Exchange):
    """Port 0 becomes a real one; before and after, there is none."""
    with pytest.raises(LocalProtocolError, match="not listening"):
        _ = exchange.transport.address
    await exchange.transport.start(exchange.serve)
    assert exchange.transport.address == ("127.0.0.1", 8090)
    await exchange.transport.stop()
    with pytest.raises(LocalProtocolError, match="not listening"):
        _ = exchange.transport.address


@pytest.mark.parametrize(
    ("number", "code", "retryable"),
    [
        (errno.EADDRINUSE, "EADDRINUSE", True),
        (errno.EACCES, "EACCES", False),
        (None, "OSError", False),
    ],
)
async def test_address_that_cannot_be_bound_is_named(
    exchange: Exchange, number: int | None, code: str, retryable: bool
):
    """The error says which address and why, and the server can be started when it is free."""
    exchange.error = OSError(number, "no way") if number else OSError("no way")
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:8090: can't listen: no way") as caught:
        await exchange.transport.start(exchange.serve)
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    exchange.error = None
    await exchange.transport.start(exchange.serve)
    assert exchange.transport.address == ("127.0.0.1", 8090)


async def test_server_starts_once(exchange: Exchange):
    """A second start, and one after the end, is a mistake of the program."""
    await exchange.transport.start(exchange.serve)
    with pytest.raises(LocalProtocolError, match="can be started once"):
        await exchange.transport.start(exchange.serve)
    await exchange.end()
    with pytest.raises(LocalProtocolError, match="can be started once"):
        await exchange.transport.start(exchange.serve)


async def test_cancelled_start_listens_to_nobody(exchange: Exchange):
    """Whoever gives up waiting for the start leaves no open port."""
    start = asyncio.create_task(exchange.transport.start(exchange.serve))
    await asyncio.sleep(0)
    start.cancel()
    await asyncio.wait({start})
    await settled()
    assert start.cancelled()
    assert exchange.server is None or exchange.server.sockets == []


async def test_server_that_never_started_can_be_stopped():
    """Ending is always allowed."""
    transport = AudioSocketTransport()
    await transport.stop()
    await transport.wait_closed()
    assert transport.stats.open_connections == 0


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"port": -1}, r"port: -1 is not in 0\.\.65535"),
        ({"port": 65_536}, r"port: 65536 is not in 0\.\.65535"),
        ({"max_connections": 0}, "max_connections: 0 is below 1"),
        ({"uuid_timeout_s": 0.0}, r"uuid_timeout_s: 0\.0 is not above 0"),
        ({"uuid_timeout_s": float("nan")}, "uuid_timeout_s: nan is not above 0"),
        ({"playout_rate_hz": 11_025}, "playout_rate_hz: 11025 is not one of"),
    ],
)
def test_wrong_number_is_refused_at_construction(arguments: dict[str, Any], rule: str):
    """The error names the argument, the value and the rule."""
    with pytest.raises(ValueError, match=rule):
        AudioSocketTransport(**arguments)


async def test_a_host_that_may_not_connect_takes_no_place(monkeypatch: pytest.MonkeyPatch):
    """It is closed without a word, counted, and named once a minute."""
    exchange = Exchange()
    exchange.transport = AudioSocketTransport(allowed_peers=["192.0.2.0/24"], max_connections=1)
    monkeypatch.setattr(asyncio.get_running_loop(), "create_server", exchange.create_server)
    await exchange.transport.start(exchange.serve)
    with capture_logs() as logs:
        peers = [exchange.connect() for _ in range(3)]
        await settled()
    assert [peer.writes for peer in peers] == [[], [], []]
    assert all(peer.is_closing() for peer in peers)
    stats = exchange.transport.stats
    assert (stats.refused_peers, stats.refused_connections, stats.open_connections) == (3, 0, 0)
    assert [(entry["event"], entry["refused"]) for entry in logs] == [
        ("audiosocket.peer_refused", 1)
    ]
    await exchange.end()
