"""Evaluates many rows, in this process, on many cores or on a cluster, in the manifest's order.

Invariant: where the rows are evaluated does not show in the results.
"""

from __future__ import annotations

__all__ = ["evaluate_rows", "usable_cores"]

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ...core.config import GatingConfig
from ..dask_cluster import map_on_cluster, worker_address
from ..process_pool import map_in_processes
from .evaluation import EvaluatedRow, evaluate_row
from .manifest import ManifestRow, RowProblem, UnreadFile

Outcome = EvaluatedRow | RowProblem


def evaluate_rows(
    rows: Sequence[ManifestRow], *, config: GatingConfig, jobs: int, dask: str | None = None
) -> Iterator[Outcome]:
    """Evaluate rows; return the outcomes in the order of the rows, each as soon as it is due.

    Args:
        rows: Of one manifest.
        config: Of the gate.
        jobs: Processes; with 1 everything happens in this one.
        dask: Address of the Dask scheduler whose workers are used instead.

    Raises:
        ClusterError: the scheduler or its workers can't be used.
        ModuleNotFoundError: ``dask`` was given, and ``distributed`` is not installed.
    """
    if dask is None:
        return map_in_processes(partial(evaluate_row, config=config), rows, jobs=jobs, lost=_lost)
    evaluate = partial(_evaluate_there, config=config, folder=Path.cwd())
    outcomes = map_on_cluster(evaluate, rows, address=dask, lost=_lost_there)
    return (_seen_from_here(outcome, worker) for outcome, worker in outcomes)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _lost(row: ManifestRow, reason: str) -> Outcome:
    return RowProblem(line=row.line, field=None, message=f"is lost: {reason}", row_id=row.id)


def _evaluate_there(row: ManifestRow, *, config: GatingConfig, folder: Path) -> tuple[Outcome, str]:
    """Return what a worker makes of a row, and which worker that is."""
    return evaluate_row(row, config=config, folder=folder), worker_address()


def _lost_there(row: ManifestRow, reason: str) -> tuple[Outcome, str]:
    return _lost(row, reason), ""


def _seen_from_here(outcome: Outcome, worker: str) -> Outcome:
    """Say of a file that only the worker does not see that this is so."""
    if not isinstance(outcome, UnreadFile) or not _can_be_read(outcome.path):
        return outcome
    message = (
        f"{outcome.path.absolute()} is here, but worker {worker} can't read it: workers need the "
        "recordings under the same path"
    )
    return RowProblem(
        line=outcome.line, field=outcome.field, message=message, row_id=outcome.row_id
    )


def _can_be_read(path: Path) -> bool:
    try:
        path.open("rb").close()
    except OSError:
        return False
    return True
