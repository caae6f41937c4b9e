"""The callers of a load run, in a process of their own."""

from __future__ import annotations

__all__ = ["main"]

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .caller_sounds import load_sounds
from .callers import Callers, Dial
from .child_wire import run_child, serve_commands
from .line_peers import AudioSocketPeer, LinePeer, TakeFrame, TwilioPeer


async def main(settings: Mapping[str, Any]) -> None:
    """Place calls until told to stop.

    Args:
        settings: ``address``, ``line``, ``path`` of a WebSocket, ``corpus``, ``erl_db``,
            ``echo_delay_ms``, ``interrupting_ratio``, and ``pause_ms`` between two that are placed.
    """
    corpus, (host, port) = settings["corpus"], settings["address"]
    callers = Callers(
        _dialler(settings["line"], (host, port), settings["path"]),
        load_sounds(Path(corpus) if corpus else None),
        erl_db=settings["erl_db"],
        echo_delay_ms=settings["echo_delay_ms"],
        interrupting_ratio=settings["interrupting_ratio"],
    )

    async def place(command: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(command["calls"]):
            try:
                await callers.place()
            except OSError as error:
                return {"calls": callers.n_calls, "error": error.strerror or str(error)}
            await asyncio.sleep(settings["pause_ms"] / 1000)
        return {"calls": callers.n_calls}

    async def write(command: Mapping[str, Any]) -> Mapping[str, Any]:
        await asyncio.to_thread(callers.take().write, Path(command["path"]))
        callers.forget_lags()
        return {"calls": callers.n_calls}

    async def hang_up(_command: Mapping[str, Any]) -> Mapping[str, Any]:
        callers.hang_up()
        return {"calls": 0}

    living = asyncio.create_task(callers.live())
    try:
        await serve_commands({}, {"place": place, "write": write, "hang_up": hang_up})
    finally:
        living.cancel()
        callers.hang_up()


def _dialler(line: str, address: tuple[str, int], path: str) -> Dial:
    async def dial(take_frame: TakeFrame) -> LinePeer:
        if line == "twilio":
            return await TwilioPeer.dial(address, take_frame, path=path)
        return await AudioSocketPeer.dial(address, take_frame)

    return dial


if __name__ == "__main__":
    run_child(main)
