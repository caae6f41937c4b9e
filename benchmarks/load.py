"""`make bench-load`: what a call costs the engine, and how late its frames get, by the gate's mode.

The cases take turns in one run, each with an engine of its own, so that what else the machine does
hits all alike. Invariant: all calls are alike but for their number and the mode of the gate.
"""

from __future__ import annotations

__all__ = ["Case", "case_figures"]

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.load_rig import measure, no_result, run_benchmark, valid
from voxgate.lab.load import LoadFigures

_ERL_DB = 12.0
"""As bad as telephones' echo gets."""
_P99_MS = 20.0
_MEMORY_MIB = 1.5
_LEAST_ANSWERS = 100
"""Answers that say something of how often the agent cuts itself off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Calls that are alike, and what is held against limits of them."""

    mode: str
    calls: int
    cpu_limit: float | None = None
    """CPU-seconds per second of a call; None: only the echo counts."""
    is_echo_proof: bool = False
    """Whether the echo of its own voice must never cut the agent off."""


_CASES: Sequence[Case] = (
    Case(mode="vad", calls=150, cpu_limit=0.006),
    Case(mode="echo_aware", calls=80, cpu_limit=0.011),
    Case(mode="echo_aware", calls=20, is_echo_proof=True),
)


def _run(seconds: float, n_rounds: int) -> tuple[list[Figure], list[LoadFigures]]:
    """Run all cases, taking turns."""
    steps: dict[Case, list[LoadFigures]] = {case: [] for case in _CASES}
    for _ in range(n_rounds):
        for case in _CASES:
            steps[case] += measure(case.mode, [case.calls], seconds=seconds, erl_db=_ERL_DB)
    figures = [figure for case in _CASES for figure in case_figures(case, steps[case])]
    return figures, [step for rounds in steps.values() for step in rounds]


def case_figures(case: Case, rounds: Sequence[LoadFigures]) -> list[Figure]:
    """Return the figures of one case, by the rounds that have a result.

    Times and costs are the median of the rounds; what was lost or cut off is that of all of them.
    """
    name = f"{case.mode}, {case.calls} calls"
    rounds = valid(rounds)
    if not rounds:
        return [no_result(name)]
    figures = [_all(f"{name}: frames lost", [step.lost_frames for step in rounds])]
    figures.append(_all(f"{name}: calls lost", [step.lost_calls for step in rounds]))
    if case.cpu_limit is not None:
        p99_ms = [step.line_to_provider.p99_ms for step in rounds]
        costs = [step.cpu_per_call for step in rounds]
        figures += [
            _median(f"{name}: CPU-s per call-s", costs, "", case.cpu_limit),
            _median(f"{name}: p99 to the provider", p99_ms, "ms", _P99_MS),
            _median(f"{name}: memory a call", [_mib(r) for r in rounds], "MiB", _MEMORY_MIB),
        ]
    if case.is_echo_proof:
        n_answers = sum(step.answers for step in rounds)
        title = f"{name}: self-interruptions in {n_answers} answers"
        is_enough = n_answers >= _LEAST_ANSWERS
        cut = _all(title, [step.self_interruptions for step in rounds])
        figures.append(cut if is_enough else no_result(title))
    return figures


def _all(name: str, counts: Sequence[int]) -> Figure:
    """Return what may not happen in any round: one that lost nothing hides none that did."""
    return Figure(name=name, value=float(sum(counts)), unit="", limit=0.0)


def _median(name: str, values: Sequence[float | None], unit: str, limit: float) -> Figure:
    known = [value for value in values if value is not None]
    if not known:
        return no_result(name)
    return Figure(name=name, value=median(known), unit=unit, limit=limit)


def _mib(step: LoadFigures) -> float | None:
    n_bytes = step.memory_per_call_bytes
    return None if n_bytes is None else n_bytes / 2**20


if __name__ == "__main__":
    sys.exit(run_benchmark("load", __doc__ or "", _run))
