"""What several workers are together, for who asks whether to send calls: and their numbers.

Invariant: what is said holds for the port that all share: it is ready where any worker has room.
"""

from __future__ import annotations

__all__ = ["alive_answer", "crew_metrics", "ready_answer"]

import json
from typing import Any

from prometheus_client.core import Metric

from ..observe.health import HealthAnswer
from ..observe.metrics_values import MetricValues
from .crew import Crew, WorkerState

_OK = 200
_UNAVAILABLE = 503
_OWN = frozenset({"voxgate_workers", "voxgate_worker_connections", "voxgate_worker_restarts"})


def alive_answer(crew: Crew) -> HealthAnswer:
    """Return the answer of ``/healthz``: yes, since the loop that accepts calls runs.

    A worker that hangs or died is the parent's to start anew.
    """
    return _answer(_OK, "alive", crew)


def ready_answer(crew: Crew, now_ms: float) -> HealthAnswer:
    """Return the answer of ``/readyz``: whether a call that came now would be taken."""
    if crew.is_draining:
        return _answer(_UNAVAILABLE, "draining", crew)
    serving = [crew[number] for number in crew.takers(now_ms)]
    if not serving:
        return _answer(_UNAVAILABLE, "starting", crew)
    awake = [worker for worker in serving if not crew.is_quiet(worker, now_ms)]
    if not awake:
        return _answer(_UNAVAILABLE, "hung", crew)
    if not any(worker.has_room for worker in awake):
        return _answer(_UNAVAILABLE, "full", crew)
    return _answer(_OK, "ready", crew)


def crew_metrics(crew: Crew) -> tuple[Metric, ...]:
    """Return what the parent knows of its workers."""
    values = MetricValues()
    for state in WorkerState:
        n_workers = sum(worker.state is state for worker in crew.workers)
        values.set("workers", state.value, value=n_workers)
    for worker in crew.workers:
        number = str(worker.number)
        values.set("worker_connections", number, value=worker.connections)
        values.set("worker_restarts_total", number, value=worker.restarts)
    return tuple(family for family in values.families() if family.name in _OWN)


def _answer(status: int, word: str, crew: Crew) -> HealthAnswer:
    told = {
        "status": word,
        "phase": _phase(crew),
        "running_calls": _total(crew, "running_calls"),
        "max_calls": _total(crew, "max_calls"),
        "workers": {str(worker.number): worker.state.value for worker in crew.workers},
    }
    return HealthAnswer(status=status, body=json.dumps(told).encode() + b"\n")


def _phase(crew: Crew) -> str:
    if crew.is_draining:
        return "draining"
    is_running = any(worker.state is WorkerState.SERVING for worker in crew.workers)
    return "running" if is_running else "starting"


def _total(crew: Crew, key: str) -> Any:
    return sum(worker.report.get(key, 0) for worker in crew.workers)
