"""``voxgate train``."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from voxgate.cli import train as module
from voxgate.core.echo.barge_in_decision import DecisionThresholds
from voxgate.lab.evaluate.summary import Share
from voxgate.lab.training import TrainingPlan, TrainingReport
from voxgate.lab.training.threshold_tuning import TuningFigures


def figures(p50_ms: float | None) -> TuningFigures:
    return TuningFigures(
        false=Share(1, 80),
        right=Share(38, 40) if p50_ms else Share(0, 0),
        needless=Share(2, 80),
        open_p50_ms=p50_ms,
        open_p95_ms=p50_ms,
        pause_p50_ms=p50_ms,
    )


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[TrainingPlan]:
    """The runs that the command asked for; none is really made."""
    asked: list[TrainingPlan] = []

    def run(plan: TrainingPlan, show: object) -> TrainingReport:
        assert callable(show)
        show("epoch 1 of 1: loss 0.5000")
        asked.append(plan)
        plan.out.parent.mkdir(parents=True, exist_ok=True)
        plan.out.write_bytes(b"weights")
        return TrainingReport(
            turns=7,
            frames=700,
            epoch_losses=(0.5,),
            packaged=figures(68.0),
            best=DecisionThresholds(commit_drift=2.0),
            tuned=figures(None),
            notes=("train: music: made by formula",),
        )

    monkeypatch.setattr(module, "run_training", run)
    return asked


def train(*arguments: str) -> Result:
    return CliRunner().invoke(module.command, arguments)


def test_what_came_of_it_is_told(tmp_path: Path, plans: list[TrainingPlan]) -> None:
    """Progress goes to stderr; figures, thresholds and the file to stdout."""
    out = tmp_path / "w.npz"
    result = train("--out", str(out), "--hours", "0.05", "--seed", "4", "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert "epoch 1 of 1" in result.stderr
    assert "epoch 1 of 1" not in result.stdout
    assert "note: train: music: made by formula" in result.stdout
    assert "false 1.2 % of 80, right 95.0 % of 40" in result.stdout
    assert "right - of 0" in result.stdout
    assert "commitment 2 / 1" in result.stdout
    assert f"{out.resolve()}: 7 bytes" in result.stdout
    (plan,) = plans
    assert (plan.hours, plan.seed, plan.jobs, plan.epochs) == (0.05, 4, 1, 13)
    assert plan.sequences == tmp_path / "w-sequences"


def test_a_folder_named_corpus_is_found_by_itself(
    tmp_path: Path, plans: list[TrainingPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the bench."""
    monkeypatch.chdir(tmp_path)
    train()
    (tmp_path / "corpus").mkdir()
    train("--sequences", "kept")
    assert [plan.corpus for plan in plans] == [None, Path("corpus")]
    assert [plan.sequences for plan in plans] == [
        Path("out/train/weights-sequences"),
        Path("kept"),
    ]


@pytest.mark.parametrize(
    "arguments", [("--hours", "0"), ("--epochs", "0"), ("--corpus", "nowhere")]
)
def test_wrong_arguments_are_named(arguments: tuple[str, str], plans: list[TrainingPlan]) -> None:
    """Before anything is run."""
    result = train(*arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr
    assert plans == []


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a traceback."""

    def run(plan: TrainingPlan, show: object) -> TrainingReport:
        del show
        plan.out.parent.mkdir()
        raise AssertionError

    monkeypatch.setattr(module, "run_training", run)
    (tmp_path / "file").touch()
    result = train("--out", str(tmp_path / "file" / "w.npz"))
    assert result.exit_code == 1
    assert f"{tmp_path / 'file'}" in result.stderr
