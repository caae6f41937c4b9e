"""The parent of several workers: listens, hands calls on, starts anew who dies, drains.

It decides nothing by itself: see :mod:`~voxgate.workers.crew`. Invariant: whatever becomes of one
worker, the calls of the others go on, and no process is left when the parent returns.
"""

from __future__ import annotations

__all__ = ["Supervisor", "WorkersFailedError"]

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from ..clock import Clock, monotonic_ms
from ..errors import LocalProtocolError, VoxgateError
from .crew import Crew, RestartPolicy, WorkerState
from .held_config import HeldConfig
from .messages import DRAIN, RELOAD, FromWorker, Message
from .shareable import own_ports
from .shared_lines import SharedLines
from .worker_process import WorkerProcess

_LOOK_S = 0.2
"""How often it looks who is to be started or killed, where nothing happens, in s."""
_END_TIMEOUT_S = 30.0
"""Time in s beyond ``engine.drain_timeout_s`` that workers get to end."""
_METRICS_TIMEOUT_S = 2.0
"""Time in s that a worker gets to show its metrics."""

_log = structlog.get_logger(__name__)


class WorkersFailedError(VoxgateError):
    """Workers died time and again, or could not even start."""


class Supervisor:
    """Runs workers until it is told to stop.

    Args:
        held: The configuration, which is what workers are started with.
        policy: When workers are started anew.
        clock: Monotonic time in ms.
    """

    def __init__(
        self,
        held: HeldConfig,
        *,
        policy: RestartPolicy | None = None,
        clock: Clock = monotonic_ms,
    ) -> None:
        self.held = held
        """What is in force."""
        self.crew = Crew(held.config.engine.workers, policy)
        """The workers, as far as it is told of them."""
        self._clock = clock
        self._processes: dict[int, WorkerProcess] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lines: SharedLines | None = None
        self._news = asyncio.Event()
        self._failure = ""
        self._reasons: dict[int, str] = {}
        self._is_ending = False
        self._killed: set[int] = set()
        self._open_to_the_end: frozenset[str] = frozenset()
        self._notices: dict[int, list[str]] = {}
        self._pages: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._drain_began_ms: float | None = None

    @property
    def now_ms(self) -> float:
        """The time, by the clock of the workers' reports."""
        return self._clock()

    @property
    def addresses(self) -> Mapping[str, tuple[str, int]]:
        """Host and port of each line, by its name."""
        return {} if self._lines is None else self._lines.addresses

    def notices(self) -> tuple[str, ...]:
        """Return what the workers have for the terminal, each line with who says it."""
        return tuple(
            f"worker {number}: {notice}"
            for number, notices in sorted(self._notices.items())
            for notice in notices
        )

    async def run(self, tell_running: Callable[[], None]) -> None:
        """Serve to the end.

        Args:
            tell_running: Called once, as soon as every worker takes calls.

        Raises:
            TransportError: a line's address can't be bound.
            WorkersFailedError: workers could not start, or died time and again.
        """
        self._lines = SharedLines(
            self.held.config, hand=self._hand, has_taker=lambda: self.crew.has_taker
        )
        self._listen_to_signals()
        _log.info("workers.starting", workers=len(self.crew.workers))
        try:
            await self._follow(tell_running)
        finally:
            self._lines.close()
            await self._end_all()

    # -- what happens in time ----------------------------------------------------------------------

    async def _follow(self, tell_running: Callable[[], None]) -> None:
        has_told = False
        while not self.crew.is_over:
            self._news.clear()
            self._look()
            if not has_told and self._serves_in_full:
                has_told = True
                _log.info("workers.serving", workers=len(self.crew.workers))
                tell_running()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._news.wait()

    @property
    def _serves_in_full(self) -> bool:
        return all(each.state is WorkerState.SERVING for each in self.crew.workers)

    def _look(self) -> None:
        """Do what the time has come for.

        Raises:
            WorkersFailedError: starting anew is in vain.
        """
        now_ms = self._clock()
        self.crew.receive_time(now_ms)
        for number in self.crew.to_start(now_ms):
            if self.crew[number].deaths_in_a_row:
                self.crew.note_restart(number)
            self.crew.receive_started(number, now_ms)
            self._begin(self._serve(number), f"worker {number}")
        for number in self.crew.to_kill(now_ms):
            _log.error("worker.hung", worker=number, pid=self._processes[number].pid)
            self._processes[number].kill()
        if self.crew.has_given_up:
            raise WorkersFailedError(f"workers can't serve: {self._failure}")
        if self._drain_began_ms is not None and now_ms > self._drain_began_ms + 1000 * (
            self._drain_timeout_s + _END_TIMEOUT_S
        ):
            self._drain_began_ms = None
            for number, process in self._processes.items():
                _log.error(
                    "worker.killed",
                    worker=number,
                    pid=process.pid,
                    lost_connections=self.crew[number].connections,
                )
                self._kill(number, process)

    @property
    def _drain_timeout_s(self) -> float:
        """The longest ``engine.drain_timeout_s`` in force: workers follow the file on their own."""
        reported = (worker.report.get("drain_timeout_s", 0.0) for worker in self.crew.workers)
        return float(max(self.held.config.engine.drain_timeout_s, *reported))

    # -- a worker's life ---------------------------------------------------------------------------

    async def _serve(self, number: int) -> None:
        """Start a worker and listen to it until its end."""
        status: int | str = "not started"
        try:
            process = await self._started(number)
            self._processes[number] = process
            _log.info("worker.started", worker=number, pid=process.pid)
            if self._is_ending:
                self._kill(number, process)
            try:
                await self._listen_to(number, process)
            finally:
                status = await process.wait()
        except OSError as error:
            status = type(error).__name__
        finally:
            self._processes.pop(number, None)
            self._notices.pop(number, None)
            self._receive_exit(number, status)

    async def _started(self, number: int) -> WorkerProcess:
        if self.crew[number].restarts and self.held.config.engine.reload_on_change:
            await self._refresh()
        held = self.held
        orders = {
            "number": number,
            "config_path": None if held.path is None else str(held.path),
            "config_text": held.text,
            "config_source": held.source,
            "lines": self.addresses,
        }
        return await WorkerProcess.started(orders, own_ports(held.config, number))

    async def _listen_to(self, number: int, process: WorkerProcess) -> None:
        if self.crew.is_draining:
            process.say(DRAIN)
        try:
            async for message in process.messages():
                self._receive(number, message)
        except LocalProtocolError as error:
            self._reasons[number] = str(error)
            process.kill()

    def _receive(self, number: int, message: Message) -> None:
        now_ms = self._clock()
        match message.kind:
            case FromWorker.REPORT:
                self.crew.receive_report(number, now_ms, message.fields)
            case FromWorker.READY:
                self._receive_ready(number, now_ms, message)
            case FromWorker.METRICS:
                waiting = self._pages.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message.fields)
            case FromWorker.CHANGED:
                self._begin(self._reload(), "reload")
            case FromWorker.FAILED:
                self._reasons[number] = str(message.fields.get("error", ""))

    def _receive_ready(self, number: int, now_ms: float, message: Message) -> None:
        self.crew.receive_ready(number, now_ms)
        _log.info("worker.serving", worker=number)
        self._notices[number] = list(message.fields.get("notices", ()))
        self._open_to_the_end = frozenset(message.fields.get("open_to_the_end", ()))
        if self._lines is not None and not self.crew.is_draining:
            self._lines.accept()
        self._news.set()

    def _receive_exit(self, number: int, status: int | str) -> None:
        connections = self.crew[number].connections
        is_expected = self.crew.receive_exit(number, self._clock())
        reason = self._reasons.pop(number, "")
        if number not in self._killed and (not is_expected or status != 0):
            worker = self.crew[number]
            is_last = self.crew.is_draining or self.crew.has_given_up
            pause_s = (worker.due_ms - self._clock()) / 1000
            self._failure = reason or f"worker {number} ended with status {status}"
            _log.error(
                "worker.died",
                worker=number,
                status=status,
                signal=_signal_name(status),
                lost_connections=connections,
                deaths_in_a_row=worker.deaths_in_a_row,
                restart_in_s=None if is_last else round(pause_s, 1),
            )
        self._news.set()

    async def _end_all(self) -> None:
        """Kill what is left, and what is just being started."""
        self._is_ending = True
        for number, process in self._processes.items():
            self._kill(number, process)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _kill(self, number: int, process: WorkerProcess) -> None:
        """End a worker that is not started anew: it did not die by itself."""
        self._killed.add(number)
        process.kill()

    def _begin(self, work: Any, name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- connections -------------------------------------------------------------------------------

    def _hand(self, connection: socket.socket, line: int) -> bool:
        """Give a connection to the worker that should get it, or to the next one that takes it."""
        for number in self.crew.takers(self._clock()):
            process = self._processes.get(number)
            if process is not None and process.hand(connection, line):
                self.crew.note_handed(number)
                return True
        _log.warning("workers.connection_refused")
        return False

    # -- signals -----------------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(self._reload(), "reload"))

    def stop(self) -> None:
        """Take no more calls, and end with the last that runs; told again: end them."""
        if self.crew.is_draining:
            for process in self._processes.values():
                process.say(DRAIN)
            return
        assert self._lines is not None, "it runs"  # noqa: S101
        self._lines.close(keep=self._open_to_the_end)
        self._drain_began_ms = self._clock()
        told = self.crew.drain()
        _log.info("workers.draining", workers=len(told), timeout_s=self._drain_timeout_s)
        for number in told:
            if number in self._processes:
                self._processes[number].say(DRAIN)
        self._news.set()

    async def _reload(self) -> None:
        """Take the file's configuration, and have the workers take it."""
        await self._refresh()
        for process in self._processes.values():
            process.say(RELOAD)

    async def _refresh(self) -> None:
        problems = await asyncio.to_thread(self.held.refresh)
        if problems:
            _log.error("workers.config_kept", problems=list(problems))

    # -- metrics -----------------------------------------------------------------------------------

    async def pages(self, word: int) -> tuple[Mapping[str, Any], ...]:
        """Return the metrics of every worker that shows them in time, in the order of numbers.

        Args:
            word: In which form; see :mod:`~voxgate.workers.messages`.
        """
        loop = asyncio.get_running_loop()
        self._pages = {
            number: loop.create_future()
            for number, process in sorted(self._processes.items())
            if self.crew[number].state is not WorkerState.STARTING and process.say(word)
        }
        waiting = list(self._pages.values())
        if waiting:
            await asyncio.wait(waiting, timeout=_METRICS_TIMEOUT_S)
        return tuple(page.result() for page in waiting if page.done())


def _signal_name(status: int | str) -> str | None:
    """Return the name of the signal that ended a process; None if none did."""
    if isinstance(status, str) or status >= 0:
        return None
    try:
        return signal.Signals(-status).name
    except ValueError:  # the real-time signals between the first and the last have none
        return str(-status)
