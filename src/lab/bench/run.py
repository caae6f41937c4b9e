"""Runs the calls of a bench, in this process or on many cores.

Invariant: the number of processes does not show in the results.
"""

from __future__ import annotations

__all__ = ["run_trials"]

from collections.abc import Iterator, Sequence
from functools import partial

from ..process_pool import map_in_processes
from .matrix import Scenario
from .trial import Trial, TrialSetting, run_trial


def run_trials(
    scenarios: Sequence[Scenario], *, setting: TrialSetting, jobs: int
) -> Iterator[Trial]:
    """Run the calls; return them in the order of the scenarios, each as soon as it is due.

    Args:
        scenarios: One a call.
        setting: What they have in common.
        jobs: Processes; with 1 everything happens in this one.
    """
    return map_in_processes(partial(run_trial, setting=setting), scenarios, jobs=jobs)
