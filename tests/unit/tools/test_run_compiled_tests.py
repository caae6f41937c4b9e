"""Which tests compiled modules must pass, and which of them are left out."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from run_compiled_tests import main, words_for_pytest

ROOT = Path(__file__).resolve().parents[3]
TESTS = tomllib.loads((ROOT / "tools" / "compiled.toml").read_text(encoding="utf-8"))["tests"]


def test_what_is_left_out_is_left_out_by_its_name() -> None:
    """Everything else in the folders is run."""
    tests = {"paths": ["tests/unit/core"], "excluded": {"tests/unit/core/a.py::b": "a reason"}}
    assert words_for_pytest(tests) == ["tests/unit/core", "--deselect=tests/unit/core/a.py::b"]


def test_every_path_is_there() -> None:
    """A file that was renamed is not silently left out, nor one left out in vain."""
    assert all((ROOT / path).exists() for path in TESTS["paths"])
    assert all(TESTS["excluded"].values())
    for test in TESTS["excluded"]:
        file, _, name = test.partition("::")
        assert name.rpartition("::")[2].partition("[")[0] in (ROOT / file).read_text("utf-8"), test


@pytest.mark.parametrize(("is_compiled", "status"), [(True, 3), (False, 1)])
def test_nothing_is_run_where_nothing_is_compiled(
    monkeypatch: pytest.MonkeyPatch, *, is_compiled: bool, status: int
) -> None:
    """A run in pure Python would prove nothing; else pytest's status is returned."""
    commands = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        answers = {"-P": int(not is_compiled), "-m": 3}
        return subprocess.CompletedProcess(command, answers[command[1]])

    monkeypatch.setattr(subprocess, "run", run)
    assert main(["-x"]) == status
    if is_compiled:
        assert commands[-1][:3] == [sys.executable, "-m", "pytest"]
        assert commands[-1][-1] == "-x"
    else:
        assert len(commands) == 1
