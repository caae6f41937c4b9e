"""Asterisk's end of a ``chan_websocket`` call, for tests, as its source has it.

It connects as ``Dial(WebSocket/...)`` does. A timer takes a frame off the queue each 20 ms, and
plays silence where there is none; marks wait in the queue, are returned on the way to the next
frame, and take no slot. ``FLUSH_MEDIA`` destroys them. From 900 frames on it asks for a pause, ends
it below 800, and drops what comes above 1000. What is left of a message after whole frames is lost,
unless it buffers. Text of more than 128 bytes it does not read. All that it leaves out is counted.
"""

from __future__ import annotations

__all__ = ["AsteriskWebSocketPeer"]

import asyncio
import base64
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from support.asterisk_websocket_messages import control, media_start
from support.socket_caller import SLOT_S, ServerBrokeProtocolError, SocketCaller, opened

_MAX_TEXT_BYTES = 128
_MAX_FRAMES = 1000
_XOFF_FRAMES = 900
_XON_FRAMES = 800
_NUMBERS = count(1)
_FLAGS = {
    "START_MEDIA_BUFFERING": ("_is_buffering", True),
    "PAUSE_MEDIA": ("_is_paused", True),
    "CONTINUE_MEDIA": ("_is_paused", False),
    "REPORT_QUEUE_DRAINED": ("_reports_drained", True),
}
"""Commands that set something and do no more."""


class AsteriskWebSocketPeer(SocketCaller):
    """One call; :meth:`connect` places it."""

    def __init__(
        self, connection: ClientConnection, channel_id: str, *, is_json: bool, frame_bytes: int
    ) -> None:
        super().__init__(connection, "asterisk")
        self.channel_id = channel_id
        self.played: list[bytes] = []
        """What the caller heard, slot by slot, silence left out."""
        self.commands: list[str] = []
        """The commands that came, by name."""
        self.flushes: list[tuple[float, float]] = []
        """When a flush came, in s of the loop, and how many ms had been played by then."""
        self.lost: list[str] = []
        """What was left out without a word, and why."""
        self.is_playing = True
        """Off: frames wait, as if the timer had stopped."""
        self._is_json = is_json
        self._frame_bytes = frame_bytes
        self._queue: deque[bytes | str] = deque()
        """Frames, and control messages that wait among them."""
        self._leftover = b""
        self._is_buffering = self._is_full = self._is_paused = self._reports_drained = False
        self.run_beside(asyncio.create_task(self._play(), name="asterisk timer"))

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        address: tuple[str, int],
        *,
        path: str = "/asterisk",
        user: tuple[str, str] | None = None,
        origin: str | None = None,
        subprotocols: tuple[str, ...] = ("media",),
        is_json: bool = False,
        channel_id: str | None = None,
        frame_bytes: int = 160,
        start: Mapping[str, Any] | None = None,
        is_started: bool = True,
    ) -> AsyncIterator[AsteriskWebSocketPeer]:
        """Place a call, and unless told otherwise say which it is, as Asterisk does at once."""
        headers = {} if origin is None else {"Origin": origin}
        if user is not None:
            token = base64.b64encode(":".join(user).encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        connection = await opened(address, path, headers=headers, subprotocols=subprotocols)
        channel_id = channel_id or f"1763810000.{next(_NUMBERS)}"
        peer = cls(connection, channel_id, is_json=is_json, frame_bytes=frame_bytes)
        fields = {"optimal_frame_size": frame_bytes, **(start or {})}
        try:
            if is_started:
                await peer.send(media_start(is_json=is_json, channel_id=channel_id, **fields))
            yield peer
        finally:
            await peer.end()

    @property
    def played_ms(self) -> float:
        """Audio that the caller has heard, in ms."""
        return 20.0 * len(self.played)

    @property
    def queued_frames(self) -> int:
        """Frames that wait to be played; marks do not count."""
        return sum(isinstance(each, bytes) for each in self._queue)

    async def send(self, data: str | bytes) -> None:
        """Send a message as it is."""
        await self.connection.send(data)

    async def tell(self, event: str, **fields: Any) -> None:
        """Send an event in the form that was agreed upon."""
        if event not in ("MEDIA_MARK_PROCESSED", "MEDIA_BUFFERING_COMPLETED"):
            fields["channel_id"] = self.channel_id
        await self.send(control(event, is_json=self._is_json, **fields))

    async def speak(self, audio: bytes) -> None:
        """Send captured audio."""
        await self.send(audio)

    async def press(self, digit: str) -> None:
        """Press a key."""
        await self.tell("DTMF_END", digit=digit)

    async def take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            await self._take_audio(data)
        elif len(data) > _MAX_TEXT_BYTES:
            self.lost.append(f"text of {len(data)} bytes")
        else:
            await self._take_command(data)

    async def _take_audio(self, audio: bytes) -> None:
        self.arrived.append(audio)
        if self.queued_frames >= _MAX_FRAMES:
            self.lost.append("audio for a full queue")
            return
        audio = self._leftover + audio if self._is_buffering else audio
        whole = len(audio) // self._frame_bytes * self._frame_bytes
        for start in range(0, whole, self._frame_bytes):
            self._queue.append(audio[start : start + self._frame_bytes])
        self._leftover = audio[whole:] if self._is_buffering else b""
        if len(audio) > whole and not self._is_buffering:
            self.lost.append(f"a remainder of {len(audio) - whole} bytes")
        if not self._is_full and self.queued_frames >= _XOFF_FRAMES:
            self._is_full = True
            await self.tell("MEDIA_XOFF")

    async def _take_command(self, text: str) -> None:
        name, correlation_id = self._command_in(text)
        self.commands.append(name)
        if name in _FLAGS:
            setattr(self, *_FLAGS[name])
            return
        match name:
            case "MARK_MEDIA":
                self._queue_event("MEDIA_MARK_PROCESSED", correlation_id)
            case "FLUSH_MEDIA":
                loop = asyncio.get_running_loop()
                self.flushes.append((loop.time(), self.played_ms))
                self._queue.clear()
                self._is_buffering, self._leftover = False, b""
            case "STOP_MEDIA_BUFFERING":
                self._is_buffering = False
                if self._leftover:
                    self._queue.append(self._leftover)
                    self._leftover = b""
                self._queue_event("MEDIA_BUFFERING_COMPLETED", correlation_id)
            case "GET_STATUS":
                await self._tell_status()
            case "HANGUP":
                await self.close()
            case "ANSWER":
                pass
            case _:
                raise ServerBrokeProtocolError(f"{name} is nothing that Asterisk takes")

    def _command_in(self, text: str) -> tuple[str, str]:
        if not self._is_json:
            name, _, correlation_id = text.partition(" ")
            return name, correlation_id
        message = json.loads(text)
        return message["command"], message.get("correlation_id", "")

    def _queue_event(self, event: str, correlation_id: str) -> None:
        fields = {"correlation_id": correlation_id}
        if self._is_json:
            fields["channel_id"] = self.channel_id
        self._queue.append(control(event, is_json=self._is_json, **fields))

    async def _tell_status(self) -> None:
        flags = {
            "queue_full": self._is_full,
            "bulk_media": self._is_buffering,
            "media_paused": self._is_paused,
        }
        if not self._is_json:
            flags = {name: str(value).lower() for name, value in flags.items()}  # type: ignore[misc]
        await self.tell("STATUS", queue_length=self.queued_frames, xon_level=800, **flags)

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        with contextlib.suppress(ConnectionClosed):
            while True:
                due_s += SLOT_S
                await asyncio.sleep(max(0.0, due_s - loop.time()))
                if self.is_playing and not self._is_paused:
                    await self._play_slot()

    async def _play_slot(self) -> None:
        """Do what the timer does each 20 ms."""
        if self._is_full and self.queued_frames < _XON_FRAMES:
            self._is_full = False
            await self.tell("MEDIA_XON")
        if not self._queue and self._reports_drained:
            self._reports_drained = False
            await self.tell("QUEUE_DRAINED")
        while self._queue:
            next_up = self._queue.popleft()
            if isinstance(next_up, bytes):
                self.played.append(next_up)
                return
            await self.send(next_up)
