"""`make bench-load`: what a call costs the engine, and how late its frames get, by the gate's mode.

The modes take turns in one run, each with an engine of its own, so that what else the machine does
hits both alike. Invariant: all calls are alike but for the mode of the gate.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.load_rig import measure, no_result, run_benchmark, valid
from voxgate.lab.load import LoadFigures

_ERL_DB = 12.0
"""As bad as telephones' echo gets."""
_P99_MS = 20.0
_MEMORY_MIB = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    calls: int
    cpu_limit: float
    """CPU-seconds per second of a call."""
    is_echo_proof: bool
    """Whether the echo of its own voice must never cut the agent off."""


_CASES: Mapping[str, _Case] = {
    "vad": _Case(calls=150, cpu_limit=0.006, is_echo_proof=False),
    "echo_aware": _Case(calls=80, cpu_limit=0.011, is_echo_proof=True),
}


def _run(seconds: float, n_rounds: int) -> tuple[list[Figure], list[LoadFigures]]:
    """Run all cases, taking turns."""
    steps: dict[str, list[LoadFigures]] = {mode: [] for mode in _CASES}
    for _ in range(n_rounds):
        for mode, case in _CASES.items():
            steps[mode] += measure(mode, [case.calls], seconds=seconds, erl_db=_ERL_DB)
    figures = [
        figure for mode, case in _CASES.items() for figure in _figures(mode, case, steps[mode])
    ]
    return figures, [step for rounds in steps.values() for step in rounds]


def _figures(mode: str, case: _Case, rounds: Sequence[LoadFigures]) -> list[Figure]:
    """Return the figures of one case, by the rounds that have a result."""
    name = f"{mode}, {case.calls} calls"
    rounds = valid(rounds)
    if not rounds:
        return [no_result(name)]
    figures = [
        _best(f"{name}: CPU-s per call-s", [r.cpu_per_call for r in rounds], case.cpu_limit),
        _best(f"{name}: p99 to the provider", [r.line_to_provider.p99_ms for r in rounds], _P99_MS),
        _best(f"{name}: frames lost", [float(r.lost_frames) for r in rounds], 0.0),
        _best(f"{name}: memory a call", [_mib(r) for r in rounds], _MEMORY_MIB),
    ]
    if case.is_echo_proof:
        n_answers = sum(step.answers for step in rounds)
        cut = sum(step.self_interruptions for step in rounds)
        title = f"{name}: self-interruptions in {n_answers}"
        figures.append(Figure(name=title, value=float(cut), unit="answers", limit=0.0))
    return figures


def _best(name: str, values: Sequence[float | None], limit: float) -> Figure:
    """Return the median of the rounds, and the best of them: a busy machine only adds."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return Figure(name=f"{name} (not measured)", value=0.0, unit="")
    unit = "ms" if "p99" in name else "MiB" if "memory" in name else ""
    return Figure(name=name, value=known[len(known) // 2], unit=unit, limit=limit, best=known[0])


def _mib(step: LoadFigures) -> float | None:
    n_bytes = step.memory_per_call_bytes
    return None if n_bytes is None else n_bytes / 2**20


if __name__ == "__main__":
    sys.exit(run_benchmark("load", __doc__ or "", _run))
