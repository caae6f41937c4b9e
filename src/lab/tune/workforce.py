"""Who does the work: processes of this machine, or the workers of a cluster.

Invariant: the results, and their order, are the same whoever does it.
"""

from __future__ import annotations

__all__ = ["Workforce"]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..dask_cluster import map_on_cluster
from ..process_pool import map_in_processes

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Workforce:
    """Processes, or a cluster."""

    jobs: int = 1
    """Processes; with 1 everything happens in this one."""
    dask: str | None = None
    """Address of the Dask scheduler whose workers are used instead."""

    def map(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        *,
        lost: Callable[[Item, str], Result],
    ) -> Iterator[Result]:
        """Yield the results in the order of the items, each as soon as it is due.

        Args:
            function: Importable by the same name elsewhere.
            items: What it is called with, one at a time.
            lost: Returns the result for an item of which processes or workers died.

        Raises:
            ClusterError: the scheduler or its workers can't be used.
            ModuleNotFoundError: a cluster was asked for, and ``distributed`` is not installed.
        """
        if self.dask is None:
            return map_in_processes(function, items, jobs=self.jobs, lost=lost)
        return map_on_cluster(function, items, address=self.dask, lost=lost)
