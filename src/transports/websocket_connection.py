"""The WebSocket of one call: reads messages into the call, writes what waits, ends.

What the messages mean is the business of the call, a :class:`WebSocketCall` without a socket. It
promises to its call that every method is called in one task's turn, in the order in which the peer
spoke; and to whoever holds the connection:

Invariant: reading never waits for anybody but the peer, and whoever sends never waits at all: what
is to be sent is queued, bounded, and written by a task of its own.
"""

from __future__ import annotations

__all__ = ["StreamStats", "WebSocketCall", "WebSocketConnection", "WebSocketMessage"]

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from aiohttp.http_websocket import WebSocketError

from .base import LineAudio, LineEvent, LineHangup
from .event_queue import LineEventQueue
from .write_backlog import Admission, WriteBacklog

_SEND_BUFFER_BYTES = 32_768
"""Asked of the kernel for what is sent; the default hides a peer that does not read for minutes."""

_RECEIVE_BUFFER_BYTES = 16_384
"""Asked of the kernel for what is received: what one turn of the loop may have to take apart; 0.5 s
of audio at 16 kHz. What is more waits at the peer."""

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

_LOST = LineHangup("transport_error", "the connection was lost")

WebSocketMessage = str | bytes
"""A text message or a binary one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStats:
    """What was received on a call so far."""

    received_frames: int
    """Messages with audio of the caller, of any length."""
    void_marks: int
    """Reports of playing that prove nothing, as they came after our own flush."""
    warnings: Mapping[str, int]
    """How often each warning applied, by its code."""


class WebSocketCall(Protocol):
    """One call on the wire, without its socket: messages in, events of the line out."""

    @property
    def stats(self) -> StreamStats:
        """What was received so far."""

    @property
    def is_started(self) -> bool:
        """Whether the peer has said which call this is."""

    @property
    def is_paused(self) -> bool:
        """Whether the peer has asked for nothing more for now; what is sent waits meanwhile."""

    def receive_text(self, text: str) -> list[LineEvent]:
        """Take the next text message and return the events that it comes to; never raises."""

    def receive_binary(self, data: bytes) -> list[LineEvent]:
        """Take the next binary message and return the events that it comes to; never raises."""

    def send_audio(self, frame: bytes) -> Sequence[WebSocketMessage]:
        """Return the messages that send one frame; none where more must come before.

        The frame counts as sent, also where its messages never reach the peer.

        Raises:
            LocalProtocolError: if it is no frame, or the call has not started.
        """

    def flush(self) -> Sequence[WebSocketMessage]:
        """Return the messages by which the peer forgets what it has not played.

        They are written first of all, and at once: what waited is gone, and nothing is paused.
        """

    def hang_up(self) -> Sequence[WebSocketMessage]:
        """Return the messages that are written before the WebSocket is closed."""


CallT = TypeVar("CallT", bound=WebSocketCall)


class WebSocketConnection(Generic[CallT]):
    """One accepted WebSocket.

    Args:
        websocket: Prepared; with a close timeout.
        transport: Its socket; None if the peer is gone again.
        call: What the messages mean.
        name: Of the kind of line, for the names of tasks.
        query: What the peer said of the call in the address, by name; nothing of it is checked.
    """

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        call: CallT,
        *,
        name: str,
        query: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.call = call
        self.query = query
        self.events = LineEventQueue()
        self.backlog = WriteBacklog(
            max_frames=_MAX_WAITING_FRAMES, max_dropped_in_a_row=_MAX_DROPPED_IN_A_ROW
        )
        self._name = name
        self._websocket = websocket
        self._transport = transport
        self._to_write: deque[WebSocketMessage] = deque()
        self._to_write_size = 0
        self._may_write = asyncio.Event()
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
                tasks.create_task(self._read(), name=f"{self._name} reader"),
                tasks.create_task(self._write(), name=f"{self._name} writer"),
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
        await self._wait_for(lambda: self.call.is_started)
        return self.call.is_started and not self.events.is_closed

    def send(self, frame: bytes) -> None:
        """Queue one frame, unless the call is over or too much waits; never blocks.

        Raises:
            LocalProtocolError: if the call takes no such frame.
        """
        if self.events.is_closed:
            return
        messages = self.call.send_audio(frame)
        size = sum(map(len, messages))
        if not size:
            return
        match self.backlog.admit(size, self._waiting_size()):
            case Admission.SEND:
                self.write(*messages)
            case Admission.GIVE_UP:
                self._end(LineHangup("transport_error", "the peer does not read"))
                self.abort()

    def write(self, *messages: WebSocketMessage) -> None:
        """Queue messages of any kind behind those that wait, unless the call is over.

        They are not counted as frames; to bound how many there are is up to the caller.
        """
        if self.events.is_closed:
            return
        for message in messages:
            self._to_write.append(message)
            self._to_write_size += len(message)
        self._may_write.set()

    def flush(self) -> None:
        """Forget what waits to be written, and let the peer forget what it has; never blocks."""
        if self.events.is_closed:
            return
        self._to_write.clear()
        self._to_write_size = 0
        self.write(*self.call.flush())

    async def hang_up(self, reason: str = "", code: int = WSCloseCode.OK) -> None:
        """End the call: close, and wait shortly for the peer to do so; idempotent.

        When cancelled, the socket is closed all the same.

        Args:
            reason: What the peer is told, if the call is not over already.
            code: The WebSocket's close code, likewise.
        """
        last_messages: Sequence[WebSocketMessage] = ()
        if not self.events.is_closed:
            self._close_code = WSCloseCode(code)
            self._end(LineHangup("local_hangup", reason))
            last_messages = self.call.hang_up() if self.call.is_started else ()
        async with self._closing:
            try:
                async with asyncio.timeout(2 * _CLOSE_TIMEOUT_S):
                    await self._close(last_messages)
            except (TimeoutError, ConnectionError):
                pass  # a peer that does not read, or is gone, does not hear it either
            finally:
                self.abort()

    def abort(self) -> None:
        """Close the socket now; what was not sent is lost."""
        if self._transport is not None:
            self._transport.abort()

    async def _close(self, last_messages: Sequence[WebSocketMessage]) -> None:
        for message in last_messages:
            await self._write_one(message)
        ended = self.events.hangup
        detail = ended.detail if ended is not None else ""
        await self._websocket.close(code=self._close_code, message=_reason_bytes(detail))

    async def _read(self) -> None:
        while not self.events.is_closed:
            self._receive(await self._next_events())
            self._has_progressed.set()
            self._may_write.set()  # the peer may have asked for more
            await asyncio.sleep(0)  # receive does not wait as long as messages are there
        await self.hang_up()  # who served the call may take its time to notice

    def _receive(self, events: list[LineEvent]) -> None:
        """Have audio that came alone taken at once, and queue everything else."""
        if len(events) == 1 and isinstance(events[0], LineAudio):
            self.events.deliver(events[0])
            return
        for event in events:
            self._end(event) if isinstance(event, LineHangup) else self.events.put(event)

    async def _next_events(self) -> list[LineEvent]:
        try:
            return self._events_of(await self._websocket.receive())
        except ConnectionError:  # it answers pings, and found nobody to answer
            return [_LOST]

    def _events_of(self, message: WSMessage) -> list[LineEvent]:
        """Return what a message comes to; the last one ends the call."""
        match message.type:
            case WSMsgType.TEXT:
                return self.call.receive_text(message.data)
            case WSMsgType.BINARY:
                return self.call.receive_binary(message.data)
            case WSMsgType.CLOSE:
                is_usual = message.data == WSCloseCode.OK
                detail = "" if is_usual else f"closed with {message.data}"
                return [LineHangup("caller_hangup", detail)]
            case WSMsgType.ERROR if isinstance(message.data, WebSocketError):
                return [LineHangup("protocol_error", f"WebSocket error {message.data.code}")]
        return [_LOST]

    async def _write(self) -> None:
        try:
            while True:
                self._may_write.clear()
                while self._to_write and not self.call.is_paused:
                    message = self._to_write.popleft()
                    self._to_write_size -= len(message)
                    await self._write_one(message)
                await self._may_write.wait()
        except ConnectionError:
            pass  # the reader says why

    async def _write_one(self, message: WebSocketMessage) -> None:
        if isinstance(message, str):
            await self._websocket.send_str(message)
        else:
            await self._websocket.send_bytes(message)

    def _waiting_size(self) -> int:
        in_socket = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self._to_write_size + in_socket

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
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _PEER_TIMEOUT_MS)
