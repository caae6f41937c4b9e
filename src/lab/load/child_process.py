"""A process that the tool starts, from the tool's side: commands out, answers in."""

from __future__ import annotations

__all__ = ["ChildError", "ChildProcess"]

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from ...errors import VoxgateError

_ANSWER_TIMEOUT_S = 180.0
"""Of the longest command, on a machine that has much else to do."""
_END_TIMEOUT_S = 10.0


class ChildError(VoxgateError):
    """A process of the load tool ended, or can't do what it was told; says why."""


class ChildProcess:
    """One child that speaks as :mod:`.child_wire` says."""

    def __init__(self, name: str, process: Process, ready: Mapping[str, Any]) -> None:
        self._name = name
        self._process = process
        self.ready = ready
        """What it said when it was ready."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @classmethod
    @asynccontextmanager
    async def start(cls, name: str, settings: Mapping[str, Any]) -> AsyncIterator[ChildProcess]:
        """Start a module of this package; it is stopped at the end of the block.

        Args:
            name: Of the module.
            settings: What its ``main`` gets.

        Raises:
            ChildError: it did not get ready.
        """
        module = f"{__package__}.{name}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, json.dumps(settings)), stdin=PIPE, stdout=PIPE
        )
        try:
            yield cls(name, process, await _answer(name, process))
        finally:
            await _end(process)

    async def ask(self, do: str, **fields: object) -> Mapping[str, Any]:
        """Have a command carried out, and return the answer.

        Raises:
            ChildError: it has ended.
        """
        sink = self._process.stdin
        assert sink is not None, "it was started with a pipe"  # noqa: S101
        with contextlib.suppress(ConnectionError):
            sink.write(json.dumps({"do": do, **fields}).encode() + b"\n")
            await sink.drain()
        return await _answer(self._name, self._process)


async def _answer(name: str, process: Process) -> Mapping[str, Any]:
    source = process.stdout
    assert source is not None, "it was started with a pipe"  # noqa: S101
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            line = await source.readline()
    except TimeoutError as error:
        raise ChildError(f"{name}: gave no answer for {_ANSWER_TIMEOUT_S:.0f} s") from error
    if not line:
        raise ChildError(f"{name}: ended")
    return cast("Mapping[str, Any]", json.loads(line))


async def _end(process: Process) -> None:
    """Let a process end by itself, as its stdin does; kill it if it does not."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
