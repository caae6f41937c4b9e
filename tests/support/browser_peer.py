"""A web page's end of the browser line, for tests: what ``voxgate-call.js`` does.

It plays what it is sent at real time, 20 ms a slot, from the moment that it comes; reports each
frame that was played, with the number of the flush behind which it came; and forgets the rest on a
flush. It is strict: what the page could not take is an error of the test.
"""

from __future__ import annotations

__all__ = ["BrowserPeer", "ServerBrokeProtocolError"]

import asyncio
import contextlib
import json
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from support.browser_messages import RATE_HZ, dtmf, gap, hangup, played, start

FRAME_BYTES = 640
"""20 ms."""
SLOT_S = 0.02
SUBPROTOCOL = "voxgate.browser.v1"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ServerBrokeProtocolError(AssertionError):
    """The server sent what a page would not take."""


class BrowserPeer:
    """One page; :meth:`connect` opens it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.call_id: str | None = None
        self.hangup_reason: str | None = None
        """What the server said before it closed."""
        self.arrived: list[bytes] = []
        """Every frame, as it came."""
        self.played: list[bytes] = []
        """What the caller heard, slot by slot, silence left out."""
        self.flushes: list[tuple[float, float]] = []
        """When a flush came, in s of the loop, and how many ms had been played by then."""
        self.max_held_ms = 0.0
        """Most audio that was held at a time."""
        self._held: deque[bytes] = deque()
        self._flush = 0
        self._n_played = 0
        """Since the flush."""
        self._is_reporting = True
        self._n_taken = 0
        self._has_news = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(), name="browser peer listener")
        self._player = asyncio.create_task(self._play(), name="browser peer player")

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        address: tuple[str, int],
        *,
        path: str = "/browser",
        origin: str | None = None,
        subprotocol: str | None = SUBPROTOCOL,
        token: str | None = None,
        parameters: Mapping[str, str] | None = None,
        is_started: bool = True,
    ) -> AsyncIterator[BrowserPeer]:
        """Open a WebSocket, and unless told otherwise send a start, as a page does at once."""
        host, port = address
        connection = await connect(
            f"ws://{host}:{port}{path}",
            additional_headers={} if origin is None else {"Origin": origin},
            subprotocols=[] if subprotocol is None else [Subprotocol(subprotocol)],
            compression=None,
            ping_interval=None,
            max_queue=4,
            close_timeout=1,
            proxy=None,
        )
        peer = cls(connection)
        try:
            if is_started:
                await peer.send(start(parameters, token))
            yield peer
        finally:
            await peer._end()

    @property
    def played_ms(self) -> float:
        """Audio that the caller has heard, in ms."""
        return 20.0 * len(self.played)

    @property
    def held_ms(self) -> float:
        """Audio that waits to be played, in ms."""
        return 20.0 * len(self._held)

    async def send(self, message: Mapping[str, Any] | str | bytes) -> None:
        """Send a message; a text or bytes as they are."""
        data = message if isinstance(message, str | bytes) else json.dumps(message)
        await self.connection.send(data)

    async def skip(self, duration_ms: float) -> None:
        """Say that audio was captured and is not sent."""
        await self.send(gap(round(duration_ms * RATE_HZ / 1000)))

    async def press(self, digit: str) -> None:
        """Press a key."""
        await self.send(dtmf(digit))

    async def hear(self, n_frames: int) -> list[bytes]:
        """Return the next frames that arrive."""
        while len(self.arrived) < self._n_taken + n_frames:
            await self._wait_news("the call ended before its audio was complete")
        start_at, self._n_taken = self._n_taken, self._n_taken + n_frames
        return self.arrived[start_at : self._n_taken]

    async def ready(self) -> str:
        """Wait until the call stands, and return its id."""
        while self.call_id is None:
            await self._wait_news("the call ended before it stood")
        return self.call_id

    def stop_reading(self) -> None:
        """Take nothing more of what is sent."""
        self._listener.cancel()

    def keep_reports(self) -> None:
        """Report nothing more, as if nothing were played any more."""
        self._is_reporting = False

    async def hang_up(self) -> None:
        """Say that the call is over, and close."""
        await self.send(hangup())
        await self.close()

    async def close(self) -> None:
        """Close the WebSocket in good order."""
        await self.connection.close()

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

    async def _wait_news(self, problem: str) -> None:
        if self._listener.done():
            raise ServerBrokeProtocolError(problem)
        self._has_news.clear()
        await self._has_news.wait()

    async def _listen(self) -> None:
        try:
            with contextlib.suppress(ConnectionClosed):
                async for data in self.connection:
                    self._take_audio(data) if isinstance(data, bytes) else self._take(data)
                    self._has_news.set()
        finally:
            self._has_news.set()

    def _take_audio(self, frame: bytes) -> None:
        if self.call_id is None or self.hangup_reason is not None:
            raise ServerBrokeProtocolError("audio outside of the call")
        if len(frame) != FRAME_BYTES:
            raise ServerBrokeProtocolError(f"{len(frame)} bytes of audio can't be counted")
        self.arrived.append(frame)
        self._held.append(frame)
        self.max_held_ms = max(self.max_held_ms, self.held_ms)

    def _take(self, text: str) -> None:
        match json.loads(text):
            case {"type": "ready", "call_id": call_id, "rate_hz": 16_000, "frame_ms": 20}:
                self.call_id = call_id
            case {"type": "flush", "flush": number} if number == self._flush + 1:
                loop = asyncio.get_running_loop()
                self.flushes.append((loop.time(), self.played_ms))
                self._held.clear()
                self._flush, self._n_played = number, 0
            case {"type": "hangup", "reason": reason}:
                self.hangup_reason = reason
            case message:
                raise ServerBrokeProtocolError(f"{message} is nothing that a page takes")

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        with contextlib.suppress(ConnectionClosed):
            while True:
                # An empty buffer plays what comes at once, not at some slot of its own.
                if not self._held:
                    self._has_news.clear()
                    await self._has_news.wait()
                    due_s = loop.time()
                    if self._listener.done():
                        return
                    continue
                due_s += SLOT_S
                await asyncio.sleep(max(0.0, due_s - loop.time()))
                await self._play_slot()

    async def _play_slot(self) -> None:
        if not self._held:
            return
        self.played.append(self._held.popleft())
        self._n_played += 1
        if self._is_reporting:
            await self.send(played(self._n_played, self._flush))

    async def _end(self) -> None:
        tasks = {self._listener, self._player}
        self._player.cancel()
        with contextlib.suppress(ConnectionClosed):
            await self.connection.close()
        self._listener.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
