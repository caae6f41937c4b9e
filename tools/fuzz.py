"""Feeds every parser of what others send or write with broken inputs: `make fuzz`.

The targets are those of tests/support/fuzz_targets.py, a short run of which is a part of the tests.
A finding is whatever goes through that a parser may not raise; it is shown with the seed and the
number of the input, by which it comes again, and the run goes on with the next target.
"""

from __future__ import annotations

__all__ = ["Outcome", "Step", "fuzz", "main"]

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np

_TESTS = Path(__file__).resolve().parents[1] / "tests"

Step = Callable[[], str]
"""Feeds one input; returns the name of what came of it."""
_Make = Callable[[np.random.Generator], Step]


@dataclass(slots=True)
class Outcome:
    """What a run of a target came to."""

    n_inputs: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """How often which outcome came."""
    cpu_s: float = 0.0
    slowest_ms: float = 0.0
    """CPU time of the input that took longest."""
    finding: str = ""
    """The traceback of what a parser may not raise; empty if nothing went through."""


def fuzz(make: _Make, seed: int, n_inputs: int, seconds: float = float("inf")) -> Outcome:
    """Feed a target until so many inputs were fed, or so much CPU time in s is used up."""
    outcome = Outcome()
    step = make(np.random.default_rng(seed))
    started_s = time.process_time()
    while outcome.n_inputs < n_inputs and outcome.cpu_s < seconds:
        before_s = time.process_time()
        try:
            kind = step()
        except Exception:  # noqa: BLE001 - that is what is looked for
            outcome.finding = f"input {outcome.n_inputs} of seed {seed}\n{traceback.format_exc()}"
            break
        took_ms = (time.process_time() - before_s) * 1000
        outcome.slowest_ms = max(outcome.slowest_ms, took_ms)
        outcome.kinds[kind] += 1
        outcome.n_inputs += 1
        outcome.cpu_s = time.process_time() - started_s
    return outcome


def main(arguments: list[str] | None = None) -> int:
    """Run the targets; return 1 if there is a finding."""
    sys.path.insert(0, str(_TESTS))
    targets: dict[str, _Make] = dict(import_module("support.fuzz_targets").TARGETS)
    asked = _parse(arguments, list(targets))
    n_findings = 0
    for name in asked.only or targets:
        outcome = fuzz(targets[name], asked.seed, asked.inputs, asked.seconds)
        kinds = ", ".join(f"{kind} {count}" for kind, count in outcome.kinds.most_common(6))
        print(
            f"fuzz: {name}: {outcome.n_inputs} inputs of seed {asked.seed} in {outcome.cpu_s:.0f}"
            f" CPU-s, the slowest {outcome.slowest_ms:.1f} ms; {kinds}",
            flush=True,
        )
        if outcome.finding:
            n_findings += 1
            print(f"fuzz: {name}: FINDING at {outcome.finding}", flush=True)
    print(f"fuzz: {n_findings} findings")
    return 1 if n_findings else 0


def _parse(arguments: list[str] | None, names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each target at most")
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="of CPU time for each target at most"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same gives the same inputs")
    parser.add_argument("--only", nargs="+", choices=names, metavar="TARGET", help=", ".join(names))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
