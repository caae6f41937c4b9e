"""The desk's HTTP server: uvicorn in the engine's event loop, bounded, and quick to stop.

Invariant: the process's signals and log stay as they are, a connection that asks for nothing in
time is closed, and stopping takes no longer than a moment, whoever is connected.
"""

from __future__ import annotations

__all__ = ["DeskServer"]

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from ...errors import TransportError
from .bounded_protocols import BoundedHttp, BoundedWebSocket

_STOP_TIMEOUT_S = 1.0
"""How long answers that are on their way get when the desk stops, in s."""
_MAX_MESSAGE_BYTES = 65_536
"""Longest message of a WebSocket: half a second of the phone's audio is a quarter of it."""


class DeskServer:
    """Serves an application.

    Args:
        app: Behind the guard.
        host: Address or name to listen on.
        port: TCP port; 0: any free one.
    """

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._server = _Server(
            uvicorn.Config(
                cast("Any", app),
                http=BoundedHttp,
                ws=BoundedWebSocket,
                ws_max_size=_MAX_MESSAGE_BYTES,
                ws_per_message_deflate=False,
                loop="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=round(_STOP_TIMEOUT_S),
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port that it listens on; None while it does not."""
        return self._address

    async def start(self) -> None:
        """Listen.

        Raises:
            TransportError: the address can't be bound.
        """
        try:
            listener = await self._bind()
        except OSError as exc:
            raise TransportError(
                f"desk {self._host}:{self._port}",
                f"can't listen: {exc.strerror or exc}",
                code=errno.errorcode.get(exc.errno or 0, type(exc).__name__),
                retryable=False,
            ) from exc
        self._address = listener.getsockname()[:2]
        self._serving = asyncio.create_task(self._server.serve([listener]), name="desk server")

    async def stop(self) -> None:
        """Stop to listen, and end what is left after a moment. Idempotent."""
        self._address = None
        serving, self._serving = self._serving, None
        if serving is None:
            return
        self._server.exit_soon()
        cut = asyncio.get_running_loop().call_later(_STOP_TIMEOUT_S / 2, self._server.cut)
        try:
            await asyncio.wait({serving})
        finally:
            cut.cancel()

    async def _bind(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            self._host.strip("[]"), self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family, backlog=128)
        listener.setblocking(False)  # noqa: FBT003 - the library's own order
        return listener


class _Server(uvicorn.Server):
    """Leaves the signals to the process that it is a part of, and sleeps while nobody asks."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_exiting = asyncio.Event()

    def exit_soon(self) -> None:
        """End the main loop."""
        self.should_exit = True
        self._is_exiting.set()

    async def main_loop(self) -> None:
        """Wait for the end; the library's own looks at the clock ten times a second."""
        await self.on_tick(0)
        await self._is_exiting.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield

    def cut(self) -> None:
        """Close every connection that is still there, whoever does not read."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
