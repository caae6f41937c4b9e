"""``voxgate train-guard``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from voxgate.cli import train_guard as module
from voxgate.lab.training.guard_run import GuardTrainingPlan, GuardTrainingReport


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[GuardTrainingPlan]:
    """The runs that the command asked for; none is really made."""
    asked: list[GuardTrainingPlan] = []

    def run(plan: GuardTrainingPlan, show) -> GuardTrainingReport:
        show("epoch 1 of 1: loss 0.5000")
        asked.append(plan)
        plan.out.parent.mkdir(parents=True, exist_ok=True)
        plan.out.write_bytes(b"weights")
        return GuardTrainingReport(scenes=9, rows=900, epoch_losses=(0.5,), notes=("small",))

    monkeypatch.setattr(module, "run_guard_training", run)
    return asked


def train(*arguments: str) -> Result:
    return CliRunner().invoke(module.command, arguments)


def test_what_came_of_it_is_told(tmp_path: Path, plans: list[GuardTrainingPlan]) -> None:
    """Progress goes to stderr, the result to stdout, and the plan is what was asked for."""
    out = tmp_path / "w.npz"
    result = train("--out", str(out), "--hours", "0.05", "--seed", "4", "--jobs", "1")
    assert result.exit_code == 0
    assert result.stderr == "epoch 1 of 1: loss 0.5000\n"
    for part in ("note: small", "9 scenes, 900 frames", "loss: 0.5000", "7 bytes"):
        assert part in result.stdout
    (plan,) = plans
    assert (plan.hours, plan.seed, plan.jobs, plan.out) == (0.05, 4, 1, out)


def test_corpus_is_used_where_it_stands(
    tmp_path: Path, plans: list[GuardTrainingPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder named corpus is the default; without it sounds are synthetic."""
    monkeypatch.chdir(tmp_path)
    train("--out", "w.npz")
    (tmp_path / "corpus").mkdir()
    train("--out", "w.npz")
    assert [plan.corpus for plan in plans] == [None, Path("corpus")]


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named with the reason, without a traceback."""

    def fail(plan, show):
        raise PermissionError(13, "Permission denied", "somewhere")

    monkeypatch.setattr(module, "run_guard_training", fail)
    result = train("--out", str(tmp_path / "w.npz"))
    assert result.exit_code == 1
    assert "somewhere: Permission denied" in result.stderr
