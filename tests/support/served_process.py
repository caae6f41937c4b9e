"""``voxgate serve`` in a process of its own, as an operator starts it."""

from __future__ import annotations

__all__ = ["GUARD_S", "address_in", "served"]

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

GUARD_S = 120.0
"""No wait in a passing test comes near it, on however slow a machine."""

_COMMAND = "from voxgate.cli import main; main()"


@asynccontextmanager
async def served(folder: Path, config: str, environ: Mapping[str, str]) -> AsyncIterator[Process]:
    """Serve a configuration; the process is killed at the end of the block if need be."""
    path = folder / "agent.yaml"
    path.write_text(config, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _COMMAND, "serve", str(path)),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environ},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def address_in(process: Process, line_name: str) -> tuple[str, int]:
    """Return where the one line of a process listens, as it says on its first line."""
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith(f"{line_name} listens on 127.0.0.1:"), line
    return "127.0.0.1", int(line.rpartition(":")[2])
