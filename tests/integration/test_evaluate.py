"""``voxgate evaluate`` as a process, on one core and on two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SAMPLE = Path(__file__).parents[2] / "benchmarks" / "sample" / "manifest.jsonl"


def _evaluate(out: Path, jobs: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return results and summary, without the times."""
    command = "from voxgate.cli import main; main()"
    arguments = ["evaluate", str(SAMPLE), "--json", "--jobs", str(jobs), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    results = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    summary = json.loads(done.stdout)
    assert all(result.pop("us_per_frame_p50") > 0 for result in results)
    assert summary.pop("timing")["us_per_frame_p50"] > 0
    return results, summary


def test_the_number_of_processes_does_not_show(tmp_path: Path) -> None:
    """The same results in the same order, and the same summary, but for the times."""
    alone = _evaluate(tmp_path / "one.jsonl", 1)
    together = _evaluate(tmp_path / "two.jsonl", 2)
    assert json.dumps(alone) == json.dumps(together)
    assert len(alone[0]) == 8


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="the system has no pseudo terminals")
def test_on_a_terminal_progress_is_shown_on_stderr(tmp_path: Path) -> None:
    """And nowhere else: what is piped stays JSON."""
    ours, theirs = os.openpty()
    command = "from voxgate.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "evaluate", str(SAMPLE), "--json", "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65_536)
    os.close(ours)
    assert b"evaluating" in shown
    assert json.loads(done.stdout)["overall"]["rows"] == 8
