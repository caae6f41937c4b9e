"""How a server of lines comes by its connections: it listens itself, or others hand them to it.

Where several processes serve one port, one of them accepts and hands each connection to the one
that has room. A line's server need not know which way it is: both give it protocols that are
connected. Invariant: a connection that nobody takes any more is closed.
"""

from __future__ import annotations

__all__ = ["HandedConnections", "Listen", "Listening", "listen_on_socket"]

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

ProtocolFactory = Callable[[], asyncio.BaseProtocol]
"""Makes the protocol of one connection."""


class Listening(Protocol):
    """What takes connections until it is closed."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that peers connect to."""

    def close(self) -> None:
        """Take no more connections; those that stand go on. Idempotent."""


Listen = Callable[[ProtocolFactory, str, int], Awaitable[Listening]]
"""Takes connections for a host and port, each for a protocol of the factory; OSError where the
address can't be bound."""


class _OwnSocket:
    """A socket of this process."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        self.address: tuple[str, int] = server.sockets[0].getsockname()[:2]

    def close(self) -> None:
        self._server.close()


async def listen_on_socket(factory: ProtocolFactory, host: str, port: int) -> Listening:
    """Listen on a socket of this process.

    Raises:
        OSError: the address can't be bound.
    """
    loop = asyncio.get_running_loop()
    return _OwnSocket(await loop.create_server(factory, host, port))


class HandedConnections:
    """Takes the connections that another process has accepted, for one line.

    :meth:`listen` is a :data:`Listen`. All methods belong to the event loop.

    Args:
        address: Where that process listens.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        """Host and port that peers connect to."""
        self._factory: ProtocolFactory | None = None
        self._open: set[asyncio.BaseTransport] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._n_ended = 0

    @property
    def n_ended(self) -> int:
        """Connections that were handed here and have ended since, or were not taken."""
        ended = {transport for transport in self._open if transport.is_closing()}
        self._open -= ended
        self._n_ended += len(ended)
        return self._n_ended

    async def listen(self, factory: ProtocolFactory, host: str, port: int) -> Listening:
        """Take connections from now on, for protocols of ``factory``; where is not asked for."""
        del host, port
        self._factory = factory
        return self

    def close(self) -> None:
        """Take no more. Idempotent."""
        self._factory = None

    def take(self, connection: socket.socket) -> None:
        """Take a connection, or close it where nobody takes any more; it is ours from now on."""
        connection.setblocking(False)  # noqa: FBT003 - the library's own order
        taking = asyncio.create_task(self._take(connection), name="handed connection")
        self._connecting.add(taking)
        taking.add_done_callback(self._connecting.discard)

    def miss(self) -> None:
        """Count a connection that was handed here and did not come: the system had no room."""
        self._n_ended += 1

    async def _take(self, connection: socket.socket) -> None:
        factory = self._factory
        if factory is None:
            connection.close()
            self._n_ended += 1
            return
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(factory, connection)
        except BaseException as error:
            connection.close()
            self._n_ended += 1
            if isinstance(error, OSError):
                return  # it is gone already
            raise
        self._open.add(transport)
