"""Previews: one at a time, the newest wins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from voxgate.observe.desk.preview_jobs import PreviewJobs
from voxgate.observe.desk.worker import WorkFailed

RESULT = {"calls": 3, "differ": 2, "text": "2 of 14 decisions differ"}


class Work:
    """Work that ends when it is told to."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Mapping[str, Any]] = asyncio.Future()

    async def __call__(self) -> Mapping[str, Any]:
        return await self.outcome


def state_of(jobs: PreviewJobs, preview_id: str) -> str:
    fields = jobs.fields_of(preview_id)
    assert fields is not None
    return str(fields["state"])


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_preview_runs_and_then_has_its_result() -> None:
    """With the sentence that sums it up."""
    jobs, work = PreviewJobs(), Work()
    preview_id = jobs.begin(work)
    await settled()
    assert state_of(jobs, preview_id) == "running"
    work.outcome.set_result(RESULT)
    await settled()
    assert jobs.fields_of(preview_id) == {
        "id": preview_id,
        "state": "done",
        "message": "2 of 14 decisions differ",
        "result": RESULT,
    }


async def test_without_recorded_calls_it_says_so() -> None:
    """No decisions that differ would read as: go on."""
    jobs, work = PreviewJobs(), Work()
    preview_id = jobs.begin(work)
    work.outcome.set_result({"calls": 0, "text": "there is no recorded call"})
    await settled()
    assert state_of(jobs, preview_id) == "nothing_recorded"


async def test_one_that_fails_says_why() -> None:
    """In words for the operator."""
    jobs, work = PreviewJobs(), Work()
    preview_id = jobs.begin(work)
    work.outcome.set_exception(WorkFailed("It took too long."))
    await settled()
    fields = jobs.fields_of(preview_id)
    assert fields is not None
    assert (fields["state"], fields["message"]) == ("failed", "It took too long.")


async def test_the_newest_takes_the_place_of_the_one_at_work() -> None:
    """Whose work is given up."""
    jobs, first, second = PreviewJobs(), Work(), Work()
    older = jobs.begin(first)
    await settled()
    newer = jobs.begin(second)
    await settled()
    assert first.outcome.cancelled()
    assert (state_of(jobs, older), state_of(jobs, newer)) == ("cancelled", "running")


async def test_a_preview_is_taken_back_by_its_id() -> None:
    """One that is over stays as it is, and another one goes on."""
    jobs, work = PreviewJobs(), Work()
    preview_id = jobs.begin(work)
    await settled()
    jobs.cancel("p7")
    assert state_of(jobs, preview_id) == "running"
    jobs.cancel(preview_id)
    await settled()
    assert state_of(jobs, preview_id) == "cancelled"
    assert work.outcome.cancelled()
    done = Work()
    done.outcome.set_result(RESULT)
    finished = jobs.begin(done)
    await settled()
    jobs.cancel(finished)
    assert state_of(jobs, finished) == "done"


async def test_a_few_that_are_over_are_remembered() -> None:
    """The oldest is not known any more."""
    jobs = PreviewJobs()
    ids = [jobs.begin(Work()) for _ in range(21)]
    assert jobs.fields_of(ids[0]) is None
    assert jobs.fields_of(ids[1]) is not None
    jobs.cancel_running()
    jobs.cancel_running()
    await settled()
