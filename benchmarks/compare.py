"""Two versions of voxgate, side by side: `python -m benchmarks.compare [BEFORE AFTER]`.

A version is a folder with a package ``voxgate`` in it, as ``PYTHONPATH`` names it. Each runs in a
process of its own, and they take turns, scenario by scenario: what the machine does beside them
disturbs both alike. What counts is the median of the ratios of neighbours, in CPU time. Without
folders it compares Python (``tools/dev``) with what ``make compile`` has installed beside it, in
the interpreter of ``.venvs/compiled``.
"""

from __future__ import annotations

__all__ = ["Comparison", "compare", "main"]

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

_ROOT = Path(__file__).resolve().parents[1]
_PURE = _ROOT / "tools" / "dev"
_COMPILED = _ROOT / ".venvs" / "compiled"
_SIDE = "benchmarks.compared_side"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a scenario takes in both versions, round by round, in us of CPU time."""

    name: str
    before_us: list[float] = field(default_factory=list)
    after_us: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios, after to before."""
        pairs = zip(self.after_us, self.before_us, strict=True)
        return median(after / before for after, before in pairs)

    def __str__(self) -> str:
        before, after = median(self.before_us), median(self.after_us)
        return f"{self.name:34} {before:8.1f} {after:8.1f} us   {self.ratio:.2f}"


class _Side:
    """A process that runs one version, and measures a scenario when it is told its name."""

    def __init__(self, folder: Path, python: Path) -> None:
        paths = os.pathsep.join([str(folder), str(_ROOT)])
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            [python, "-P", "-m", _SIDE],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        head = json.loads(self._read())
        self.file, self.scenarios = head["file"], head["scenarios"]
        self.is_compiled = head["compiled"]

    def measure_us(self, scenario: str) -> float:
        """Return what the next round of a scenario takes."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{scenario}\n")
        self._process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"compare: the process ended with {self._process.wait()}")
        return line


def compare(
    before: Path, after: Path, python: Path, *, n_rounds: int, only: str = ""
) -> list[Comparison]:
    """Measure all scenarios whose names hold a text, in turns; the first round warms up."""
    sides = [_Side(before, python), _Side(after, python)]
    try:
        for label, side in zip(("before", "after"), sides, strict=True):
            print(f"{label}: {side.file}{' (compiled)' if side.is_compiled else ''}")
        results = [Comparison(name) for name in sides[0].scenarios if only in name]
        for number in range(1 + n_rounds):
            for result in results:
                # Each is the first in every other round.
                order = sides if number % 2 else sides[::-1]
                times = {id(side): side.measure_us(result.name) for side in order}
                if number:
                    result.before_us.append(times[id(sides[0])])
                    result.after_us.append(times[id(sides[1])])
    finally:
        for side in sides:
            side.close()
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and print a line a scenario: before, after, ratio."""
    parser = argparse.ArgumentParser(prog="compare", description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, help="two folders that hold voxgate/")
    parser.add_argument("--python", type=Path, help="interpreter of both (default: this one)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="text that names of scenarios must hold")
    options = parser.parse_args(arguments)
    folders, python = options.folders, options.python or Path(sys.executable)
    if not folders:
        python = options.python or _COMPILED / "bin" / "python"
        built = _COMPILED.glob("lib/python*/site-packages/voxgate__mypyc.*")
        folders = [_PURE, *(module.parent for module in built)]
    if len(folders) != 2:
        parser.error("two folders, or none where `make compile` has been run")
    before, after = (folder.resolve() for folder in folders)
    for result in compare(before, after, python, n_rounds=options.rounds, only=options.only):
        print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
