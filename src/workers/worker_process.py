"""The process of one worker, as its parent has it.

Invariant: nothing here waits for the worker: what it does not take at once goes to another.
"""

from __future__ import annotations

__all__ = ["WorkerProcess"]

import asyncio
import contextlib
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from typing import Any

from .messages import Message, parse_message

_MAX_MESSAGE_BYTES = 64 * 2**20
"""Longest message of a worker: a page of metrics has a tenth of a megabyte."""
_PROGRAM = "voxgate.workers.worker_program"


class WorkerProcess:
    """A worker that runs; made by :meth:`started`."""

    def __init__(
        self,
        process: Process,
        connections: socket.socket,
        reports: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._process = process
        self._connections = connections
        self._reports, self._reports_end = reports

    @classmethod
    async def started(cls, orders: Mapping[str, Any], environ: Mapping[str, str]) -> WorkerProcess:
        """Start one.

        Args:
            orders: What it is to serve, as JSON can hold it.
            environ: Its environment.

        Raises:
            OSError: the system has no room for another process.
        """
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            pairs = []
            for _ in range(2):
                pair = socket.socketpair()
                pairs.append((ours.enter_context(pair[0]), theirs.enter_context(pair[1])))
            (own_connections, connections), (own_reports, reports) = pairs
            handles = (connections.fileno(), reports.fileno())
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _PROGRAM, *map(str, handles)),
                stdin=PIPE,
                pass_fds=handles,
                env={**os.environ, **environ},
                start_new_session=True,  # Ctrl-C is for the parent, who tells the workers
            )
            ours.pop_all()  # they are this object's from now on
        assert process.stdin is not None, "it was asked for"  # noqa: S101
        process.stdin.write(json.dumps(orders).encode())
        process.stdin.close()
        own_connections.setblocking(False)  # noqa: FBT003 - the library's own order
        reading = await asyncio.open_connection(sock=own_reports, limit=_MAX_MESSAGE_BYTES)
        return cls(process, own_connections, reading)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def hand(self, connection: socket.socket, line: int) -> bool:
        """Hand over a connection of a line, which stays open here; return whether it was taken."""
        try:
            socket.send_fds(self._connections, [bytes((line,))], [connection.fileno()])
        except OSError:  # it takes nothing more, or is just dying
            return False
        return True

    def say(self, word: int) -> bool:
        """Give a command; return whether it was taken."""
        try:
            self._connections.send(bytes((word,)))
        except OSError:
            return False
        return True

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what the worker says, until it says nothing more.

        Raises:
            LocalProtocolError: it says what no worker says.
        """
        while line := await self._reports.readline():
            yield parse_message(line)

    async def wait(self) -> int:
        """Wait for its end, and return its status; negative: the signal that ended it."""
        status = await self._process.wait()
        self._connections.close()
        self._reports_end.close()
        return status

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
