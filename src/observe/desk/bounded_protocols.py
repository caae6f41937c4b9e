"""The desk's connections: what they may hold, and for how long, whatever their peers do.

Invariant: a peer that stops to ask, to read or to answer loses its connection, and one that floods
it does, before either costs a call a frame. uvicorn's own timers end a connection that is idle
between two requests; these see one that is half of a request, or an answer that nobody fetches.
"""

from __future__ import annotations

__all__ = ["BoundedHttp", "BoundedWebSocket"]

import asyncio
from typing import Any, cast

import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from ...transports.limited_log import LimitedLog
from .frame_budget import FrameBudget

MAX_CONNECTIONS = 300
"""Connections at a time, those of watchers included; one more is closed at once."""
REQUEST_TIMEOUT_S = 10.0
"""How long a connection may neither ask for something nor fetch what it asked for, in s."""
_PIECE_BYTES = 1024
"""What is read of a WebSocket at a time: at most 170 frames, 2 ms; more may have come at once."""


_log = LimitedLog(structlog.get_logger(__name__))


class BoundedHttp(H11Protocol):
    """A connection that goes on to ask and to read, of which there are not too many."""

    _look_again: asyncio.TimerHandle | None = None
    _seen: tuple[object, int] = (None, 0)
    """The request that was at work at the last look, and the bytes that waited to be fetched."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or close it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            _log.warning("desk.connections_refused", max_connections=MAX_CONNECTIONS)
            transport.abort()
            return
        self._look_again = self.loop.call_later(REQUEST_TIMEOUT_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._stop_looking()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hand the connection over to the WebSocket."""
        self._stop_looking()
        super().handle_websocket_upgrade(event)

    def _look(self) -> None:
        """Close the connection if its peer has done nothing since the last look."""
        (request, waited), waits = self._seen, self.transport.get_write_buffer_size()
        is_ours = bool(self.cycle and not self.cycle.response_complete and not waits)
        if self.cycle is request and not is_ours and not 0 < waits < waited:
            self.transport.abort()
            return
        self._seen = (self.cycle, waits)
        self._look_again = self.loop.call_later(REQUEST_TIMEOUT_S, self._look)

    def _stop_looking(self) -> None:
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose peer answers, reads its end, and does not flood it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._budget = FrameBudget(self.loop.time())

    def data_received(self, data: bytes) -> None:
        """Take what has come in pieces, so that a flood is seen before all of it is read."""
        for start in range(0, len(data), _PIECE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + _PIECE_BYTES])

    def handle_text(self, event: Frame) -> None:
        """Take a text frame."""
        if self._may_send():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Take a binary frame."""
        if self._may_send():
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Take the continuation of either."""
        if self._may_send():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping."""
        if self._may_send():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Take the answer to a ping."""
        if self._may_send():
            super().handle_pong(event)

    def keepalive_timeout(self) -> None:
        """Let a peer go that does not answer: it may not read what else is sent either."""
        super().keepalive_timeout()
        self.transport.abort()

    async def send(self, message: Any) -> None:
        """Send; what is closed is gone a moment later, whether its peer reads that or not."""
        await super().send(message)
        if cast("str", message["type"]) == "websocket.close":
            self.loop.call_later(2 * self.close_timeout, self.transport.abort)

    def _may_send(self) -> bool:
        """Say whether the peer may send another frame; if not, it is gone."""
        if not self.transport.is_closing() and not self._budget.take(self.loop.time()):
            self.transport.abort()
        return not self.transport.is_closing()
