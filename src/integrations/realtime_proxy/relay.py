"""The shell of one session: two WebSockets, a pump in each direction, and the session in between.

A pump reads a message only when the one before it was taken by the other side, whose write buffer
is bounded: a slow reader pauses the other side, by TCP. Invariant: messages of one direction leave
in the order in which they came.
"""

from __future__ import annotations

__all__ = ["ABNORMAL", "Ending", "WebSocket", "end_alike", "relay"]

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from ...clock import Clock
from .gated_session import GatedRealtimeSession

WebSocket = web.WebSocketResponse[Any] | aiohttp.ClientWebSocketResponse[Any]
"""Either side; both are asked for their text as bytes."""

ABNORMAL = 1006
"""RFC 6455 section 7.4.1: the connection ended without a close frame."""
_NO_STATUS = 1005
_TOO_BIG = 1009
_UNSAYABLE = {
    ("client", ABNORMAL): 1001,
    ("upstream", ABNORMAL): 1014,
    ("client", _NO_STATUS): 1000,
    ("upstream", _NO_STATUS): 1000,
}
"""What the other side is told of endings that no close frame may name: going away; bad gateway, as
IANA's registry of close codes has it."""

_CLOSE_TIMEOUT_S = 2.0
"""How long the other side may take to answer a goodbye."""
_LAST_WORDS_S = 2.0
"""How long a side that takes nothing more may take to say why, behind what it said before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a session ended."""

    by: str
    """``client`` or ``upstream``."""
    code: int
    """RFC 6455 section 7.4.1; 1006 where the connection broke."""
    reason: bytes = b""
    """As the peer gave it; never logged, as servers quote."""
    is_inferred: bool = False
    """It was seen by what could not be sent; the side itself may have said why it ended."""


async def relay(
    client: WebSocket, upstream: WebSocket, session: GatedRealtimeSession, *, clock: Clock
) -> Ending:
    """Pass messages on until one side ends, and end the other one alike.

    What a side said before it ended reaches the other one first. Cancellation ends both pumps; the
    caller closes what is open then.
    """
    pumps = (
        asyncio.create_task(_pump_client(client, upstream, session, clock), name="proxy client"),
        asyncio.create_task(_pump_upstream(upstream, client, session, clock), name="proxy server"),
    )
    try:
        done, running = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        if running and all(pump.result().is_inferred for pump in done):
            await asyncio.wait(running, timeout=_LAST_WORDS_S)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.wait(pumps)
    endings = [pump.result() for pump in pumps if not pump.cancelled()]
    ending = min(endings, key=lambda ending: ending.is_inferred)
    await end_alike(upstream if ending.by == "client" else client, ending)
    return ending


async def end_alike(socket: WebSocket, ending: Ending) -> None:
    """Close a side as the other one did, as far as a goodbye can say that."""
    code = _UNSAYABLE.get((ending.by, ending.code), ending.code)
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await socket.close(code=code, message=ending.reason)
    except (TimeoutError, OSError, aiohttp.ClientError):
        pass  # it is gone, or does not answer
    except asyncio.CancelledError:
        # A pump that was cancelled while it waited for room has cancelled aiohttp's one future for
        # all who wait for it: only a task that is told to end itself ends.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise


async def _pump_client(
    client: WebSocket, upstream: WebSocket, session: GatedRealtimeSession, clock: Clock
) -> Ending:
    while True:
        message = await client.receive()
        try:
            if message.type is WSMsgType.TEXT:
                for data in session.receive_client(message.data, clock()):
                    if data is None:
                        await asyncio.sleep(0)
                    else:
                        await upstream.send_frame(data, WSMsgType.TEXT)
                await asyncio.sleep(0)  # a burst is one session's, not everybody's
            elif message.type is WSMsgType.BINARY:
                session.pass_binary(from_client=True)
                await upstream.send_frame(message.data, WSMsgType.BINARY)
            else:
                return await _ended("client", message, client)
        except (OSError, aiohttp.ClientError):
            return Ending(by="upstream", code=ABNORMAL, is_inferred=True)


async def _pump_upstream(
    upstream: WebSocket, client: WebSocket, session: GatedRealtimeSession, clock: Clock
) -> Ending:
    while True:
        message = await upstream.receive()
        try:
            if message.type is WSMsgType.TEXT:
                session.receive_server(message.data, clock())
                await client.send_frame(message.data, WSMsgType.TEXT)
            elif message.type is WSMsgType.BINARY:
                session.pass_binary(from_client=False)
                await client.send_frame(message.data, WSMsgType.BINARY)
            else:
                return await _ended("upstream", message, upstream)
        except (OSError, aiohttp.ClientError):
            return Ending(by="client", code=ABNORMAL, is_inferred=True)


async def _ended(side: str, message: aiohttp.WSMessage, socket: WebSocket) -> Ending:
    """Return how a side ended, and answer its goodbye if it said one."""
    if message.type is WSMsgType.CLOSE:
        reason = (message.extra or "").encode()
        ending = Ending(by=side, code=int(message.data or _NO_STATUS), reason=reason)
        await end_alike(socket, ending)
        return ending
    code = socket.close_code
    # Nothing but a goodbye is one: aiohttp calls a connection that just ends 1000 (OK).
    return Ending(by=side, code=_TOO_BIG if code == _TOO_BIG else ABNORMAL)
