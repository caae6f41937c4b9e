"""Whether a call costs the same among ten as among a hundred and fifty: one engine, more and more.

Invariant: the steps of a round follow each other in one engine; its cost without calls is in none.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.load_rig import measure, no_result, run_benchmark, valid
from voxgate.lab.load import LoadFigures, draw_load

_STEPS = (10, 50, 100, 150)
_MODE = "vad"
_ERL_DB = 20.0
_SPREAD = 15.0
"""Percent that the dearest call may cost more than the cheapest."""
_PICTURE = Path("out/load_growth.png")


def _run(seconds: float, n_rounds: int) -> tuple[list[Figure], list[LoadFigures]]:
    """Run all steps, round by round."""
    rounds = [measure(_MODE, _STEPS, seconds=seconds, erl_db=_ERL_DB) for _ in range(n_rounds)]
    _PICTURE.parent.mkdir(exist_ok=True)
    draw_load(rounds[0], _PICTURE)
    figures = [
        *_costs(rounds),
        _growth([steps for steps in rounds if len(valid(steps)) == len(steps)]),
    ]
    return figures, [step for steps in rounds for step in steps]


def _growth(rounds: Sequence[Sequence[LoadFigures]]) -> Figure:
    """Return the figure that is held against the limit."""
    name = f"cost of a call among {_STEPS[0]} to {_STEPS[-1]}: spread"
    if not rounds:
        return no_result(name)
    spreads = sorted(_spread(steps) for steps in rounds)
    middle = spreads[len(spreads) // 2]
    return Figure(name=name, value=middle, unit="%", limit=_SPREAD, best=spreads[0])


def _costs(rounds: Sequence[Sequence[LoadFigures]]) -> list[Figure]:
    figures = []
    for at, n_calls in enumerate(_STEPS):
        costs = sorted(_cost(steps[at]) for steps in rounds)
        name = f"{n_calls} calls: CPU-s per call-s"
        figures.append(Figure(name=name, value=costs[len(costs) // 2], unit="", best=costs[0]))
    return figures


def _spread(steps: Sequence[LoadFigures]) -> float:
    """Return how much more the dearest call costs than the cheapest, in percent."""
    costs = [_cost(step) for step in steps]
    return 100 * (max(costs) / min(costs) - 1)


def _cost(step: LoadFigures) -> float:
    assert step.cpu_per_call is not None, "an engine of our own has a process here"
    return step.cpu_per_call


if __name__ == "__main__":
    sys.exit(run_benchmark("load_growth", __doc__ or "", _run))
