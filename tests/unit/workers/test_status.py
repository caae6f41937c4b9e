"""What several workers are together."""

from __future__ import annotations

import json
from typing import Any

import pytest

from voxgate.workers.crew import Crew
from voxgate.workers.status import alive_answer, crew_metrics, ready_answer


def crew_with(*running_calls: int | None) -> Crew:
    """Return workers with so many calls of two each; None: one that starts."""
    crew = Crew(len(running_calls))
    for worker, calls in zip(crew.workers, running_calls, strict=True):
        crew.receive_started(worker.number, 0.0)
        if calls is not None:
            crew.receive_ready(worker.number, 0.0)
            crew.receive_report(worker.number, 0.0, {"running_calls": calls, "max_calls": 2})
    return crew


@pytest.mark.parametrize(
    ("running_calls", "status", "word", "told"),
    [
        ((None, None), 503, "starting", (0, 0)),
        ((0, None), 200, "ready", (0, 2)),
        ((2, 1), 200, "ready", (3, 4)),
        ((2, 2), 503, "full", (4, 4)),
    ],
)
def test_ready_is_where_any_has_room(
    running_calls: tuple[int | None, ...], status: int, word: str, told: tuple[int, int]
) -> None:
    """The numbers are those of all."""
    answer = ready_answer(crew_with(*running_calls), 0.0)
    body: dict[str, Any] = json.loads(answer.body)
    assert (answer.status, body["status"]) == (status, word)
    assert (body["running_calls"], body["max_calls"]) == told


def test_hung_workers_are_not_ready() -> None:
    """Though they had room when they last said so; one that speaks is enough."""
    crew = crew_with(0, 0)
    assert ready_answer(crew, 3000.0).status == 200
    answer = ready_answer(crew, 3001.0)
    assert (answer.status, json.loads(answer.body)["status"]) == (503, "hung")
    crew.receive_report(2, 3001.0, {"running_calls": 0, "max_calls": 2})
    assert ready_answer(crew, 3001.0).status == 200


def test_draining_is_alive_and_not_ready() -> None:
    """So that nobody ends it before its calls do."""
    crew = crew_with(1, 1)
    crew.drain()
    assert ready_answer(crew, 0.0).status == 503
    assert json.loads(ready_answer(crew, 0.0).body)["phase"] == "draining"
    assert alive_answer(crew).status == 200


def test_the_parent_counts_workers() -> None:
    """By state, with connections and restarts of each."""
    crew = crew_with(1, None)
    crew.note_handed(1)
    crew.note_restart(2)
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in crew_metrics(crew)
        for sample in family.samples
    }
    assert found["voxgate_workers", "serving"] == 1
    assert found["voxgate_workers", "starting"] == 1
    assert found["voxgate_worker_connections", "1"] == 1
    assert found["voxgate_worker_restarts_total", "2"] == 1
    assert {name for name, *_ in found} == {
        "voxgate_workers",
        "voxgate_worker_connections",
        "voxgate_worker_restarts_total",
    }
