"""A transport whose calls come over WebSockets: what all of them are to the engine.

Invariant: a transport of this kind adds what its server is told, and nothing to how it is stopped.
"""

from __future__ import annotations

__all__ = ["WebSocketTransport"]

from typing import Generic, TypeVar

from .listening import Listen
from .websocket_connection import WebSocketCall
from .websocket_server import WebSocketLineKind, WebSocketServer, WebSocketServerConfig

CallT = TypeVar("CallT", bound=WebSocketCall)


class WebSocketTransport(Generic[CallT]):
    """What :class:`~voxgate.transports.base.Transport` asks, but for the start.

    Args:
        config: Where it listens, and its limits.
        kind: What is the line's own.
    """

    def __init__(self, config: WebSocketServerConfig, kind: WebSocketLineKind[CallT]) -> None:
        self._server = WebSocketServer(config, kind)
        self.listens_to_the_end = kind.listens_to_the_end
        """Whether it goes on listening, once it stops, until its last call has ended."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on.

        Raises:
            LocalProtocolError: if the server is not listening.
        """
        return self._server.address

    @property
    def listen(self) -> Listen:
        """How connections come; to be changed before the start, if at all."""
        return self._server.listen

    @listen.setter
    def listen(self, listen: Listen) -> None:
        """Change how connections come, before the start."""
        self._server.listen = listen

    async def stop(self) -> None:
        """Stop to accept calls; running ones are the engine's to end. Idempotent."""
        await self._server.stop()

    async def wait_closed(self) -> None:
        """Wait, after :meth:`stop`, until the last call has ended."""
        await self._server.wait_closed()
