"""What the tool and the processes that it starts say to each other: JSON, an object a line.

The tool writes commands to a child's stdin; the child answers each with one line on stdout, after a
first one that says that it is ready. Invariant: a child whose stdin ends, ends.
"""

from __future__ import annotations

__all__ = ["measure_lag", "pin_to_core", "run_child", "serve_commands"]

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog

from ...blas_threads import use_one_blas_thread
from ...clock import monotonic_ms

Command = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Carries a command out, and returns the answer."""


def run_child(main: Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]]) -> None:
    """Run ``main`` with what stands in the process's one argument, on uvloop if it is there."""
    settings = json.loads(sys.argv[1])
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    pin_to_core(settings.get("core"))
    use_one_blas_thread()
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(main(settings))


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def pin_to_core(core: int | None) -> None:
    """Keep this process on one core, where the system can do that."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


async def serve_commands(ready: Mapping[str, Any], commands: Mapping[str, Command]) -> None:
    """Say that the child is ready, then carry out commands until one is ``stop`` or stdin ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(ready)
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "stop":
            return
        _say(await commands[command["do"]](command))


async def measure_lag(lags_ms: list[float], *, every_ms: float) -> None:
    """Note how late this process runs whenever it wants to, until cancelled."""
    while True:
        due_ms = monotonic_ms() + every_ms
        await asyncio.sleep(every_ms / 1000)
        lags_ms.append(monotonic_ms() - due_ms)


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
