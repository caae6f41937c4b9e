"""One worker: an engine whose connections its parent accepts.

Run as ``python -m voxgate.workers.worker_program``, by the parent alone. Invariant: a worker whose
parent is gone takes no more calls, and ends when those that run have.
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from ..blas_threads import use_one_blas_thread
from ..call_observer import CallObserver
from ..config.config_document import ConfigDocument
from ..config.models import AppConfig
from ..engine import AIEngine
from ..errors import ConfigError, LocalProtocolError, VoxgateError
from ..event_loop import run_serving
from ..observe.call_log import CallLog
from ..observe.config_history import ConfigChange
from ..observe.config_reloads import FROM_FILE
from ..observe.logging_setup import name_process, set_up_logging
from ..observe.operations import Operations
from ..transports.base import Transport
from ..transports.listening import HandedConnections
from ..transports.registry import TRANSPORTS, TransportRegistry
from .engine_run import run_engine, stop_signals
from .merged_metrics import labelled
from .messages import (
    DRAIN,
    MAX_LINES,
    RELOAD,
    SHOW_METRICS,
    SHOW_OPEN_METRICS,
    FromWorker,
    serialize_message,
)
from .stop_requests import StopRequests, StopSource

_REPORT_S = 1.0
"""How often it reports, whatever happens."""
_LOOK_S = 0.1
"""How often it looks whether a connection has ended, to report it."""
_NO_ROOM_S = 5.0
"""How long it says that it has no room, after it had no file descriptor for a connection."""

_log = structlog.get_logger(__name__)

_ACCEPT = {SHOW_METRICS: "", SHOW_OPEN_METRICS: "application/openmetrics-text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a worker is told before it starts."""

    number: int
    """From 1."""
    config_path: Path | None
    """The file; None: the default of the package."""
    config_text: str
    """What it is to start with: the file's text, or that which was good before."""
    config_source: str
    """What messages call it."""
    lines: Mapping[str, tuple[str, int]]
    """Host and port of each line for which the parent accepts, by name, in the order of their
    numbers."""

    @classmethod
    def parsed(cls, text: str) -> Orders:
        """Return orders from JSON."""
        given = json.loads(text)
        path = given["config_path"]
        return cls(
            number=given["number"],
            config_path=None if path is None else Path(path),
            config_text=given["config_text"],
            config_source=given["config_source"],
            lines={name: (host, port) for name, (host, port) in given["lines"].items()},
        )


class _HandedTransports(TransportRegistry):
    """Makes lines that are handed their connections."""

    def __init__(self, lines: Mapping[str, HandedConnections]) -> None:
        super().__init__()
        self._lines = lines

    def create(self, name: str, config: Any, environ: Mapping[str, str] | None = None) -> Transport:
        transport: Any = TRANSPORTS.create(name, config, {} if environ is None else environ)
        if not hasattr(transport, "listen"):
            raise LocalProtocolError(f"lines of kind {name} can't be shared by several workers")
        transport.listen = self._lines[name].listen
        line: Transport = transport
        return line


class _Worker(CallObserver):
    """Serves, and keeps its parent informed.

    Args:
        orders: What to serve.
        config: The same, judged.
        connections: Where the parent hands over connections and gives commands.
        reports: Where it is answered.
    """

    def __init__(
        self,
        orders: Orders,
        config: AppConfig,
        connections: socket.socket,
        reports: socket.socket,
    ) -> None:
        self._lines = {name: HandedConnections(at) for name, at in orders.lines.items()}
        self._by_number = tuple(self._lines.values())
        self._engine = AIEngine(
            config,
            observers=[CallLog(), self],
            transports=_HandedTransports(self._lines),
        )
        self._operations = Operations(
            self._engine,
            config_path=orders.config_path,
            text_at_start=orders.config_text,
            worker=orders.number,
        )
        self._operations.keeper.add_listener(self._follow)
        self._orders = orders
        self._connections = connections
        self._reports_socket = reports
        self._reports: asyncio.StreamWriter | None = None
        self._unused: asyncio.StreamReader | None = None
        self._signals: asyncio.Queue[None] | None = None
        self._stops = StopRequests()
        self._has_room_s = 0.0
        self._told: tuple[int, int, str] = (0, 0, "")
        self._showing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve to the end."""
        loop = asyncio.get_running_loop()
        self._unused, self._reports = await asyncio.open_connection(sock=self._reports_socket)
        self._signals = stop_signals(partial(self._stops.ask, StopSource.SIGNAL))
        self._connections.setblocking(False)  # noqa: FBT003 - the library's own order
        loop.add_reader(self._connections, self._read)
        reporting = asyncio.create_task(self._report(), name="reports")
        try:
            await run_engine(self._engine, self._operations, self._signals, self._tell_ready)
        except VoxgateError as error:
            self._say(FromWorker.FAILED, error=str(error))
            raise
        finally:
            loop.remove_reader(self._connections)
            reporting.cancel()
            self._reports.close()
            with contextlib.suppress(OSError):
                await self._reports.wait_closed()

    # -- what the parent says ----------------------------------------------------------------------

    def _read(self) -> None:
        """Take all that the parent has said."""
        while True:
            try:
                said, handles, *_ = socket.recv_fds(self._connections, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                said, handles = b"", []
            if not said:
                self._lose_parent()
                return
            self._obey(said[0], handles)

    def _lose_parent(self) -> None:
        asyncio.get_running_loop().remove_reader(self._connections)
        self._stop(is_new=self._stops.lose_parent())

    def _obey(self, word: int, handles: list[int]) -> None:
        if word < MAX_LINES:
            self._take(self._by_number[word], handles)
        elif word == DRAIN:
            self._stop(is_new=self._stops.ask(StopSource.PARENT))
        elif word == RELOAD:
            self._operations.reload()
        elif word in _ACCEPT:
            showing = asyncio.create_task(self._show_metrics(_ACCEPT[word]), name="metrics")
            self._showing.add(showing)
            showing.add_done_callback(self._showing.discard)

    def _take(self, line: HandedConnections, handles: list[int]) -> None:
        for handle in handles:
            line.take(socket.socket(fileno=handle))
        if not handles:
            line.miss()
            self._has_room_s = asyncio.get_running_loop().time() + _NO_ROOM_S
            _log.error("worker.connection_lost", reason="no file descriptor is left")

    def _stop(self, *, is_new: bool) -> None:
        if is_new and self._signals is not None:
            self._signals.put_nowait(None)

    # -- what it says ------------------------------------------------------------------------------

    def _say(self, kind: FromWorker, **fields: Any) -> None:
        if self._reports is not None and not self._reports.is_closing():
            self._reports.write(serialize_message(kind, **fields))

    def _tell_ready(self) -> None:
        open_to_the_end = [
            name
            for name, transport in self._engine.transports.items()
            if getattr(transport, "listens_to_the_end", False)
        ]
        self._say_how_it_is()
        notices = list(self._operations.notices)
        self._say(FromWorker.READY, open_to_the_end=open_to_the_end, notices=notices)

    async def _report(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = 0.0
        while True:
            if loop.time() >= due_s or self._state() != self._told:
                due_s = loop.time() + _REPORT_S
                self._say_how_it_is()
            await asyncio.sleep(_LOOK_S)

    def _state(self) -> tuple[int, int, str]:
        ended = sum(line.n_ended for line in self._by_number)
        return ended, self._engine.running_calls, self._engine.phase.value

    def _say_how_it_is(self) -> None:
        ended, running_calls, phase = self._told = self._state()
        self._say(
            FromWorker.REPORT,
            ended=ended,
            running_calls=running_calls,
            phase=phase,
            lacks_descriptors=asyncio.get_running_loop().time() < self._has_room_s,
            max_calls=self._engine.config.engine.max_calls,
            drain_timeout_s=self._engine.config.engine.drain_timeout_s,
        )

    async def _show_metrics(self, accept: str) -> None:
        metrics = self._operations.metrics
        families = labelled(metrics.snapshot(), self._orders.number)
        page = await asyncio.to_thread(metrics.write, families, accept)
        self._say(FromWorker.METRICS, page=page.body.decode(), content_type=page.content_type)

    def _follow(self, config: AppConfig, change: ConfigChange) -> None:
        """Tell of a change that did not come from the file, for the others to read it there."""
        del config
        if change.is_saved and change.who not in FROM_FILE:
            self._say(FromWorker.CHANGED)


def main() -> None:
    """Serve as the standard input orders; exits with status 1 where it can't start."""
    orders = Orders.parsed(sys.stdin.read())
    connections, reports = (socket.socket(fileno=int(handle)) for handle in sys.argv[1:3])
    try:
        _, loaded = ConfigDocument.parsed(orders.config_text, orders.config_source, os.environ)
    except ConfigError as error:  # what is wrong with it for this worker alone
        reports.sendall(serialize_message(FromWorker.FAILED, error=str(error)))
        sys.exit(1)
    try:
        name_process(worker=orders.number)
        set_up_logging(loaded.config.engine.log_level, loaded.config.engine.log_format)
        use_one_blas_thread()
        run_serving(_Worker(orders, loaded.config, connections, reports).run())
    except VoxgateError:
        sys.exit(1)  # the parent has been told


if __name__ == "__main__":
    main()
