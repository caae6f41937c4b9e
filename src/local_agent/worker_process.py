"""One worker: a process of its own that does one job at a time, and how to talk to it.

A process because the libraries that hear and speak hold the interpreter's lock for longer than a
line can wait, and so that one of them that crashes ends nothing but its own job.
Invariant: sending never waits.
"""

from __future__ import annotations

__all__ = ["WorkerHandler", "WorkerProcess"]

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from typing import Any, Protocol

from ..errors import ProviderError, RemoteProtocolError
from .worker_wire import Message, MessageKind, MessageReader, serialize_message

_READ_BYTES = 1 << 16
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "VIRTUAL_ENV")
"""Of the environment. Keys stay here."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class WorkerHandler(Protocol):
    """Whoever a worker reports to."""

    def receive_message(self, message: Message) -> None:
        """Take what the worker says of a job."""

    def receive_end(self) -> None:
        """Take note that the process is gone, whoever ended it; comes once."""


class WorkerProcess:
    """A running worker; :meth:`spawn` makes one.

    Args:
        process: With pipes at its standard input and output.
        description: What it says of itself.

    Raises:
        ValueError: it has no pipes.
    """

    def __init__(self, process: Process, description: Mapping[str, Any]) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("process: has no pipes")
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._reader = MessageReader()
        self._task: asyncio.Task[None] | None = None
        self.description = description

    @classmethod
    async def spawn(cls, peer: str, module: str, options: Mapping[str, Any]) -> WorkerProcess:
        """Start a process and wait until it can take jobs. Cancelled, it leaves none behind.

        Args:
            peer: Who it is, for errors.
            module: Full name of the module to run.
            options: Passed on as JSON.

        Raises:
            ProviderError: it says what it lacks, or it ended without a word.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a file in the folder where we were started is no module of the worker's
            "-m",
            module,
            json.dumps(dict(options)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_environment(),
            start_new_session=True,  # whoever tells our whole group to stop does not mean it
        )
        worker = cls(process, {})
        try:
            worker.description = await worker._read_description(peer)
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def process_id(self) -> int:
        """The operating system's number of it."""
        return self._process.pid

    def listen(self, handler: WorkerHandler) -> None:
        """Hand over what it says from now on; once."""
        self._task = asyncio.create_task(self._listen(handler), name="local_agent.worker")

    def send(self, message: Message) -> None:
        """Send a message; nothing happens where the process is gone."""
        if not self._input.is_closing():
            self._input.write(serialize_message(message))

    def kill(self) -> None:
        """End the process, whatever it is at, without waiting for its end; idempotent."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """End the process, whatever it is at; idempotent."""
        self.kill()
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._process.communicate()

    async def _read_description(self, peer: str) -> Mapping[str, Any]:
        message = await self._first_message()
        if message is not None and message.kind is MessageKind.READY:
            description: Mapping[str, Any] = json.loads(message.payload)
            return description
        unfit = message is not None and message.kind is MessageKind.UNFIT
        reason = message.text if message is not None and unfit else "its process ended at once"
        raise ProviderError(peer, reason, retryable=not unfit)

    async def _first_message(self) -> Message | None:
        while data := await self._output.read(_READ_BYTES):
            if messages := self._reader.receive(data):
                return messages[0]
        return None

    async def _listen(self, handler: WorkerHandler) -> None:
        try:
            while data := await self._output.read(_READ_BYTES):
                for message in self._reader.receive(data):
                    handler.receive_message(message)
        except RemoteProtocolError:
            self.kill()
        finally:
            handler.receive_end()


def _environment() -> dict[str, str]:
    """Return what a worker needs of the environment: where to find modules, and no keys."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    folders = os.pathsep.join(path for path in sys.path if path)
    return {**passed_on, **_ONE_THREAD, "PYTHONPATH": folders}
