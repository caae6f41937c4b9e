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
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from support.browser_messages import RATE_HZ, dtmf, gap, hangup, played, start
from support.socket_caller import SLOT_S, ServerBrokeProtocolError, SocketCaller, opened

FRAME_BYTES = 640
"""20 ms."""
SUBPROTOCOL = "voxgate.browser.v1"


class BrowserPeer(SocketCaller):
    """One page; :meth:`connect` opens it."""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(connection, "browser peer")
        self.call_id: str | None = None
        self.hangup_reason: str | None = None
        """What the server said before it closed."""
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
        self.run_beside(asyncio.create_task(self._play(), name="browser peer player"))

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
        connection = await opened(
            address,
            path,
            headers={} if origin is None else {"Origin": origin},
            subprotocols=() if subprotocol is None else (subprotocol,),
        )
        peer = cls(connection)
        try:
            if is_started:
                await peer.send(start(parameters, token))
            yield peer
        finally:
            await peer.end()

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

    async def speak(self, audio: bytes) -> None:
        """Send the caller's audio."""
        await self.send(audio)

    async def skip(self, duration_ms: float) -> None:
        """Say that audio was captured and is not sent."""
        await self.send(gap(round(duration_ms * RATE_HZ / 1000)))

    async def press(self, digit: str) -> None:
        """Press a key."""
        await self.send(dtmf(digit))

    async def ready(self) -> str:
        """Wait until the call stands, and return its id."""
        while self.call_id is None:
            if self.is_over:
                raise ServerBrokeProtocolError("the call ended before it stood")
            self.has_news.clear()
            await self.has_news.wait()
        return self.call_id

    def keep_reports(self) -> None:
        """Report nothing more, as if nothing were played any more."""
        self._is_reporting = False

    async def hang_up(self) -> None:
        """Say that the call is over, and close."""
        await self.send(hangup())
        await self.close()

    async def take(self, data: str | bytes) -> None:
        """Hold a frame, or do what a message says."""
        self._take_audio(data) if isinstance(data, bytes) else self._take(data)

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
                    self.has_news.clear()
                    await self.has_news.wait()
                    due_s = loop.time()
                    if self.is_over:
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
