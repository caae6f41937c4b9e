"""What the load benchmarks share: cores, plans, and figures held against limits."""

from __future__ import annotations

__all__ = ["measure", "no_result", "print_figures", "run_benchmark", "valid"]

import argparse
import asyncio
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.figure import Figure, Verdict
from benchmarks.machine import describe_machine
from voxgate.lab.load import (
    EngineSettings,
    LoadFigures,
    LoadPlan,
    load_text,
    rig_limits,
    run_load,
)
from voxgate.lab.load.child_process import ChildError

_ENGINE_CORE, _LOAD_CORE = 0, 1


def measure(
    mode: str, steps: Sequence[int], *, seconds: float, erl_db: float, server: str = "light"
) -> list[LoadFigures]:
    """Run one engine with the packaged configuration and return the figures of each step.

    It has a core of its own where there are two; callers and server share the other.
    """
    has_cores = (os.cpu_count() or 1) > 1
    plan = LoadPlan(
        steps=tuple(steps),
        seconds=seconds,
        erl_db=erl_db,
        server=server,
        load_core=_LOAD_CORE if has_cores else None,
    )
    engine = EngineSettings(
        mode=mode, max_calls=max(steps) + 10, core=_ENGINE_CORE if has_cores else None
    )
    return asyncio.run(run_load(plan, engine, show=lambda text: print(text, file=sys.stderr)))


def valid(steps: Iterable[LoadFigures]) -> list[LoadFigures]:
    """Return the steps whose figures are the engine's, and not those of a rig that was the limit.

    An engine that does not get its core costs little and is late.
    """
    return [step for step in steps if not rig_limits(step)]


def no_result(name: str) -> Figure:
    """Return what stands in for a figure that could not be measured."""
    return Figure(name=f"{name}: no result, see below", value=math.nan, unit="")


def print_figures(figures: Iterable[Figure]) -> bool:
    """Print figures with their limits; return whether one missed its own."""
    has_missed = False
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        verdict = "" if figure.verdict is Verdict.NONE else figure.verdict
        value = "-" if math.isnan(figure.value) else f"{figure.value:.4f}"
        print(f"{figure.name:64} {value:>9} {figure.unit:4} {limit:>6}  {verdict}".rstrip())
        has_missed |= figure.verdict is Verdict.MISSED
    return has_missed


def _as_json(figure: Figure) -> Mapping[str, object]:
    value = None if math.isnan(figure.value) else figure.value
    return {**asdict(figure), "value": value, "verdict": figure.verdict}


def run_benchmark(
    name: str, description: str, run: Callable[[float, int], tuple[list[Figure], list[LoadFigures]]]
) -> int:
    """Run a benchmark from the command line.

    Returns 1 if a limit was missed, 2 if a figure has no result or a process did not start, else 0.

    Args:
        name: Of the file of figures under ``out``.
        description: For ``--help``.
        run: Gets seconds and rounds; returns figures, and those of each step that was run.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, default=30.0, help="measured at each step")
    parser.add_argument("--rounds", type=int, default=2)
    words = parser.parse_args()
    machine = describe_machine()
    print("\n".join(f"{key:16} {value}" for key, value in machine.items()), end="\n\n")
    try:
        figures, steps = run(words.seconds, words.rounds)
    except ChildError as error:
        print(f"{name}: no result: {error}")
        return 2
    print(load_text(steps), end="\n\n")
    has_missed = print_figures(figures)
    for step in steps:
        for limit in rig_limits(step):
            print(f"{step.calls} calls: no result: {limit}")
    out = Path("out") / f"{name}.json"
    out.parent.mkdir(exist_ok=True)
    report = {
        "machine": machine,
        "figures": [_as_json(figure) for figure in figures],
        "steps": [{**asdict(step), "rig_limits": rig_limits(step)} for step in steps],
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"Written to {out}.")
    if has_missed:
        return 1
    return 2 if any(math.isnan(figure.value) for figure in figures) else 0
