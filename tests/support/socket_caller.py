"""A caller's end of a WebSocket, for tests: what every peer of a line over WebSockets does.

What the messages mean is the peer's own.
"""

from __future__ import annotations

__all__ = ["SLOT_S", "ServerBrokeProtocolError", "SocketCaller", "opened"]

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

SLOT_S = 0.02
"""A frame's."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ServerBrokeProtocolError(AssertionError):
    """The server sent what the peer would not take."""


async def opened(
    address: tuple[str, int],
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    subprotocols: tuple[str, ...] = (),
    **options: Any,
) -> ClientConnection:
    """Open a WebSocket that buffers little, so that a peer that does not read is soon noticed."""
    host, port = address
    return await connect(
        f"ws://{host}:{port}{path}",
        additional_headers=dict(headers or {}),
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        compression=None,
        ping_interval=None,
        max_queue=4,
        close_timeout=1,
        proxy=None,
        **options,
    )


class SocketCaller:
    """One call; what its messages mean, the class that inherits says in :meth:`take`."""

    def __init__(self, connection: ClientConnection, name: str) -> None:
        self.connection = connection
        self.arrived: list[bytes] = []
        """The audio of every message, as it came."""
        self.has_news = asyncio.Event()
        """Set after each message, and at the end."""
        self._n_taken = 0
        self._listener = asyncio.create_task(self._listen(), name=f"{name} listener")
        self._tasks = {self._listener}

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self._listener.done()

    async def take(self, data: str | bytes) -> None:
        """Take a message."""
        raise NotImplementedError

    async def hear(self, n_frames: int) -> list[bytes]:
        """Return the audio of the next messages."""
        while len(self.arrived) < self._n_taken + n_frames:
            if self.is_over:
                raise ServerBrokeProtocolError("the call ended before its audio was complete")
            self.has_news.clear()
            await self.has_news.wait()
        start_at, self._n_taken = self._n_taken, self._n_taken + n_frames
        return self.arrived[start_at : self._n_taken]

    def stop_reading(self) -> None:
        """Take nothing more of what is sent."""
        self._listener.cancel()

    async def close(self, code: int = 1000) -> None:
        """Close the WebSocket in good order."""
        await self.connection.close(code)

    def reset(self) -> None:
        """Break the connection with a RST."""
        transport = self.connection.transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()

    def finish_sending(self) -> None:
        """Send a FIN without a close, but stay open for what still comes."""
        self.connection.transport.write_eof()

    async def wait_closed(self) -> tuple[int, str]:
        """Wait for the server's close, and return its code and reason."""
        await asyncio.wait({self._listener})
        await self.connection.wait_closed()
        return self.connection.close_code or 0, self.connection.close_reason or ""

    def run_beside(self, task: asyncio.Task[None]) -> None:
        """Let a task of the peer's own end with the call; what it raises, :meth:`end` raises."""
        self._tasks.add(task)

    async def end(self) -> None:
        """Close, and raise what went wrong in the tasks."""
        for task in self._tasks - {self._listener}:
            task.cancel()
        with contextlib.suppress(ConnectionClosed):
            await self.connection.close()
        self._listener.cancel()
        await asyncio.wait(self._tasks)
        for task in self._tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for data in self.connection:
                await self.take(data)
                self.has_news.set()
        self.has_news.set()
