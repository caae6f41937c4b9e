"""`make bench`: measure, show, hold against the limits, and keep the figures as JSON."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import gate

OUT = Path("out/bench.json")


def main() -> int:
    """Return 0 if every figure is within its limit, else 1."""
    figures = gate.figures()
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        limit = "" if figure.limit is None else f"limit {figure.limit:g} {figure.unit}"
        verdict = "" if figure.limit is None else ("met" if figure.is_met else "MISSED")
        print(f"{figure.name:<{width}}  {figure.value:9.2f} {figure.unit:<4} {limit:<14} {verdict}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(
        json.dumps(
            {
                "python": platform.python_version(),
                "machine": platform.machine(),
                "figures": [asdict(figure) for figure in figures],
            },
            indent=1,
        )
        + "\n",
        encoding="utf-8",
    )
    print(f"\nWritten to {OUT}. Medians of {gate.N_ROUNDS} rounds of {gate.N_FRAMES} frames.")
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
