"""The worker's side of :mod:`.worker_process`: reads messages, answers them, until nobody asks.

Invariant: a job that was cancelled is left at the next opportunity, whatever waits before the
message that says so.
"""

from __future__ import annotations

__all__ = ["Inbox", "Worker", "WorkerUnfitError", "answer", "run_worker"]

import json
import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from ..errors import VoxgateError
from .worker_wire import Message, MessageKind, MessageReader, serialize_message

_READ_BYTES = 1 << 16


class WorkerUnfitError(VoxgateError):
    """A worker lacks what it needs; the text is for the operator."""


class Worker(Protocol):
    """What does the work."""

    def describe(self) -> Mapping[str, Any]:
        """Return what it has loaded, for JSON."""

    def receive(self, message: Message) -> Iterator[Message]:
        """Take a message of a job and yield the answers as they are there.

        Raises:
            Exception: the job could not be done; the worker can do others.
        """


class Inbox:
    """Messages in order, with a look ahead at those that cancel a job.

    Args:
        read: Returns the next bytes, waiting for them; ``b""`` at the end.
        has_more: Whether ``read`` would return at once.
    """

    def __init__(self, read: Callable[[], bytes], has_more: Callable[[], bool]) -> None:
        self._read = read
        self._has_more = has_more
        self._reader = MessageReader()
        self._waiting: deque[Message] = deque()
        self._cancelled: set[int] = set()
        self._is_over = False

    def __iter__(self) -> Iterator[Message]:
        """Yield messages until the other side is gone."""
        while True:
            while not self._waiting and not self._is_over:
                self._take()
            if not self._waiting:
                return
            message = self._waiting.popleft()
            if message.kind is MessageKind.CANCEL:
                self._cancelled.discard(message.job)
            yield message

    def is_cancelled(self, job: int) -> bool:
        """Say whether nobody waits for a job any more, or for anything at all."""
        while not self._is_over and self._has_more():
            self._take()
        return self._is_over or job in self._cancelled

    def _take(self) -> None:
        data = self._read()
        self._is_over = not data
        for message in self._reader.receive(data):
            if message.kind is MessageKind.CANCEL:
                self._cancelled.add(message.job)
            self._waiting.append(message)


def answer(worker: Worker, inbox: Inbox, message: Message) -> Iterator[Message]:
    """Yield what a worker says to a message, up to where its job is cancelled.

    Whatever becomes of a message that cancels a job, it is answered.
    """
    if message.kind is not MessageKind.CANCEL and inbox.is_cancelled(message.job):
        return
    try:
        for said in worker.receive(message):
            yield said
            if inbox.is_cancelled(message.job):
                return
    except Exception as exc:  # noqa: BLE001 - whatever a library raises over one job ends that job
        # Its text may quote what was said.
        yield Message(MessageKind.FAILED, message.job, type(exc).__name__.encode())
    if message.kind is MessageKind.CANCEL:
        yield Message(MessageKind.LEFT, message.job)


def run_worker(make_worker: Callable[[Mapping[str, Any]], Worker]) -> None:
    """Serve standard input and output until the former ends; options are the first argument."""
    # A terminal and a service manager tell all processes to stop, and calls still need this one:
    # whoever started it ends it, or is gone, which ends the input.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    output = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no message
    try:
        _serve(make_worker, output)
    except BrokenPipeError:
        return


def _serve(make_worker: Callable[[Mapping[str, Any]], Worker], output: int) -> None:
    try:
        worker = make_worker(json.loads(sys.argv[1]))
    except WorkerUnfitError as exc:
        _write(output, Message(MessageKind.UNFIT, 0, str(exc).encode()))
        return
    _write(output, Message(MessageKind.READY, 0, json.dumps(dict(worker.describe())).encode()))
    inbox = Inbox(lambda: os.read(0, _READ_BYTES), lambda: bool(select.select([0], [], [], 0)[0]))
    for message in inbox:
        for said in answer(worker, inbox, message):
            _write(output, said)


def _write(output: int, message: Message) -> None:
    data = memoryview(serialize_message(message))
    while data:
        data = data[os.write(output, data) :]
