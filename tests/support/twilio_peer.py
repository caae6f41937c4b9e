"""Twilio's end of a media stream, for tests, as its documentation has it.

It buffers what it is sent and plays it at real time, 20 ms a slot; returns a mark when what was
sent before it has been played, and all that are left at once on ``clear``; and sends its numbers
as texts. It is as strict as Twilio: what it can't take is an error of the test.
"""

from __future__ import annotations

__all__ = ["ServerBrokeProtocolError", "TwilioPeer"]

import asyncio
import contextlib
import json
from base64 import b64decode
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from support.socket_caller import SLOT_S, ServerBrokeProtocolError, SocketCaller, opened
from support.twilio_messages import connected, dtmf, mark, media, start, stop

FRAME_BYTES = 160
"""20 ms."""
_NUMBERS = count(1)


class TwilioPeer(SocketCaller):
    """One stream; :meth:`connect` opens it."""

    def __init__(self, connection: ClientConnection, stream_sid: str) -> None:
        super().__init__(connection, "twilio peer")
        self.stream_sid = stream_sid
        self.played: list[bytes] = []
        """What the caller heard, slot by slot, silence left out; the last may be short."""
        self.clears: list[tuple[float, float]] = []
        """When a clear came, in s of the loop, and how many ms had been played by then."""
        self.max_held_ms = 0.0
        """Most audio that was held at a time."""
        self._held: deque[bytes | str] = deque()
        """Audio, and the names of marks."""
        self._is_returning_marks = True
        self._chunks = count(1)
        self.run_beside(asyncio.create_task(self._play(), name="twilio peer player"))

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        address: tuple[str, int],
        *,
        path: str = "/twilio",
        headers: Mapping[str, str] | None = None,
        stream_sid: str | None = None,
        parameters: Mapping[str, str] | None = None,
        is_started: bool = True,
    ) -> AsyncIterator[TwilioPeer]:
        """Open a stream, and unless told otherwise say which it is, as Twilio does at once."""
        connection = await opened(address, path, headers=headers)
        peer = cls(connection, stream_sid or f"MZ{next(_NUMBERS):032x}")
        try:
            if is_started:
                await peer.send(connected())
                await peer.send(start(stream_sid=peer.stream_sid, parameters=parameters))
            yield peer
        finally:
            await peer.end()

    @property
    def played_ms(self) -> float:
        """Audio that the caller has heard, in ms."""
        return sum(map(len, self.played)) / 8

    @property
    def held_ms(self) -> float:
        """Audio that waits to be played, in ms."""
        return sum(len(each) for each in self._held if isinstance(each, bytes)) / 8

    async def send(self, message: Mapping[str, Any] | str | bytes) -> None:
        """Send a message; a text or bytes as they are."""
        data = message if isinstance(message, str | bytes) else json.dumps(message)
        await self.connection.send(data)

    async def speak(self, audio: bytes, *, timestamp_ms: float | None = None) -> None:
        """Send captured audio; at 20 ms a message if no time is given."""
        chunk = next(self._chunks)
        at_ms = 20 * (chunk - 1) if timestamp_ms is None else timestamp_ms
        await self.send(media(audio, timestamp_ms=at_ms, chunk=chunk, stream_sid=self.stream_sid))

    async def press(self, digit: str) -> None:
        """Press a key."""
        await self.send(dtmf(digit, stream_sid=self.stream_sid))

    def keep_marks(self) -> None:
        """Return no more marks, as if nothing were played any more."""
        self._is_returning_marks = False

    async def stop(self) -> None:
        """Say that the call is over, and close."""
        await self.send(stop(stream_sid=self.stream_sid))
        await self.close()

    async def take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            raise ServerBrokeProtocolError("a binary message")
        message: dict[str, Any] = json.loads(data)
        if message.get("streamSid") != self.stream_sid:
            raise ServerBrokeProtocolError("a message of another stream")
        match message["event"]:
            case "media":
                audio = b64decode(message["media"]["payload"], validate=True)
                if not audio or len(audio) % FRAME_BYTES:
                    raise ServerBrokeProtocolError(f"{len(audio)} bytes of audio click")
                self.arrived.append(audio)
                self._held.append(audio)
                self.max_held_ms = max(self.max_held_ms, self.held_ms)
            case "mark":
                self._held.append(message["mark"]["name"])
                await self._return_marks()
            case "clear":
                loop = asyncio.get_running_loop()
                self.clears.append((loop.time(), self.played_ms))
                names = [each for each in self._held if isinstance(each, str)]
                self._held.clear()
                for name in names:
                    await self._return_mark(name)
            case event:
                raise ServerBrokeProtocolError(f"{event} is nothing that Twilio takes")

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
                self._play_slot()
                await self._return_marks()

    def _play_slot(self) -> None:
        if self._held and isinstance(self._held[0], bytes):
            audio = self._held.popleft()
            assert isinstance(audio, bytes)
            self.played.append(audio[:FRAME_BYTES])
            if len(audio) > FRAME_BYTES:
                self._held.appendleft(audio[FRAME_BYTES:])

    async def _return_marks(self) -> None:
        """Return the marks before which nothing waits."""
        while self._held and isinstance(self._held[0], str):
            name = self._held.popleft()
            assert isinstance(name, str)
            await self._return_mark(name)

    async def _return_mark(self, name: str) -> None:
        if self._is_returning_marks:
            await self.send(mark(name, stream_sid=self.stream_sid))
