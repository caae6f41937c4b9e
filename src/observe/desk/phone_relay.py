"""The desk's phone: a page's WebSocket, handed on to a browser line in this process.

The page calls the desk's own origin, so that one address, one login and one certificate serve for
all of it. Behind the desk's door stands a browser line of its own, on a loopback port that nobody
is told and with a token that nobody is told either; ``lines.browser`` need not be enabled.

Invariant: what a page and its line say to each other passes unchanged, but for that token in the
first message; a page that does not read slows its own call only.
"""

from __future__ import annotations

__all__ = ["PATH", "PhoneRelay", "sendable_code", "with_token"]

import asyncio
import contextlib
import json
import secrets

import structlog
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ...config.browser_line_model import BrowserLineConfig
from ...engine import AIEngine
from ...transports.browser.protocol import MAX_MESSAGE_BYTES, SUBPROTOCOL
from ...transports.browser.server import BrowserTransport

_log = structlog.get_logger(__name__)

PATH = "/phone/call"
"""Where a page calls."""

_TOKEN_NAME = "VOXGATE_DESK_PHONE"  # noqa: S105 - a name, and of no variable of the environment
_MAX_CALLS = 10
"""Calls of pages at a time: they are for trying."""
_SENDABLE = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013})
"""Close codes of RFC 6455 and its registry that an endpoint may send."""
_LOST = 1011
_GONE = (WebSocketDisconnect, RuntimeError, OSError, ClientError)


class _OwnLine(BrowserTransport):
    """A line whose address is nobody's business."""

    def _log_start(self) -> None:
        """Say nothing."""


class PhoneRelay:
    """Takes calls from the desk's page.

    Args:
        engine: Who serves them.
    """

    def __init__(self, engine: AIEngine) -> None:
        self._engine = engine
        self._token = secrets.token_urlsafe(32)
        config = BrowserLineConfig(
            enabled=True, port=0, token_env=_TOKEN_NAME, max_connections=_MAX_CALLS
        )
        self._line = _OwnLine(config, {_TOKEN_NAME: self._token})
        self._session: ClientSession | None = None

    def routes(self) -> list[WebSocketRoute]:
        """Return what is served."""
        return [WebSocketRoute(PATH, self._serve)]

    async def start(self) -> None:
        """Listen for the relay's own connections.

        Raises:
            TransportError: no port of the loopback can be bound.
        """
        await self._line.start(self._engine.handle_call)
        self._session = ClientSession()

    async def stop(self) -> None:
        """Let what is left go; the calls are the engine's to end, before. Idempotent."""
        await self._line.stop()
        if self._session is not None:
            await self._session.close()
            self._session = None
            await self._line.wait_closed()

    async def _serve(self, page: WebSocket) -> None:
        if self._session is None or SUBPROTOCOL not in page.scope.get("subprotocols", ()):
            await page.close(1008)
            return
        host, port = self._line.address
        url = f"ws://{host}:{port}/browser"
        try:
            async with self._session.ws_connect(
                url, protocols=(SUBPROTOCOL,), max_msg_size=2 * MAX_MESSAGE_BYTES
            ) as line:
                await page.accept(SUBPROTOCOL)
                await self._relay(page, line)
        except _GONE as error:
            _log.warning("desk.phone_refused", error=type(error).__name__)
            with contextlib.suppress(*_GONE):
                await page.close(1013, "no more calls at the moment")

    async def _relay(self, page: WebSocket, line: ClientWebSocketResponse) -> None:
        """Hand on until one side is gone, and end the other."""
        tasks = {
            asyncio.create_task(self._from_page(page, line), name="desk phone page"),
            asyncio.create_task(_from_line(page, line), name="desk phone line"),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        with contextlib.suppress(*_GONE):
            await page.close(sendable_code(line.close_code))

    async def _from_page(self, page: WebSocket, line: ClientWebSocketResponse) -> None:
        is_first = True
        with contextlib.suppress(*_GONE):
            while (message := await page.receive())["type"] == "websocket.receive":
                if (audio := message.get("bytes")) is not None:
                    await line.send_bytes(audio)
                elif (text := message.get("text")) is not None:
                    await line.send_str(with_token(text, self._token) if is_first else text)
                    is_first = False


async def _from_line(page: WebSocket, line: ClientWebSocketResponse) -> None:
    with contextlib.suppress(*_GONE):
        async for message in line:
            if message.type is WSMsgType.BINARY:
                await page.send_bytes(message.data)
            elif message.type is WSMsgType.TEXT:
                await page.send_text(message.data)


def sendable_code(code: int | None) -> int:
    """Return a close code as it may be sent: some only say that none was received."""
    return code if code in _SENDABLE and code is not None else _LOST


def with_token(text: str, token: str) -> str:
    """Return the message that starts a call with the line's own token; any other as it is."""
    try:
        start = json.loads(text)
    except (ValueError, RecursionError):
        return text  # the line says what is wrong with it
    if not isinstance(start, dict) or start.get("type") != "start":
        return text
    return json.dumps({**start, "token": token})
