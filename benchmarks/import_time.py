"""How long ``import voxgate`` takes in a new process, with and without what it needs anyway."""

from __future__ import annotations

__all__ = ["N_PROCESSES", "import_figures"]

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure

N_PROCESSES = 15
"""New processes of each kind, in turns: the first ones read the files from the disk."""

_LIMIT_MS = 300.0

_MEASURE = """
import json, sys, time
wall, cpu = time.perf_counter_ns(), time.process_time_ns()
import {name}
print(json.dumps([(time.perf_counter_ns() - wall) / 1e6, (time.process_time_ns() - cpu) / 1e6]))
"""


def import_figures() -> list[Figure]:
    """Return the medians over new processes, of the package and of numpy alone."""
    times = [(_import_ms("numpy"), _import_ms("voxgate")) for _ in range(N_PROCESSES)]
    (numpy_wall, numpy_cpu), (wall, cpu) = (
        zip(*each, strict=True) for each in zip(*times, strict=True)
    )
    return [
        Figure(
            name="import voxgate, in a new process",
            value=median(wall),
            unit="ms",
            limit=_LIMIT_MS,
            best=min(wall),
        ),
        Figure(name="... CPU time", value=median(cpu), unit="ms"),
        Figure(name="... of which numpy", value=median(numpy_wall), unit="ms"),
        Figure(name="... of which numpy, CPU time", value=median(numpy_cpu), unit="ms"),
    ]


def _import_ms(name: str) -> tuple[float, float]:
    """Return the wall and CPU time of an import in a new process, in ms."""
    command = [sys.executable, "-c", _MEASURE.format(name=name)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    wall_ms, cpu_ms = json.loads(answer.stdout)
    return wall_ms, cpu_ms


if __name__ == "__main__":
    for figure in import_figures():
        print(f"{figure.name:34} {figure.value:6.0f} {figure.unit}")
