"""A fixed number of workers for all calls: jobs wait for one, and one that dies is replaced.

A job that goes on as long as somebody speaks would keep others from its worker for as long: where
jobs that have all they need wait, it gives way and begins anew later. Invariant: a worker has one
job at a time, and gets the next when it has left the last, or is replaced if it does not leave it.
"""

from __future__ import annotations

__all__ = ["Job", "JobHandler", "Spawn", "WorkerCrew"]

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ..errors import ProviderError
from .worker_process import WorkerProcess
from .worker_wire import Message, MessageKind

Spawn = Callable[[], Awaitable[WorkerProcess]]
"""Starts a worker and returns once it can take jobs; raises ProviderError where it can't."""

_START_S = 120.0
"""Time in s that a worker gets to load what it needs; on a quiet machine it takes two."""
_RETRY_S = (1.0, 30.0)
"""Pause in s before a worker that can't be started is tried again: the first, and the longest."""
_LEAVE_S = 10.0
"""Time in s that a worker gets to leave a job that nobody waits for; one that takes longer hangs. A
sentence of Piper's, which it renders at one go, takes a second."""
_MAX_WAITING = 256
"""Jobs that may wait, more than can be done in time; further ones fail at once, and are counted."""


class JobHandler(Protocol):
    """Whoever gets the answers to a job."""

    def receive_answer(self, message: Message) -> None:
        """Take an answer; the last is ``DONE``."""

    def receive_failure(self, error: ProviderError) -> None:
        """Take note that there won't be an answer."""


class Job:
    """One job, with a worker or waiting for one. Made by :meth:`WorkerCrew.begin`."""

    def __init__(self, crew: WorkerCrew, number: int, handler: JobHandler) -> None:
        self._crew = crew
        self.number = number
        self.handler = handler
        self.crew_member: CrewMember | None = None
        self.is_complete = False
        """Whether it has all that it needs: its end was sent."""
        self._messages: list[Message] = []
        self._is_over = False

    def send(self, kind: MessageKind, payload: bytes = b"") -> None:
        """Send something to the worker, or keep it until there is one; never blocks."""
        if self._is_over:
            return
        message = Message(kind, self.number, payload)
        self._messages.append(message)
        if self.crew_member is not None:
            self.crew_member.worker.send(message)
        if kind is MessageKind.END:
            self.is_complete = True
            self._crew.hand_out()

    def cancel(self) -> None:
        """Want nothing of it any more; idempotent."""
        if not self._is_over:
            if self.crew_member is not None:
                self.crew_member.leave()
            self.end()

    def give(self, crew_member: CrewMember) -> None:
        """Take a worker, and send it all that there is."""
        self.crew_member = crew_member
        for message in self._messages:
            crew_member.worker.send(message)

    def end(self) -> None:
        """Give up the worker; nothing is sent or received any more."""
        self._is_over = True
        self._messages.clear()
        self._crew.release(self)

    def fail(self, error: ProviderError) -> None:
        """End it with an error."""
        self.end()
        self.handler.receive_failure(error)


class CrewMember:
    """A worker, and the job that it has."""

    def __init__(self, crew: WorkerCrew, worker: WorkerProcess) -> None:
        self._crew = crew
        self.worker = worker
        self.job: Job | None = None
        self._leaves: int | None = None
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def is_leaving(self) -> bool:
        """Whether the worker was told to leave a job, and has not said that it did."""
        return self._leaves is not None

    @property
    def is_free(self) -> bool:
        """Whether it can take a job."""
        return self.job is None and not self.is_leaving

    def take(self, job: Job) -> None:
        """Begin a job."""
        self.job = job
        job.give(self)

    def leave(self) -> None:
        """Have the worker leave its job; it is free when it says so, and killed if it does not."""
        job, self.job = self.job, None
        if job is None:
            return
        job.crew_member = None
        self._leaves = job.number
        self.worker.send(Message(MessageKind.CANCEL, self._leaves))
        self._deadline = asyncio.get_running_loop().call_later(_LEAVE_S, self.worker.kill)

    def receive_message(self, message: Message) -> None:
        """Take what the worker says; of a job that is over nobody hears."""
        if message.kind is MessageKind.LEFT and message.job == self._leaves:
            self._forget_leaving()
            self._crew.hand_out()
            return
        job = self.job
        if job is None or job.number != message.job:
            return
        if message.kind is MessageKind.FAILED:
            self.leave()  # it may still be in the middle of it
            job.fail(self._crew.error(f"it failed ({message.text})"))
            return
        if message.kind is MessageKind.DONE:
            job.end()
        job.handler.receive_answer(message)

    def receive_end(self) -> None:
        """Take note that the process is gone."""
        self._forget_leaving()
        self._crew.replace(self)

    def _forget_leaving(self) -> None:
        self._leaves = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class WorkerCrew:
    """Workers for jobs of one kind.

    Args:
        peer: Who they are, for errors.
        size: How many.
        spawn: Starts one.
    """

    def __init__(self, peer: str, size: int, spawn: Spawn) -> None:
        self._peer = peer
        self._size = size
        self._spawn = spawn
        self._members: list[CrewMember] = []
        self._waiting: deque[Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._jobs = 0
        self._is_running = False
        self.replaced = 0
        """Workers that died and were to be replaced, so far."""
        self.refused = 0
        """Jobs that failed as too many waited, so far."""

    @property
    def description(self) -> Mapping[str, Any]:
        """What the workers say of themselves; empty where there is none."""
        return self._members[0].worker.description if self._members else {}

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes that there are now."""
        return tuple(member.worker.process_id for member in self._members)

    async def start(self) -> None:
        """Start all of them at once.

        Raises:
            ProviderError: one can't be had; then there is none.
        """
        self._is_running = True
        started = await asyncio.gather(
            *(self._start_one() for _ in range(self._size)), return_exceptions=True
        )
        failed = [result for result in started if isinstance(result, BaseException)]
        if failed:
            await self.stop()
            raise failed[0]

    def begin(self, handler: JobHandler) -> Job:
        """Begin a job; it gets the next worker that is free, first come, first served."""
        self._jobs += 1
        job = Job(self, self._jobs, handler)
        if not self._is_running:
            job.fail(ProviderError(self._peer, "is not running", retryable=False))
        elif len(self._waiting) >= _MAX_WAITING:
            self.refused += 1
            job.fail(self.error(f"{_MAX_WAITING} others are waiting"))
        else:
            self._waiting.append(job)
            self.hand_out()
        return job

    def release(self, job: Job) -> None:
        """Take back the worker of a job that is over, or its place among those that wait."""
        member = job.crew_member
        if member is not None:
            member.job = job.crew_member = None
        elif job in self._waiting:
            self._waiting.remove(job)
        self.hand_out()

    def hand_out(self) -> None:
        """Give jobs to workers that are free; those that have all they need go first."""
        for member in self._members:
            if member.is_free and self._waiting:
                job = next((job for job in self._waiting if job.is_complete), self._waiting[0])
                self._waiting.remove(job)
                member.take(job)
        n_complete = sum(job.is_complete for job in self._waiting)
        n_leaving = sum(member.is_leaving for member in self._members)
        for member in self._members:
            if n_complete > n_leaving and member.job is not None and not member.job.is_complete:
                self._waiting.appendleft(member.job)
                member.leave()
                n_leaving += 1

    def replace(self, member: CrewMember) -> None:
        """Start another for one that is gone; its job fails, and may be tried again."""
        if member in self._members:
            self._members.remove(member)
        if self._is_running:
            self.replaced += 1
            task = asyncio.create_task(self._restart(), name="local_agent.worker_replacement")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if member.job is not None:
            member.job.fail(self.error("its process died"))

    def error(self, reason: str) -> ProviderError:
        """Return an error after which trying again can help."""
        return ProviderError(self._peer, reason, retryable=True)

    async def stop(self) -> None:
        """End all processes and jobs; idempotent."""
        self._is_running = False
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(member.worker.stop() for member in list(self._members)))
        for job in list(self._waiting):
            job.fail(self.error("was stopped"))

    async def _start_one(self) -> None:
        try:
            async with asyncio.timeout(_START_S):
                worker = await self._spawn()
        except TimeoutError:
            raise self.error(f"it did not start within {_START_S:g} s") from None
        except OSError as exc:
            raise self.error(f"its process could not be started ({exc.strerror})") from exc
        member = CrewMember(self, worker)
        self._members.append(member)
        worker.listen(member)
        self.hand_out()

    async def _restart(self) -> None:
        pause_s, longest_s = _RETRY_S
        while True:
            try:
                await self._start_one()
            except ProviderError:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, longest_s)
            else:
                return
