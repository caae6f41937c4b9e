"""Bare relays, without a gate, one for each WebSocket library: what the proxy could be built on.

Run by :mod:`.proxy_time` as a process: ``python -m benchmarks.proxy_relays LIBRARY UPSTREAM_URL``.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any

import uvloop


async def _with_websockets(upstream_url: str) -> int:
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import ServerConnection, serve

    async def pump(source: Any, sink: Any) -> None:
        async for message in source:
            await sink.send(message)

    async def handle(client: ServerConnection) -> None:
        assert client.request is not None
        url = upstream_url + client.request.path
        async with connect(url, compression=None) as upstream:
            await _until_one_ends(pump(client, upstream), pump(upstream, client))

    server = await serve(handle, "127.0.0.1", 0, compression=None)
    return int(next(iter(server.sockets)).getsockname()[1])


async def _with_aiohttp(upstream_url: str) -> int:
    from aiohttp import ClientSession, WSMsgType, web

    http = ClientSession()

    async def pump(source: Any, sink: Any) -> None:
        while (message := await source.receive()).type is WSMsgType.TEXT:
            await sink.send_frame(message.data, WSMsgType.TEXT)

    async def handle(request: web.Request) -> web.StreamResponse:
        url = upstream_url + request.path_qs
        async with http.ws_connect(url, decode_text=False, compress=0) as upstream:
            client: Any = web.WebSocketResponse(decode_text=False, compress=False)
            await client.prepare(request)
            await _until_one_ends(pump(client, upstream), pump(upstream, client))
        return client  # type: ignore[no-any-return]

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


async def _until_one_ends(*pumps: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _serve(library: str, upstream_url: str) -> None:
    start = {"websockets": _with_websockets, "aiohttp": _with_aiohttp}[library]
    port = await start(upstream_url)
    print(f"relay listens on ws://127.0.0.1:{port}/v1", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Relay until ended."""
    uvloop.run(_serve(sys.argv[1], sys.argv[2]))


if __name__ == "__main__":
    main()
