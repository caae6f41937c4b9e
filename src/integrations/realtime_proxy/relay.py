"""The shell of one session: two WebSockets, a pump in each direction, and the session in between.

A pump reads a message only when the one before it was taken by the other side, whose write buffer
is bounded: a slow reader pauses the other side, by TCP. Invariant: messages of one direction leave
in the order in which they came.
"""

from __future__ import annotations

__all__ = ["ABNORMAL", "Ending", "WebSocket", "end_alike", "relay"]

import asyncio
import contextlib
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
_CLOSE_TIMEOUT_S = 2.0
"""How long the other side may take to answer a goodbye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a session ended."""

    by: str
    """``client`` or ``upstream``."""
    code: int
    """RFC 6455 section 7.4.1; 1006 where the connection broke."""
    reason: bytes = b""
    """As the peer gave it; never logged, as servers quote."""


async def relay(
    client: WebSocket, upstream: WebSocket, session: GatedRealtimeSession, *, clock: Clock
) -> Ending:
    """Pass messages on until one side ends; where that is the client, end the provider's alike.

    Cancellation ends both pumps; the caller closes what is open then.
    """
    pumps = {
        asyncio.create_task(_pump_client(client, upstream, session, clock), name="proxy client"),
        asyncio.create_task(_pump_upstream(upstream, client, session, clock), name="proxy server"),
    }
    try:
        done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.wait(pumps)
    ending = next(iter(done)).result()
    if ending.by == "client":
        await end_alike(upstream, ending)
    return ending


async def end_alike(socket: WebSocket, ending: Ending) -> None:
    """Close a side as the other one did, as far as a goodbye can say that."""
    code = {ABNORMAL: 1001, _NO_STATUS: 1000}.get(ending.code, ending.code)
    with contextlib.suppress(TimeoutError, OSError, aiohttp.ClientError):
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await socket.close(code=code, message=ending.reason)


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
                return _ending("client", message, client)
        except (OSError, aiohttp.ClientError):
            return Ending(by="upstream", code=ABNORMAL)


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
                return _ending("upstream", message, upstream)
        except (OSError, aiohttp.ClientError):
            return Ending(by="client", code=ABNORMAL)


def _ending(side: str, message: aiohttp.WSMessage, socket: WebSocket) -> Ending:
    if message.type is WSMsgType.CLOSE:
        reason = (message.extra or "").encode()
        return Ending(by=side, code=int(message.data or _NO_STATUS), reason=reason)
    code = socket.close_code
    # Nothing but a goodbye is one: aiohttp calls a connection that just ends 1000 (OK).
    return Ending(by=side, code=_TOO_BIG if code == _TOO_BIG else ABNORMAL)
