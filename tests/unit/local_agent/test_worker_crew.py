"""Tests of the workers for all calls, with processes that only note what they are sent."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from voxgate.errors import ProviderError
from voxgate.local_agent.worker_crew import Job, WorkerCrew
from voxgate.local_agent.worker_process import WorkerHandler, WorkerProcess
from voxgate.local_agent.worker_wire import Message, MessageKind

AUDIO, CANCEL, DONE = MessageKind.AUDIO, MessageKind.CANCEL, MessageKind.DONE


class ProcessDouble:
    """A worker that does what a test says."""

    def __init__(self, number: int) -> None:
        self.process_id = number
        self.description = {"rate_hz": 8000}
        self.sent: list[tuple[str, int, bytes]] = []
        self.is_stopped = False
        self.is_killed = False
        self._handler: WorkerHandler | None = None

    def listen(self, handler: WorkerHandler) -> None:
        self._handler = handler

    def send(self, message: Message) -> None:
        self.sent.append((message.kind.name, message.job, message.payload))

    def say(self, kind: MessageKind, job: int, payload: bytes = b"") -> None:
        assert self._handler is not None
        self._handler.receive_message(Message(kind, job, payload))

    def kill(self) -> None:
        self.is_killed = True
        self.die()

    def die(self) -> None:
        assert self._handler is not None
        self._handler.receive_end()

    async def stop(self) -> None:
        if not self.is_stopped:
            self.is_stopped = True
            self.die()


class Factory:
    """Makes processes, or fails to as often as a test says."""

    def __init__(self, *failures: Exception) -> None:
        self.made: list[ProcessDouble] = []
        self.failures = list(failures)

    async def __call__(self) -> WorkerProcess:
        if self.failures:
            raise self.failures.pop(0)
        self.made.append(ProcessDouble(len(self.made)))
        return cast("WorkerProcess", self.made[-1])


class Handler:
    """Notes the answers to one job."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.errors: list[ProviderError] = []

    def receive_answer(self, message: Message) -> None:
        self.answers.append(f"{message.kind.name} {message.text}")

    def receive_failure(self, error: ProviderError) -> None:
        self.errors.append(error)


async def running(size: int = 1) -> tuple[WorkerCrew, Factory]:
    factory = Factory()
    crew = WorkerCrew("test", size, factory)
    await crew.start()
    return crew, factory


def begin(crew: WorkerCrew, payload: bytes = b"") -> tuple[Job, Handler]:
    handler = Handler()
    job = crew.begin(handler)
    if payload:
        job.send(AUDIO, payload)
    return job, handler


async def test_a_job_has_a_worker_and_gets_its_answers() -> None:
    """What is sent reaches the worker at once; the last answer sets it free."""
    crew, factory = await running()
    job, handler = begin(crew, b"a")
    (process,) = factory.made
    assert process.sent == [("AUDIO", job.number, b"a")]
    process.say(MessageKind.TEXT, job.number, b"so")
    process.say(DONE, job.number, b"so far")
    assert handler.answers == ["TEXT so", "DONE so far"]
    process.say(MessageKind.TEXT, job.number, b"more")
    job.send(AUDIO, b"late")
    assert len(handler.answers) == 2
    assert len(process.sent) == 1


async def test_jobs_beyond_the_workers_wait_with_all_that_they_were_sent() -> None:
    """First come, first served; nothing is lost."""
    crew, factory = await running()
    first, _ = begin(crew, b"1")
    second, _ = begin(crew, b"2")
    third, _ = begin(crew, b"3")
    second.send(AUDIO, b"two")
    (process,) = factory.made
    process.say(DONE, first.number)
    process.say(DONE, second.number)
    assert process.sent == [
        ("AUDIO", first.number, b"1"),
        ("AUDIO", second.number, b"2"),
        ("AUDIO", second.number, b"two"),
        ("AUDIO", third.number, b"3"),
    ]


async def test_a_job_that_goes_on_gives_way_to_one_that_is_complete() -> None:
    """A caller who speaks for a minute keeps nobody from an answer; all of it is heard later."""
    crew, factory = await running()
    long_job, long_handler = begin(crew, b"1")
    short_job, short_handler = begin(crew, b"2")
    (process,) = factory.made
    assert len(process.sent) == 1
    short_job.send(MessageKind.END)
    assert process.sent[1:] == [("CANCEL", long_job.number, b"")]
    long_job.send(AUDIO, b"one")
    process.say(MessageKind.LEFT, long_job.number)
    process.say(DONE, short_job.number, b"short")
    long_job.send(MessageKind.END)
    process.say(DONE, long_job.number, b"long")
    assert process.sent[2:] == [
        ("AUDIO", short_job.number, b"2"),
        ("END", short_job.number, b""),
        ("AUDIO", long_job.number, b"1"),
        ("AUDIO", long_job.number, b"one"),
        ("END", long_job.number, b""),
    ]
    assert short_handler.answers == ["DONE short"]
    assert long_handler.answers == ["DONE long"]


async def test_no_more_jobs_give_way_than_are_complete() -> None:
    """What has to begin anew costs time; a job that is complete gives way to nobody."""
    crew, factory = await running(3)
    jobs = [begin(crew, b"a")[0] for _ in range(3)]
    jobs[0].send(MessageKind.END)
    waiting = [begin(crew, b"w")[0] for _ in range(2)]
    waiting[1].send(MessageKind.END)
    cancelled = [sent for process in factory.made for sent in process.sent if sent[0] == "CANCEL"]
    assert cancelled == [("CANCEL", jobs[1].number, b"")]
    factory.made[1].say(MessageKind.LEFT, jobs[1].number)
    assert factory.made[1].sent[-1] == ("END", waiting[1].number, b"")


async def test_a_worker_that_leaves_a_job_gets_none_while_another_is_free() -> None:
    """Whoever interrupts a sentence does not wait until it has been rendered in vain."""
    crew, factory = await running(2)
    first, _ = begin(crew, b"1")
    first.cancel()
    second, _ = begin(crew, b"2")
    assert factory.made[0].sent == [("AUDIO", first.number, b"1"), ("CANCEL", first.number, b"")]
    assert factory.made[1].sent == [("AUDIO", second.number, b"2")]


async def test_a_worker_that_does_not_leave_its_job_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It hangs, and every job that it got would be lost."""
    monkeypatch.setattr("voxgate.local_agent.worker_crew._LEAVE_S", 0.0)
    crew, factory = await running()
    hung, handler = begin(crew, b"1")
    hung.cancel()
    waiting, _ = begin(crew, b"2")
    while not crew.replaced:  # noqa: ASYNC110 - the loop's own timer, due now
        await asyncio.sleep(0)
    await asyncio.gather(*crew._tasks)
    assert factory.made[0].is_killed
    assert factory.made[1].sent == [("AUDIO", waiting.number, b"2")]
    assert handler.errors == []


async def test_a_worker_that_left_in_time_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deadline goes with its word."""
    monkeypatch.setattr("voxgate.local_agent.worker_crew._LEAVE_S", 0.0)
    crew, factory = await running()
    job, _ = begin(crew, b"1")
    job.cancel()
    factory.made[0].say(MessageKind.LEFT, job.number)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not factory.made[0].is_killed


async def test_jobs_beyond_the_bound_are_refused_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They could not be done in time anyway."""
    monkeypatch.setattr("voxgate.local_agent.worker_crew._MAX_WAITING", 2)
    crew, factory = await running()
    handlers = [begin(crew, b"1")[1] for _ in range(4)]
    assert [len(handler.errors) for handler in handlers] == [0, 0, 0, 1]
    assert str(handlers[3].errors[0]) == "test: 2 others are waiting"
    assert handlers[3].errors[0].retryable
    assert crew.refused == 1
    assert len(factory.made[0].sent) == 1


async def test_a_cancelled_job_gives_its_worker_to_the_next() -> None:
    """The worker is told, and what it says of the old job nobody hears."""
    crew, factory = await running()
    first, first_handler = begin(crew, b"1")
    second, second_handler = begin(crew, b"2")
    first.cancel()
    first.cancel()
    (process,) = factory.made
    assert process.sent[1:] == [("CANCEL", first.number, b"")]
    process.say(DONE, first.number, b"old")
    process.say(MessageKind.LEFT, first.number)
    assert process.sent[2:] == [("AUDIO", second.number, b"2")]
    process.say(DONE, second.number, b"new")
    assert first_handler.answers == []
    assert second_handler.answers == ["DONE new"]


async def test_a_job_cancelled_while_it_waits_is_never_begun() -> None:
    """Its place goes to the one behind it."""
    crew, factory = await running()
    first, _ = begin(crew)
    second, _ = begin(crew, b"2")
    third, _ = begin(crew, b"3")
    second.cancel()
    factory.made[0].say(DONE, first.number)
    assert factory.made[0].sent == [("AUDIO", third.number, b"3")]


async def test_a_job_that_fails_leaves_a_worker_that_can_do_the_next() -> None:
    """Trying again may help."""
    crew, factory = await running()
    job, handler = begin(crew)
    factory.made[0].say(MessageKind.FAILED, job.number, b"RuntimeError")
    assert [str(error) for error in handler.errors] == ["test: it failed (RuntimeError)"]
    assert handler.errors[0].retryable
    begin(crew, b"2")
    assert [kind for kind, *_ in factory.made[0].sent] == ["CANCEL"], "it forgets the job first"
    factory.made[0].say(MessageKind.LEFT, job.number)
    assert [kind for kind, *_ in factory.made[0].sent] == ["CANCEL", "AUDIO"]
    assert crew.replaced == 0


async def test_a_worker_that_dies_is_replaced_and_only_its_job_fails() -> None:
    """Who waited gets the new one."""
    crew, factory = await running(2)
    _, dead = begin(crew)
    alive_job, alive = begin(crew)
    waiting_job, _ = begin(crew, b"w")
    factory.made[0].die()
    assert [str(error) for error in dead.errors] == ["test: its process died"]
    assert dead.errors[0].retryable
    await asyncio.gather(*crew._tasks)
    assert crew.replaced == 1
    assert crew.process_ids == (1, 2)
    assert factory.made[2].sent == [("AUDIO", waiting_job.number, b"w")]
    factory.made[1].say(DONE, alive_job.number)
    assert alive.errors == []


async def test_a_replacement_is_tried_until_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses grow; nobody gives up."""
    pauses: list[float] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    monkeypatch.setattr("voxgate.local_agent.worker_crew.asyncio.sleep", sleep)
    crew, factory = await running()
    factory.failures = [ProviderError("test", "not yet", retryable=True) for _ in range(7)]
    factory.made[0].die()
    await asyncio.gather(*crew._tasks)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert crew.process_ids == (1,)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ProviderError("test", "lacks a voice", retryable=False), "test: lacks a voice"),
        (OSError(12, "Cannot allocate memory"), "could not be started .Cannot allocate memory"),
        (TimeoutError(), "did not start within 120 s"),
    ],
)
async def test_where_one_cannot_start_there_is_none(failure: Exception, reason: str) -> None:
    """Those that started are ended again, and the error says why."""
    factory = Factory(failure)
    crew = WorkerCrew("test", 2, factory)
    with pytest.raises(ProviderError, match=reason):
        await crew.start()
    assert [process.is_stopped for process in factory.made] == [True]
    assert crew.process_ids == ()


async def test_stopping_ends_jobs_and_processes_and_starts_no_others() -> None:
    """Jobs with a worker and without fail; a second time nothing happens."""
    crew, factory = await running()
    _, busy = begin(crew)
    _, waiting = begin(crew)
    await crew.stop()
    await crew.stop()
    assert [len(handler.errors) for handler in (busy, waiting)] == [1, 1]
    assert [process.is_stopped for process in factory.made] == [True]
    assert crew._tasks == set()


async def test_stopping_gives_up_a_replacement_that_does_not_come() -> None:
    """It would start after everything has ended."""
    crew, factory = await running()
    factory.failures = [ProviderError("test", "not yet", retryable=True)]
    factory.made[0].die()
    await asyncio.sleep(0)
    await crew.stop()
    assert crew._tasks == set()
    assert crew.process_ids == ()


async def test_a_job_for_workers_that_do_not_run_fails_at_once() -> None:
    """Nobody waits for what can't come."""
    crew = WorkerCrew("test", 1, Factory())
    job, handler = begin(crew, b"a")
    assert [str(error) for error in handler.errors] == ["test: is not running"]
    job.cancel()
    await crew.stop()


async def test_workers_describe_themselves() -> None:
    """All of them are alike."""
    crew, _ = await running()
    assert crew.description == {"rate_hz": 8000}
    await crew.stop()
    empty: dict[str, Any] = {}
    assert crew.description == empty
