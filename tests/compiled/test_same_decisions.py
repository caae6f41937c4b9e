"""Compiled or not, the gate decides the same: two processes, the same calls, every bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON_SOURCES = ROOT / "tools" / "dev"
"""A package that is read from the sources, whatever the environment has."""


@cache
def _decided(*paths: Path) -> tuple[dict[str, Any], ...]:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if paths:
        environ["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    answer = subprocess.run(
        [sys.executable, Path(__file__).with_name("decide.py")],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(json.loads(line) for line in answer.stdout.splitlines())


def test_all_decisions_are_the_same_to_the_bit() -> None:
    """All modes and formats, lost frames, detectors that break down: decisions, audio, counts."""
    in_python, compiled = _decided(PYTHON_SOURCES), _decided()
    assert (in_python[0], compiled[0]) == ({"compiled": False}, {"compiled": True})
    assert len(in_python) > 30
    assert all(call["lines"] > 1000 for call in in_python[1:-1])
    assert compiled[1:-1] == in_python[1:-1]


def test_a_traceback_names_the_same_functions_and_lines() -> None:
    """So that what is reported of a compiled engine can be found."""
    in_python, compiled = _decided(PYTHON_SOURCES)[-1], _decided()[-1]
    assert compiled == in_python
    assert any(each.endswith(" decode") for each in compiled["traceback"])
