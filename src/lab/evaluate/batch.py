"""Evaluates many rows, in this process or on many cores, in the manifest's order.

Invariant: the number of processes does not show in the results.
"""

from __future__ import annotations

__all__ = ["evaluate_rows", "usable_cores"]

import os
from collections.abc import Iterator, Sequence
from functools import partial

from ...core.config import GatingConfig
from ..process_pool import map_in_processes
from .evaluation import EvaluatedRow, evaluate_row
from .manifest import ManifestRow, RowProblem


def evaluate_rows(
    rows: Sequence[ManifestRow], *, config: GatingConfig, jobs: int
) -> Iterator[EvaluatedRow | RowProblem]:
    """Evaluate rows; return the outcomes in the order of the rows, each as soon as it is due.

    Args:
        rows: Of one manifest.
        config: Of the gate.
        jobs: Processes; with 1 everything happens in this one.
    """
    return map_in_processes(partial(evaluate_row, config=config), rows, jobs=jobs)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
