"""Whether a call costs more among a hundred and fifty than among ten: one engine, more and more.

It costs less, and that is told beside it: a core that is idle between two frames is woken for each
of them, and a busy one finds several at once. Invariant: the steps of a round follow each other in
one engine; its cost without calls is in none.
"""

from __future__ import annotations

__all__ = ["fall", "growth"]

import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.load_rig import measure, no_result, run_benchmark, valid
from voxgate.lab.load import LoadFigures, draw_load

_STEPS = (10, 50, 100, 150)
_MODE = "vad"
_ERL_DB = 20.0
_FRAMES_PER_S = 50
_GROWTH = 15.0
"""Percent that a call may cost more among more calls than among fewer."""
_PICTURE = Path("out/load_growth.png")


def _run(seconds: float, n_rounds: int) -> tuple[list[Figure], list[LoadFigures]]:
    """Run all steps, round by round."""
    rounds = [measure(_MODE, _STEPS, seconds=seconds, erl_db=_ERL_DB) for _ in range(n_rounds)]
    _PICTURE.parent.mkdir(exist_ok=True)
    draw_load(rounds[0], _PICTURE)
    undisturbed = [steps for steps in rounds if len(valid(steps)) == len(steps)]
    return [*_costs(rounds), *_growths(undisturbed)], [step for steps in rounds for step in steps]


def growth(costs: Sequence[float]) -> float:
    """Return the most by which a call costs more at a step than at one with fewer calls, in %."""
    pairs = combinations(costs, 2)
    return max(0.0, *(100 * (later / earlier - 1) for earlier, later in pairs))


def fall(costs: Sequence[float]) -> float:
    """Return by how much a call costs less at the last step than at the first, in %."""
    return 100 * (1 - costs[-1] / costs[0])


def _growths(rounds: Sequence[Sequence[LoadFigures]]) -> list[Figure]:
    """Return what is held against the limit, and what is not."""
    grows = f"cost of a call among {_STEPS[0]} to {_STEPS[-1]}: grows by at most"
    falls = f"cost of a call among {_STEPS[-1]}, against {_STEPS[0]}: falls by"
    if not rounds:
        return [no_result(grows), no_result(falls)]
    costs = [[_cost(step) for step in steps] for steps in rounds]
    return [
        Figure(name=grows, value=median(map(growth, costs)), unit="%", limit=_GROWTH),
        Figure(name=falls, value=median(map(fall, costs)), unit="%"),
    ]


def _costs(rounds: Sequence[Sequence[LoadFigures]]) -> list[Figure]:
    figures = []
    for at, n_calls in enumerate(_STEPS):
        undisturbed = valid(steps[at] for steps in rounds)
        for title, value in (("CPU-s per call-s", _cost), ("wake-ups per frame in", _woken)):
            name = f"{n_calls} calls: {title}"
            figures.append(
                Figure(name=name, value=median(map(value, undisturbed)), unit="")
                if undisturbed
                else no_result(name)
            )
    return figures


def _woken(step: LoadFigures) -> float:
    """Return how often the engine was woken for a caller's frame: 1 where each wakes it."""
    return (step.wakeups_per_s or 0.0) / (step.calls * _FRAMES_PER_S)


def _cost(step: LoadFigures) -> float:
    assert step.cpu_per_call is not None, "an engine of our own has a process here"
    return step.cpu_per_call


if __name__ == "__main__":
    sys.exit(run_benchmark("load_growth", __doc__ or "", _run))
