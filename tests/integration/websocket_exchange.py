"""A server of a line over WebSockets, and who calls it: what the tests of such lines share."""

from __future__ import annotations

__all__ = ["PeerCaller", "WebSocketExchange", "running"]

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Generic, Protocol, TypeVar

from integration.line_conformance import until
from support.socket_caller import SocketCaller
from voxgate.transports.base import CallHandler, Line
from voxgate.transports.websocket_line import WebSocketLine


class SpeakingPeer(Protocol):
    """What a peer does beyond a :class:`SocketCaller`."""

    async def speak(self, audio: bytes) -> None: ...

    async def press(self, digit: str) -> None: ...


class Server(Protocol):
    """A transport under test."""

    @property
    def address(self) -> tuple[str, int]: ...

    async def start(self, handler: CallHandler) -> None: ...

    async def stop(self) -> None: ...

    async def wait_closed(self) -> None: ...


PeerT = TypeVar("PeerT", bound=SocketCaller)
ServerT = TypeVar("ServerT", bound=Server)


class PeerCaller(Generic[PeerT]):
    """Plays the caller behind a peer; how a peer misbehaves and hangs up is given."""

    def __init__(
        self,
        peer: PeerT,
        line: WebSocketLine[Any],
        *,
        misbehave: Callable[[], Awaitable[None]],
        hang_up: Callable[[], Awaitable[None]],
    ) -> None:
        self.peer = peer
        self.line = line
        self.misbehave = misbehave
        self.hang_up = hang_up

    async def speak(self, audio: bytes) -> None:
        await self.peer.speak(audio)  # type: ignore[attr-defined]

    async def press(self, digit: str) -> None:
        await self.peer.press(digit)  # type: ignore[attr-defined]

    async def hear(self, n_frames: int) -> list[bytes]:
        return await self.peer.hear(n_frames)

    async def stop_reading(self) -> None:
        self.peer.stop_reading()

    async def finish_sending(self) -> None:
        """Close, without another word; the server is still to answer."""
        await self.peer.close()

    async def vanish(self) -> None:
        self.peer.reset()

    async def is_over(self) -> None:
        await until(lambda: self.line.connection.events.is_closed)

    async def is_told_to_hang_up(self) -> bool:
        return await self.peer.wait_closed() == (1000, "")


class WebSocketExchange(Generic[ServerT, PeerT]):
    """Runs a server and places calls to it."""

    def __init__(
        self,
        server: ServerT,
        peers: AsyncExitStack,
        connect: Callable[..., AbstractAsyncContextManager[PeerT]],
        make_caller: Callable[[PeerT, WebSocketLine[Any]], PeerCaller[PeerT]],
    ) -> None:
        self.transport = server
        self.may_end = asyncio.Event()
        self.failure: Exception | None = None
        """What serving the next calls raises."""
        self._peers = peers
        self._connect = connect
        self._make_caller = make_caller
        self._served: asyncio.Queue[WebSocketLine[Any]] = asyncio.Queue()

    async def serve(self, line: Line) -> None:
        assert isinstance(line, WebSocketLine)
        if self.failure is not None:
            raise self.failure
        self._served.put_nowait(line)
        await self.may_end.wait()

    async def connect(self, **options: Any) -> PeerT:
        return await self._peers.enter_async_context(
            self._connect(self.transport.address, **options)
        )

    async def served(self) -> WebSocketLine[Any]:
        return await self._served.get()

    async def place_call(self, **options: Any) -> PeerCaller[PeerT]:
        peer = await self.connect(**options)
        return self._make_caller(peer, await self.served())


async def running(
    server: ServerT,
    connect: Callable[..., AbstractAsyncContextManager[PeerT]],
    make_caller: Callable[[PeerT, WebSocketLine[Any]], PeerCaller[PeerT]],
) -> AsyncIterator[WebSocketExchange[ServerT, PeerT]]:
    """Yield an exchange of a server that runs; what it still serves may end then."""
    async with AsyncExitStack() as peers:
        exchange = WebSocketExchange(server, peers, connect, make_caller)
        await server.start(exchange.serve)
        yield exchange
        await server.stop()
        exchange.may_end.set()
    await server.wait_closed()
