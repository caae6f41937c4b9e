"""The WebSocket of one watcher.

Invariant: whoever does not read waits alone; what a page sends is short, of one kind, and changes
nothing but what that page is shown.
"""

from __future__ import annotations

__all__ = ["LiveSocket"]

import asyncio
import contextlib

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .broadcast import Broadcast, Watcher
from .refusal import Refusal
from .request_body import parse_object

_MAX_CALL_ID = 200
_TOO_MANY = 4503
_BAD_MESSAGE = 1008
_GOING_AWAY = 1001
_CLOSE_TIMEOUT_S = 0.5
"""How long watchers get to be told that the desk stops, in s."""
_GONE = (WebSocketDisconnect, RuntimeError, OSError)
"""What sending to a peer raises that is gone, or whose socket was closed meanwhile."""


class LiveSocket:
    """Serves watchers.

    Args:
        broadcast: What they are shown.
        max_watchers: How many there may be.
    """

    def __init__(self, broadcast: Broadcast, *, max_watchers: int) -> None:
        self._broadcast = broadcast
        self._max_watchers = max_watchers
        self._stopped = asyncio.Event()
        self._n_open = 0
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    def routes(self) -> list[WebSocketRoute]:
        """Return what is served."""
        return [WebSocketRoute("/live", self._serve)]

    async def stop(self) -> None:
        """Let all watchers go, and no more in; wait a moment for those that read. Idempotent."""
        self._stopped.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._all_closed.wait()

    async def _serve(self, websocket: WebSocket) -> None:
        self._n_open += 1
        self._all_closed.clear()
        try:
            await self._serve_one(websocket)
        finally:
            self._n_open -= 1
            if not self._n_open:
                self._all_closed.set()

    async def _serve_one(self, websocket: WebSocket) -> None:
        await websocket.accept()
        if self._broadcast.watchers >= self._max_watchers:
            await _close(websocket, _TOO_MANY, "too many watchers")
            return
        watcher = self._broadcast.join()
        try:
            code = await self._watch(websocket, watcher)
        finally:
            self._broadcast.leave(watcher)
        if code is not None:
            await _close(websocket, code, "")

    async def _watch(self, websocket: WebSocket, watcher: Watcher) -> int | None:
        """Serve until the page is gone (None) or is to be closed: with what code."""
        reading = asyncio.create_task(self._read(websocket, watcher), name="desk watcher reader")
        writing = asyncio.create_task(_write(websocket, watcher), name="desk watcher writer")
        stopping = asyncio.create_task(self._stopped.wait(), name="desk watcher stop")
        tasks = {reading, writing, stopping}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return reading.result()
            return _GOING_AWAY if stopping.done() else writing.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _read(self, websocket: WebSocket, watcher: Watcher) -> int | None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            try:
                call_id = _focus_of(message.get("text"))
            except Refusal:
                return _BAD_MESSAGE
            self._broadcast.focus(watcher, call_id)


async def _write(websocket: WebSocket, watcher: Watcher) -> None:
    """Send what waits, the newest of each kind, until the peer is gone."""
    with contextlib.suppress(*_GONE):
        while True:
            await websocket.send_text(await watcher.outbox.take())


def _focus_of(text: str | None) -> str | None:
    """Return the id of the call that a page wants to look at closely; None for none.

    Raises:
        Refusal: the message is another.
    """
    asked = parse_object(text or "")
    call_id = asked.get("call_id")
    is_id = isinstance(call_id, str) and len(call_id) <= _MAX_CALL_ID
    if asked.get("type") != "focus" or not (call_id is None or is_id):
        raise Refusal(400, "bad_request", "The message is no focus.")
    return call_id if isinstance(call_id, str) else None


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(*_GONE):
        await websocket.close(code, reason)
