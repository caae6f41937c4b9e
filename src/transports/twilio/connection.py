"""The WebSocket of one stream: reads messages into the call, writes what waits, ends.

Invariant: reading never waits for anybody but the peer, and whoever sends never waits at all: what
is to be sent is queued, bounded, and written by a task of its own.
"""

from __future__ import annotations

__all__ = ["TwilioConnection"]

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from aiohttp.http_websocket import WebSocketError

from ..base import LineEvent, LineHangup
from ..event_queue import LineEventQueue
from ..write_backlog import Admission, WriteBacklog
from .call import TwilioCall

_SEND_BUFFER_BYTES = 32_768
"""Asked of the kernel for what is sent; the default hides a peer that does not read for minutes."""

_MAX_WAITING_FRAMES = 100
"""2 s of audio that wait to be written."""

_MAX_DROPPED_IN_A_ROW = 250
"""5 s of audio lost, after which a peer that does not read is given up."""

_PEER_TIMEOUT_MS = 10_000
"""How long sent data may stay unacknowledged: a host that vanished sends no FIN."""

_CLOSE_TIMEOUT_S = 1.0
"""How long a peer may take to close its side after we have closed ours."""

_MAX_REASON_BYTES = 123
"""What a WebSocket's close has room for."""


class TwilioConnection:
    """One accepted WebSocket.

    Args:
        websocket: Prepared; with a close timeout.
        transport: Its socket; None if the peer is gone again.
    """

    def __init__(
        self, websocket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        self.call = TwilioCall()
        self.events = LineEventQueue()
        self.backlog = WriteBacklog(
            max_frames=_MAX_WAITING_FRAMES, max_dropped_in_a_row=_MAX_DROPPED_IN_A_ROW
        )
        self._websocket = websocket
        self._transport = transport
        self._to_write: deque[str] = deque()
        self._to_write_chars = 0
        self._has_to_write = asyncio.Event()
        self._has_progressed = asyncio.Event()
        self._close_code = WSCloseCode.OK
        self._closing = asyncio.Lock()
        if transport is not None:
            _tune(transport.get_extra_info("socket"))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Read and write for the length of a block, then hang up, cancelled or not."""
        async with asyncio.TaskGroup() as tasks:
            shuttles = [
                tasks.create_task(self._read(), name="twilio reader"),
                tasks.create_task(self._write(), name="twilio writer"),
            ]
            try:
                yield
            finally:
                try:
                    await self.hang_up()
                finally:
                    for task in shuttles:
                        task.cancel()

    async def wait_started(self) -> bool:
        """Wait until the peer has said which call this is; False if it went away before."""
        await self._wait_for(lambda: self.call.started is not None)
        return self.call.started is not None and not self.events.is_closed

    def send(self, frame: bytes) -> None:
        """Queue one frame, unless the call is over or too much waits; never blocks.

        Raises:
            LocalProtocolError: if the frame is not 20 ms.
        """
        if self.events.is_closed:
            return
        media, mark = self.call.send_audio(frame)
        match self.backlog.admit(len(media) + len(mark), self._waiting_bytes()):
            case Admission.SEND:
                self._queue(media)
                self._queue(mark)
            case Admission.GIVE_UP:
                self._end(LineHangup("transport_error", "the peer does not read"))
                self.abort()

    def flush(self) -> None:
        """Forget what waits to be written, and let Twilio forget what it has; never blocks."""
        if self.events.is_closed:
            return
        self._to_write.clear()
        self._to_write_chars = 0
        self._queue(self.call.clear())

    async def hang_up(self, reason: str = "", code: int = WSCloseCode.OK) -> None:
        """End the call: close, and wait shortly for the peer to do so; idempotent.

        When cancelled, the socket is closed all the same.

        Args:
            reason: What the peer is told, if the call is not over already.
            code: The WebSocket's close code, likewise.
        """
        if not self.events.is_closed:
            self._close_code = WSCloseCode(code)
            self._end(LineHangup("local_hangup", reason))
        ended = self.events.hangup
        detail = ended.detail if ended is not None else ""
        async with self._closing:
            try:
                async with asyncio.timeout(2 * _CLOSE_TIMEOUT_S):
                    await self._websocket.close(
                        code=self._close_code, message=_reason_bytes(detail)
                    )
            except TimeoutError:
                pass  # a peer that does not read does not hear it either
            finally:
                self.abort()

    def abort(self) -> None:
        """Close the socket now; what was not sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    async def _read(self) -> None:
        while not self.events.is_closed:
            message = await self._websocket.receive()
            for event in self._events_of(message):
                self._end(event) if isinstance(event, LineHangup) else self.events.put(event)
            self._has_progressed.set()
        await self.hang_up()  # who served the call may take its time to notice

    def _events_of(self, message: WSMessage) -> list[LineEvent]:
        """Return what a message comes to; one that is no text or is the last ends the call."""
        match message.type:
            case WSMsgType.TEXT:
                return self.call.receive_text(message.data)
            case WSMsgType.BINARY:
                return self.call.receive_binary(len(message.data))
            case WSMsgType.CLOSE:
                return [LineHangup("caller_hangup", "closed without stop")]
            case WSMsgType.ERROR if isinstance(message.data, WebSocketError):
                return [LineHangup("protocol_error", f"WebSocket error {message.data.code}")]
        return [LineHangup("transport_error", "the connection was lost")]

    async def _write(self) -> None:
        try:
            while True:
                self._has_to_write.clear()
                while self._to_write:
                    text = self._to_write.popleft()
                    self._to_write_chars -= len(text)
                    await self._websocket.send_str(text)
                await self._has_to_write.wait()
        except ConnectionError:
            pass  # the reader says why

    def _queue(self, text: str) -> None:
        self._to_write.append(text)
        self._to_write_chars += len(text)
        self._has_to_write.set()

    def _waiting_bytes(self) -> int:
        in_socket = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self._to_write_chars + in_socket

    def _end(self, hangup: LineHangup) -> None:
        if hangup.reason == "protocol_error" and not self.events.is_closed:
            self._close_code = WSCloseCode.PROTOCOL_ERROR
        self.events.put(hangup)
        self._has_progressed.set()

    async def _wait_for(self, is_reached: Callable[[], bool]) -> None:
        while not is_reached() and not self.events.is_closed:
            self._has_progressed.clear()
            await self._has_progressed.wait()


def _reason_bytes(reason: str) -> bytes:
    """Return a reason as far as a close has room for it, in whole characters."""
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore").encode()


def _tune(sock: socket.socket | None) -> None:
    # Some systems refuse options on a socket whose peer is gone again; the reader will say so.
    with contextlib.suppress(OSError, AttributeError):
        assert sock is not None, "a TCP transport has a socket"  # noqa: S101
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _PEER_TIMEOUT_MS)
