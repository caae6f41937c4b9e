"""The Realtime server of a load run, in a process of its own: stamps every frame that it gets.

``light`` costs next to nothing; ``embedded`` is voxgate's own server with its turn detector.
Invariant: stamps are of the monotonic clock that all processes of a machine share.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .child_wire import measure_lag, run_child, serve_commands
from .embedded_stamps import EmbeddedStamps
from .light_server import LightServer

_LAG_EVERY_MS = 5.0


async def main(settings: Mapping[str, Any]) -> None:
    """Serve until told to stop.

    Args:
        settings: ``kind``, ``port`` and ``speed_ratio``.
    """
    lags_ms: list[float] = []
    async with _server(settings) as server:

        async def write(command: Mapping[str, Any]) -> Mapping[str, Any]:
            side = server.take(np.array(lags_ms))
            await asyncio.to_thread(side.write, Path(command["path"]))
            lags_ms.clear()  # what writing held up is not the load's
            return {"sessions": server.n_sessions}

        async def count(_command: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"sessions": server.n_sessions}

        lagging = asyncio.create_task(measure_lag(lags_ms, every_ms=_LAG_EVERY_MS))
        try:
            await serve_commands({"url": server.url}, {"write": write, "count": count})
        finally:
            lagging.cancel()


@asynccontextmanager
async def _server(settings: Mapping[str, Any]) -> AsyncIterator[LightServer | EmbeddedStamps]:
    kind = LightServer if settings["kind"] == "light" else EmbeddedStamps
    server = kind(port=settings["port"], speed_ratio=settings["speed_ratio"])
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


if __name__ == "__main__":
    run_child(main)
