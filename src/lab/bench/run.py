"""Runs the calls of a bench, in this process, on many cores or on a cluster.

Invariant: where the calls are run does not show in the results.
"""

from __future__ import annotations

__all__ = ["LostTrial", "run_trials"]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ..dask_cluster import map_on_cluster
from ..process_pool import map_in_processes
from ..scenarios.bank import Bank, load_bank, save_bank
from .matrix import Scenario
from .trial import Trial, TrialSetting, run_trial


@dataclass(frozen=True, slots=True)
class LostTrial:
    """A call of which whoever ran it died."""

    scenario: Scenario
    reason: str


Outcome = Trial | LostTrial


def run_trials(
    scenarios: Sequence[Scenario],
    *,
    bank: Bank,
    setting: TrialSetting,
    jobs: int,
    dask: str | None = None,
) -> Iterator[Outcome]:
    """Run the calls; return them in the order of the scenarios, each as soon as it is due.

    Args:
        scenarios: One a call.
        bank: Clips that the calls are simulated from.
        setting: What the calls have in common.
        jobs: Processes; with 1 everything happens in this one.
        dask: Address of the Dask scheduler whose workers are used instead; the clips are sent to
            them.

    Raises:
        ClusterError: the scheduler or its workers can't be used.
        ModuleNotFoundError: ``dask`` was given, and ``distributed`` is not installed.
    """
    run: Callable[..., Outcome] = partial(run_trial, setting=setting)
    if dask is not None:
        shared = {"bank": bank}
        yield from map_on_cluster(run, scenarios, address=dask, lost=_lost, shared=shared)
    elif jobs <= 1 or len(scenarios) <= 1:
        yield from map(partial(run, bank=bank), scenarios)
    else:
        with TemporaryDirectory(prefix="voxgate-bench-") as folder:
            save_bank(bank, Path(folder))
            run = partial(_run_from, folder=Path(folder), setting=setting)
            yield from map_in_processes(run, scenarios, jobs=jobs, lost=_lost)


def _run_from(scenario: Scenario, *, folder: Path, setting: TrialSetting) -> Trial:
    """Run a call in a process of its own, which loads the clips once."""
    return run_trial(scenario, bank=_bank_at(folder), setting=setting)


def _lost(scenario: Scenario, reason: str) -> Outcome:
    return LostTrial(scenario, reason)


@cache
def _bank_at(folder: Path) -> Bank:
    return load_bank(folder)
