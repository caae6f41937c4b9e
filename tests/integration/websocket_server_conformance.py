"""What every server of a line over WebSockets must do, whatever its messages are.

A line passes by a test class that inherits :class:`WebSocketServerConformance`, says how a server
is run, and how its peers misbehave.
"""

from __future__ import annotations

__all__ = ["WebSocketServerConformance"]

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidStatus

from integration.line_conformance import (
    GUARD_S,
    assert_is_well,
    collected,
    ending,
    until,
)
from integration.websocket_exchange import WebSocketExchange
from support.virtual_time import in_socket_time, virtual_ms
from voxgate.errors import TransportError


@pytest.mark.timeout(GUARD_S)
class WebSocketServerConformance:
    """The tests; each runs on a server of the inheriting class."""

    line_name: str
    """Of the section ``lines``."""

    listens_to_the_end = False
    """Whether the port stays open until the last call has ended."""

    def make_server(self, **fields: Any) -> Any:
        """Return a server on any free port, with these fields of its section."""
        raise NotImplementedError

    def running(self, server: Any) -> AsyncIterator[WebSocketExchange[Any, Any]]:
        """Run a server."""
        raise NotImplementedError

    def broken_message(self, generator: random.Random) -> Any:
        """Return what a peer gone wild sends."""
        raise NotImplementedError

    async def connect_twin(self, exchange: WebSocketExchange[Any, Any], peer: Any) -> Any:
        """Connect another peer that names the same call."""
        raise NotImplementedError

    async def test_a_websocket_that_does_not_start_loses_its_place(self) -> None:
        """It is closed with a reason, and the place is free again."""
        server = self.make_server(max_connections=1, start_timeout_s=1.0)
        async for exchange in self.running(server):
            silent = await exchange.connect(is_started=False)
            assert await silent.wait_closed() == (1008, "no start in 1 s")
            await until(lambda: server.stats.open_connections == 0)
            assert server.stats.unidentified_connections == 1
            await assert_is_well(await exchange.place_call())

    async def test_a_websocket_over_the_limit_is_refused(self) -> None:
        """By a status, before it is one; the calls within the limit go on."""
        async for exchange in self.running(self.make_server(max_connections=1)):
            call = await exchange.place_call()
            with capture_logs() as logs, pytest.raises(InvalidStatus, match="503"):
                await exchange.connect()
            (entry,) = logs
            assert (entry["line"], entry["reason"]) == (self.line_name, "max_connections")
            assert exchange.transport.stats.refused_connections == 1
            await assert_is_well(call)

    async def test_one_peer_can_t_have_more_than_its_share(self) -> None:
        """A further WebSocket of the same address gets a status, though there are places left."""
        server = self.make_server(max_connections=10, max_connections_per_peer=1)
        async for exchange in self.running(server):
            call = await exchange.place_call()
            with capture_logs() as logs, pytest.raises(InvalidStatus, match="503"):
                await exchange.connect()
            assert [entry["reason"] for entry in logs] == ["max_connections_per_peer"]
            assert server.stats.refused_connections == 1
            await assert_is_well(call)

    async def test_who_never_starts_makes_room_for_who_does(self) -> None:
        """Ever more WebSockets that say nothing cost the oldest of them, and no call its place."""
        server = self.make_server(max_connections=5, max_unidentified=2, start_timeout_s=60.0)
        async for exchange in self.running(server):
            call = await exchange.place_call()
            silent = [await exchange.connect(is_started=False) for _ in range(6)]
            await until(lambda: server.stats.unidentified_connections == 4)
            assert server.stats.evicted_connections == 4
            for peer in silent[:4]:
                await peer.wait_closed()
            await assert_is_well(call)
            await assert_is_well(await exchange.place_call())

    async def test_hosts_that_are_not_allowed_get_nothing(self) -> None:
        """No WebSocket, and nothing at any other path; a line a minute says so."""
        server = self.make_server(allowed_peers=("192.0.2.0/24",))
        async for exchange in self.running(server):
            with capture_logs() as logs:
                for _ in range(2):
                    with pytest.raises(InvalidStatus, match="403"):
                        await exchange.connect()
                for method in ("GET /nowhere", "POST /twiml", "GET /browser/voxgate-call.js"):
                    reader, writer = await asyncio.open_connection(*server.address)
                    writer.write(f"{method} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                    answer = await reader.read()
                    assert answer.startswith(b"HTTP/1.1 403")
                    assert answer.endswith(b"This address may not connect.\n")
                    writer.close()
            assert [entry["event"] for entry in logs] == ["websocket.peer_refused"]
            assert server.stats.refused_peers == 5
        server = self.make_server(allowed_peers=("192.0.2.0/24", "127.0.0.1"))
        async for exchange in self.running(server):
            await assert_is_well(await exchange.place_call())

    async def test_long_headers_are_refused(self) -> None:
        """A request line, or a header, beyond 8 KiB: a status, and the connection's end."""
        server = self.make_server()
        async for exchange in self.running(server):
            call = await exchange.place_call()
            for start in (b"GET /" + b"x" * 20_000, b"GET / HTTP/1.1\r\nX-Y: " + b"y" * 20_000):
                reader, writer = await asyncio.open_connection(*server.address)
                writer.write(start)
                assert b"400 Bad Request" in await reader.read()
                writer.close()
            await assert_is_well(call)

    async def test_a_second_call_of_one_name_is_refused(self) -> None:
        """The first goes on."""
        async for exchange in self.running(self.make_server()):
            call = await exchange.place_call()
            with capture_logs() as logs:
                twin = await self.connect_twin(exchange, call.peer)
                assert await twin.wait_closed() == (1008, "the call is alive")
            assert "websocket.duplicate_call_refused" in [entry["event"] for entry in logs]
            assert exchange.transport.stats.duplicate_calls == 1
            await assert_is_well(call)

    async def test_a_hundred_broken_peers_disturb_nobody(self) -> None:
        """Garbage, resets, closes and silence, ten at once, while a call goes on."""
        generator = random.Random(7)  # noqa: S311 - seeded, to repeat a failure

        async def misbehave(exchange: WebSocketExchange[Any, Any]) -> None:
            peer = await exchange.connect(is_started=generator.random() < 0.5)
            try:
                for _ in range(generator.randrange(5)):
                    await peer.send(self.broken_message(generator))
            except ConnectionClosed:
                return
            if generator.random() < 0.5:
                peer.reset()

        async for exchange in self.running(self.make_server()):
            call = await exchange.place_call()
            for _ in range(10):
                async with asyncio.TaskGroup() as peers:
                    for _ in range(10):
                        peers.create_task(misbehave(exchange))
                await assert_is_well(call)

    async def test_ended_calls_leave_nothing_behind(self) -> None:
        """Thirty calls later there is no task, no connection and no name more than before."""
        async for exchange in self.running(self.make_server()):
            exchange.may_end.set()
            tasks_before = len(asyncio.all_tasks())
            for _ in range(30):
                call = await exchange.place_call()
                await call.hang_up()
                await call.peer.end()
            server = exchange.transport
            await until(lambda: server.stats.open_connections == 0)  # noqa: B023
            assert server.stats.accepted_calls == 30
            assert server._server.live_call_ids == frozenset()
            await until(lambda: len(asyncio.all_tasks()) <= tasks_before)  # noqa: B023

    async def test_a_stopped_server_takes_no_call_and_keeps_the_old_ones(self) -> None:
        """Draining: the port is closed, or refuses; the running call goes on to its end."""
        async for exchange in self.running(self.make_server()):
            call = await exchange.place_call()
            address = exchange.transport.address
            await exchange.transport.stop()
            if self.listens_to_the_end:
                with pytest.raises(InvalidStatus, match="503"):
                    await exchange.connect()
            else:
                with pytest.raises(ConnectionError):
                    await asyncio.open_connection(*address)
            await assert_is_well(call)
            exchange.may_end.set()
            assert await call.is_told_to_hang_up()
            await exchange.transport.wait_closed()
            with pytest.raises(ConnectionError):
                await asyncio.open_connection(*address)

    @in_socket_time
    async def test_a_websocket_that_has_not_started_does_not_hold_up_the_end(self) -> None:
        """It is told to go, instead of being waited for."""
        loop = asyncio.get_running_loop()
        async for exchange in self.running(self.make_server(start_timeout_s=60.0)):
            silent = await exchange.connect(is_started=False)
            began_s = loop.time()
            await exchange.transport.stop()
            assert await silent.wait_closed() == (1001, "the server stops")
            await exchange.transport.wait_closed()
            assert loop.time() - began_s < 10
            assert exchange.transport.stats.unidentified_connections == 1

    async def test_a_websocket_that_starts_as_the_server_stops_is_no_call(self) -> None:
        """It was let in before; whoever drains has the calls that are there, and no other."""
        server = self.make_server()
        async for exchange in self.running(server):
            call = await exchange.place_call()
            wait_started = server._server._wait_started

            async def stop_behind_the_start(connection: Any) -> None:
                await wait_started(connection)  # noqa: B023
                assert connection.call.is_started
                await server.stop()

            server._server._wait_started = stop_behind_the_start
            late = await exchange.connect()
            assert await late.wait_closed() == (1001, "the server stops")
            assert (server.stats.accepted_calls, server.stats.refused_connections) == (1, 1)
            await assert_is_well(call)

    async def test_a_port_in_use_is_named(self) -> None:
        """The error says which line and address, and that it may become free."""
        async for exchange in self.running(self.make_server()):
            port = exchange.transport.address[1]
            rule = f"{self.line_name} 127.0.0.1:{port}: can't listen"
            with pytest.raises(TransportError, match=rule) as caught:
                await self.make_server(port=port).start(exchange.serve)
            assert (caught.value.code, caught.value.retryable) == ("EADDRINUSE", True)

    async def test_a_handler_that_fails_ends_its_call_only(self) -> None:
        """Nobody reads why but the log; the next call is served."""
        server = self.make_server()
        async for exchange in self.running(server):
            good = await exchange.place_call()
            exchange.failure = RuntimeError("serving went wrong")
            with capture_logs() as logs:
                bad = await exchange.connect()
                assert await bad.wait_closed() == (1000, "")
            exchange.failure = None
            assert [entry["line"] for entry in logs if entry["event"] == "websocket.call_failed"]
            await assert_is_well(good)
            await assert_is_well(await exchange.place_call())

    @in_socket_time
    async def test_a_peer_that_is_gone_without_a_word_is_noticed(self) -> None:
        """A host that lost its power sends nothing: a ping without an answer tells, in 30 s."""
        async for exchange in self.running(self.make_server()):
            gone, good = await exchange.place_call(), await exchange.place_call()
            gone.peer.connection.transport.pause_reading()
            began_ms = virtual_ms()
            assert ending(await collected(gone.line)) == "transport_error"
            assert virtual_ms() - began_ms == pytest.approx(30_000, abs=1000)
            await assert_is_well(good)

    @in_socket_time
    async def test_connections_that_ask_for_nothing_are_closed(self) -> None:
        """Said nothing, or half a request: in the time of a start, and without a trace of it."""
        server = self.make_server(start_timeout_s=2.0)
        async for exchange in self.running(server):
            call = await exchange.place_call()
            began_ms = virtual_ms()
            silent, half = [await asyncio.open_connection(*server.address) for _ in range(2)]
            half[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n")
            for reader, writer in (silent, half):
                assert await reader.read() == b""
                writer.close()
            assert virtual_ms() - began_ms == pytest.approx(2000, abs=200)
            assert server.stats.silent_sockets == 2
            await assert_is_well(call)

    async def test_an_answer_is_the_end_of_its_connection(self) -> None:
        """Nobody keeps one open by asking for what is not there."""
        server = self.make_server()
        async for exchange in self.running(server):
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"404 Not Found" in await reader.read()
            writer.close()
            await assert_is_well(await exchange.place_call())

    async def test_more_connections_than_there_is_room_for_are_closed(self) -> None:
        """A hundred may stand there without a WebSocket; the calls that are there go on."""
        server = self.make_server(max_connections=2, start_timeout_s=60.0)
        async for exchange in self.running(server):
            call = await exchange.place_call()
            with capture_logs() as logs:
                idle = [await asyncio.open_connection(*server.address) for _ in range(110)]
                closed = [asyncio.create_task(reader.read()) for reader, _ in idle]
                await until(lambda: sum(task.done() for task in closed) == 9)  # noqa: B023
            await assert_is_well(call)
            assert [entry["event"] for entry in logs] == ["http.connections_refused"]
            for task in closed:
                task.cancel()
            results = await asyncio.gather(*closed, return_exceptions=True)
            for _, writer in idle:
                writer.close()
            assert len(results) == 110
            assert server.stats.refused_sockets == 9
