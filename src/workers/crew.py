"""What a parent decides about its workers: who starts when, who gets a connection, when to give up.

Invariant: no I/O and no clock; what is decided follows from what was told, and when.
"""

from __future__ import annotations

__all__ = ["Crew", "RestartPolicy", "Worker", "WorkerState"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class WorkerState(StrEnum):
    """Where a worker is."""

    WAITING = "waiting"
    """It is to be started, now or when its pause is over."""
    STARTING = "starting"
    """Its process runs, and takes no calls yet."""
    SERVING = "serving"
    """It takes calls."""
    DRAINING = "draining"
    """It takes no more calls, and those that run may end by themselves."""
    ENDED = "ended"
    """It has ended, and is not started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How soon a worker that died is started anew, and when that is in vain."""

    first_pause_ms: float = 500.0
    """Before the first start anew, in ms; it doubles with each death in a row."""
    max_pause_ms: float = 30_000.0
    """The longest pause, in ms."""
    stable_ms: float = 60_000.0
    """Time of service in ms after which a death is the first in a row again."""
    max_deaths: int = 6
    """Deaths in a row of one worker after which the whole is given up, unless another serves."""
    silence_ms: float = 30_000.0
    """Time in ms without a word after which a worker that serves is taken to hang, and is killed;
    it reports every second."""
    quiet_ms: float = 3000.0
    """Time in ms without a word after which calls go to another worker, if there is one."""

    def pause_ms(self, deaths: int) -> float:
        """Return the pause after so many deaths in a row, at least one, in ms."""
        doublings = min(deaths - 1, 16)
        return float(min(self.first_pause_ms * 2**doublings, self.max_pause_ms))


_CLOSED_PHASES = ("draining", "stopped")
"""Of an engine, in which it hangs up on whoever comes."""
_OWN_PAUSE_MS = 2000.0
"""Time in ms between two looks from which on it was the parent that did not run: it looks five
times a second."""


@dataclass(slots=True)
class Worker:
    """One worker, under the number that its successors keep."""

    number: int
    """From 1."""
    state: WorkerState = WorkerState.WAITING
    """Where it is."""
    due_ms: float = 0.0
    """When it is to be started, while it waits."""
    serving_since_ms: float = 0.0
    """When it began to take calls."""
    heard_ms: float = 0.0
    """When it last said something."""
    handed: int = 0
    """Connections that this process was given."""
    ended: int = 0
    """Of those the ones that have ended."""
    deaths_in_a_row: int = 0
    """Times that it died without having served for long."""
    restarts: int = 0
    """Times that it was started anew."""
    report: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What it said last of its engine; nothing before it serves."""

    @property
    def connections(self) -> int:
        """Connections that it has."""
        return self.handed - self.ended

    @property
    def is_running(self) -> bool:
        """Whether it has a process."""
        return self.state not in (WorkerState.WAITING, WorkerState.ENDED)

    @property
    def has_room(self) -> bool:
        """Whether a call that came now would be taken, by what it said last."""
        calls, limit = self.report.get("running_calls", 0), self.report.get("max_calls", 1)
        return bool(calls < limit and not self.report.get("lacks_descriptors", False))

    @property
    def has_closed(self) -> bool:
        """Whether it said that it takes no more calls, which nobody here told it."""
        return self.report.get("phase") in _CLOSED_PHASES


class Crew:
    """All workers of one parent.

    Args:
        n_workers: How many there are.
        policy: When they are started anew.
    """

    def __init__(self, n_workers: int, policy: RestartPolicy | None = None) -> None:
        self.workers = tuple(Worker(number) for number in range(1, n_workers + 1))
        """By their numbers, from 1."""
        self._policy = policy or RestartPolicy()
        self._is_draining = False
        self._has_served = False
        self._looked_ms: float | None = None

    def __getitem__(self, number: int) -> Worker:
        """Return the worker of a number."""
        return self.workers[number - 1]

    @property
    def is_draining(self) -> bool:
        """Whether no worker is started any more."""
        return self._is_draining

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left: no worker runs, and none will."""
        return all(worker.state is WorkerState.ENDED for worker in self.workers)

    # -- what happens ------------------------------------------------------------------------------

    def receive_time(self, now_ms: float) -> None:
        """Take what time it is, several times a second.

        Where the parent itself did not run, as in a virtual machine that was moved, the workers'
        words wait to be read: no silence of theirs.
        """
        pause_ms = 0.0 if self._looked_ms is None else now_ms - self._looked_ms
        self._looked_ms = now_ms
        if pause_ms > _OWN_PAUSE_MS:
            for worker in self.workers:
                worker.heard_ms += pause_ms

    def receive_started(self, number: int, now_ms: float) -> None:
        """Take that the process of a worker runs."""
        worker = self[number]
        worker.state = WorkerState.STARTING
        worker.heard_ms = now_ms
        worker.handed = worker.ended = 0
        worker.report = MappingProxyType({})

    def receive_ready(self, number: int, now_ms: float) -> None:
        """Take that a worker takes calls."""
        worker = self[number]
        worker.serving_since_ms = worker.heard_ms = now_ms
        self._has_served = True
        if worker.state is WorkerState.STARTING:
            worker.state = WorkerState.SERVING

    def receive_report(self, number: int, now_ms: float, report: Mapping[str, Any]) -> None:
        """Take what a worker says of itself, ``ended`` connections among it."""
        worker = self[number]
        worker.heard_ms = now_ms
        worker.report = report
        worker.ended = int(report.get("ended", worker.ended))

    def receive_exit(self, number: int, now_ms: float) -> bool:
        """Take that the process of a worker is gone; return whether that was expected.

        It is started anew after a pause, unless the whole is draining.
        """
        worker = self[number]
        was_serving = worker.state is WorkerState.SERVING
        worker.report = MappingProxyType({})
        worker.handed = worker.ended = 0
        if self._is_draining:
            is_expected = worker.state is WorkerState.DRAINING
            worker.state = WorkerState.ENDED
            return is_expected
        if was_serving and now_ms - worker.serving_since_ms >= self._policy.stable_ms:
            worker.deaths_in_a_row = 0
        worker.deaths_in_a_row += 1
        worker.state = WorkerState.WAITING
        worker.due_ms = now_ms + self._policy.pause_ms(worker.deaths_in_a_row)
        return False

    def drain(self) -> tuple[int, ...]:
        """Start no worker any more; return the numbers of those that are to be told to drain."""
        self._is_draining = True
        told = tuple(worker.number for worker in self.workers if worker.is_running)
        for worker in self.workers:
            worker.state = WorkerState.DRAINING if worker.is_running else WorkerState.ENDED
        return told

    # -- what is decided ---------------------------------------------------------------------------

    def to_start(self, now_ms: float) -> tuple[int, ...]:
        """Return the numbers of the workers whose time to be started has come."""
        return tuple(
            worker.number
            for worker in self.workers
            if worker.state is WorkerState.WAITING and worker.due_ms <= now_ms
        )

    def note_restart(self, number: int) -> None:
        """Count that a worker is started in the place of one that died."""
        self[number].restarts += 1

    def to_kill(self, now_ms: float) -> tuple[int, ...]:
        """Return the numbers of the workers that serve and have said nothing for too long."""
        return tuple(
            worker.number
            for worker in self.workers
            if worker.state is WorkerState.SERVING
            and now_ms - worker.heard_ms > self._policy.silence_ms
        )

    @property
    def has_given_up(self) -> bool:
        """Whether starting anew is in vain.

        So it is where a worker died before any has ever served, as what it lacks the others lack
        too; and where one died time and again while none serves.
        """
        if self._is_draining:
            return False
        deaths = max(worker.deaths_in_a_row for worker in self.workers)
        if not self._has_served:
            return deaths > 0
        is_any_serving = any(worker.state is WorkerState.SERVING for worker in self.workers)
        return deaths >= self._policy.max_deaths and not is_any_serving

    @property
    def has_taker(self) -> bool:
        """Whether anybody takes connections."""
        return bool(self._takers())

    def is_quiet(self, worker: Worker, now_ms: float) -> bool:
        """Return whether a worker has said nothing for so long that it may hang."""
        return now_ms - worker.heard_ms > self._policy.quiet_ms

    def takers(self, now_ms: float) -> tuple[int, ...]:
        """Return the numbers of those that take connections, first who should get the next one.

        That is the one with the fewest connections; of several the one that was given fewest so
        far. One without room comes later: it says no in its line's own words. One that may hang
        comes last: it says nothing.
        """

        def rank(worker: Worker) -> tuple[bool, bool, int, int]:
            is_quiet = self.is_quiet(worker, now_ms)
            return is_quiet, not worker.has_room, worker.connections, worker.handed

        return tuple(worker.number for worker in sorted(self._takers(), key=rank))

    def note_handed(self, number: int) -> None:
        """Count that a worker was given a connection."""
        self[number].handed += 1

    def _takers(self) -> list[Worker]:
        """Return those that serve; at the end those that may still be asked about their calls."""
        if self._is_draining:
            return [each for each in self.workers if each.state is WorkerState.DRAINING]
        serving = (each for each in self.workers if each.state is WorkerState.SERVING)
        return [worker for worker in serving if not worker.has_closed]
