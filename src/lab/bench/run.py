"""Runs the calls of a bench, in this process or on many cores.

Invariant: the number of processes does not show in the results.
"""

from __future__ import annotations

__all__ = ["run_trials"]

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from .matrix import Scenario
from .trial import Trial, TrialSetting, run_trial


def run_trials(
    scenarios: Sequence[Scenario], *, setting: TrialSetting, jobs: int
) -> Iterator[Trial]:
    """Run the calls; yield them in the order of the scenarios, each as soon as it is due.

    Args:
        scenarios: One a call.
        setting: What they have in common.
        jobs: Processes; with 1 everything happens in this one.
    """
    run = partial(run_trial, setting=setting)
    jobs = min(jobs, len(scenarios))
    if jobs <= 1:
        yield from map(run, scenarios)
        return
    # Not forked: the progress display has a thread, and its locks would be copied as they stand.
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield from pool.map(run, scenarios)
    finally:
        pool.shutdown(cancel_futures=True)
