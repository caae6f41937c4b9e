"""The Twilio telephone of a scripted call: it plays what an engine writes, and sends what it hears.

Times are slots of 20 ms of the telephone's own stream, however late it is.

Invariant: one message goes out for each slot; what was written is played once, in order, at real
time, or forgotten where the engine says ``clear``.
"""

from __future__ import annotations

__all__ = ["ScriptedPhone"]

import asyncio
import contextlib
import json
from base64 import b64decode, b64encode
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voxgate.core.g711 import decode_mulaw, encode_mulaw

from .telephone_calls import ScriptedCall, TurnRecord

_FRAME = 160
_SLOT_MS = 20
_LONGEST_MS = 240_000.0
_SILENCE = b"\xff"


class ScriptedPhone:
    """Places one call; :meth:`play` does.

    Args:
        call: The caller and the line.
    """

    def __init__(self, call: ScriptedCall) -> None:
        self.latest_s = 0.0
        """How late the telephone itself was, at most: it is heard at another time than an engine
        can know, where that is more than a jitter buffer holds."""
        self._call = call
        self._stream_sid = f"MZ{uuid4().hex}"
        self._buffer = bytearray()
        self._n_slots = 0

    async def play(self, url: str) -> list[TurnRecord]:
        """Place the call at an engine's WebSocket; return what became of the agent's turns."""
        async with connect(url, compression=None, proxy=None) as connection:
            await _send(connection, {"event": "connected", "protocol": "Call", "version": "1.0.0"})
            start = {"streamSid": self._stream_sid, "callSid": f"CA{uuid4().hex}"}
            await _send(
                connection, {"event": "start", "streamSid": self._stream_sid, "start": start}
            )
            listening = asyncio.create_task(self._listen(connection), name="scripted phone")
            try:
                await self._live(connection)
            finally:
                listening.cancel()
                await asyncio.wait({listening})
        return self._call.turns

    async def _live(self, connection: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while not self._call.is_over and self._call.now_ms < _LONGEST_MS:
            await _send(connection, self._next_slot())
            ahead_s = began_s + self._n_slots * _SLOT_MS / 1000 - loop.time()
            self.latest_s = max(self.latest_s, -ahead_s)
            await asyncio.sleep(max(0.0, ahead_s))

    def _next_slot(self) -> dict[str, object]:
        """Play 20 ms; return the message with what the line captured meanwhile."""
        played = bytes(self._buffer[:_FRAME]).ljust(_FRAME, _SILENCE)
        del self._buffer[:_FRAME]
        captured = encode_mulaw(self._call.step(decode_mulaw(played)))
        media = {
            "track": "inbound",
            "chunk": str(self._n_slots + 1),
            "timestamp": str(self._n_slots * _SLOT_MS),
            "payload": b64encode(captured).decode("ascii"),
        }
        self._n_slots += 1
        return {"event": "media", "streamSid": self._stream_sid, "media": media}

    async def _listen(self, connection: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in connection:
                message = json.loads(text)
                if message["event"] == "media":
                    self._buffer += b64decode(message["media"]["payload"])
                elif message["event"] == "clear":
                    self._buffer.clear()
                    self._call.cut_off()


async def _send(connection: ClientConnection, message: dict[str, object]) -> None:
    await connection.send(json.dumps(message))
