"""Run the tests that the compiled modules must pass, in the environment that has them.

Which ones, and which are left out and why, stands in ``compiled.toml``. Invariant: the modules that
are tested are compiled.
"""

from __future__ import annotations

__all__ = ["main", "words_for_pytest"]

import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_PLAN = _ROOT / "tools" / "compiled.toml"
_PROBE = "import sys; from voxgate.core.compiled import is_compiled; sys.exit(not is_compiled())"


def words_for_pytest(tests: Mapping[str, Any]) -> list[str]:
    """Return what pytest is asked to run by the table ``tests`` of the plan."""
    return [*tests["paths"], *(f"--deselect={test}" for test in tests["excluded"])]


def main(arguments: Sequence[str]) -> int:
    """Run them, with more words for pytest; return its exit status, or 1 without what to test."""
    if subprocess.run([sys.executable, "-P", "-c", _PROBE], check=False, cwd=_ROOT).returncode:
        print("test-compiled: no compiled modules here: make compile", file=sys.stderr)
        return 1
    tests = tomllib.loads(_PLAN.read_text(encoding="utf-8"))["tests"]
    command = [sys.executable, "-m", "pytest", *words_for_pytest(tests), *arguments]
    return subprocess.run(command, check=False, cwd=_ROOT).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
