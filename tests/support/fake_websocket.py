"""A server's WebSocket without a network: a test says what comes, and sees what goes."""

from __future__ import annotations

__all__ = ["FakeWebSocket", "closed_by_peer", "text"]

import asyncio
from typing import Any

from aiohttp import WSMessage, WSMsgType


def text(data: str) -> WSMessage:
    """Return a text message."""
    return WSMessage(WSMsgType.TEXT, data, None)


def closed_by_peer(code: int = 1000) -> WSMessage:
    """Return a peer's close."""
    return WSMessage(WSMsgType.CLOSE, code, "")


class FakeWebSocket:
    """What :class:`WebSocketConnection` uses of aiohttp's, with every message in a list."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.closes: list[tuple[int, bytes]] = []
        self.is_reading = True
        """Whether the peer takes what is sent."""
        self._incoming: asyncio.Queue[WSMessage | Exception] = asyncio.Queue()

    def fail(self, error: Exception) -> None:
        """Let the next that comes be an error, as where a pong can't be written."""
        self._incoming.put_nowait(error)

    def feed(self, *messages: WSMessage) -> None:
        """Let messages come."""
        for message in messages:
            self._incoming.put_nowait(message)

    async def receive(self) -> WSMessage:
        message = await self._incoming.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def send_str(self, data: str | bytes) -> None:
        while not self.is_reading:  # noqa: ASYNC110 - a test turns it on
            await asyncio.sleep(0.001)
        self.sent.append(data)

    async def send_bytes(self, data: bytes) -> None:
        await self.send_str(data)

    async def close(self, *, code: int = 1000, message: bytes = b"", **_: Any) -> bool:
        if self.closes:
            return False
        self.closes.append((code, message))
        self.feed(WSMessage(WSMsgType.CLOSING, None, None))
        return True
