"""A run from sounds to thresholds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from support.training_turns import PROFILE
from voxgate.core.echo.recurrent_network import NetworkWeights
from voxgate.lab.training import training_run as module
from voxgate.lab.training.network_training import NetworkSetting
from voxgate.lab.training.training_run import TrainingPlan, run_training


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingPlan:
    """A minute of calls without a codec of an extra."""
    monkeypatch.setattr(module, "soundfile_module", lambda: None)
    for name in ("TRAIN_PROFILE", "JUDGE_PROFILE"):
        monkeypatch.setattr(module, name, replace(PROFILE, split="train"))
    monkeypatch.setattr(module, "_TUNE_CALL_S", 8.0)
    return TrainingPlan(
        corpus=None,
        out=tmp_path / "made" / "weights.npz",
        sequences=tmp_path / "sequences",
        hours=0.01,
        epochs=2,
        seed=1,
        jobs=1,
    )


def test_a_run_leaves_weights_and_a_report(plan: TrainingPlan) -> None:
    """The weights load; the report says what they were made of; a second run makes the same."""
    pytest.importorskip("torch")
    lines: list[str] = []
    report = run_training(plan, lines.append)
    assert NetworkWeights.load(plan.out).units == NetworkSetting(seed=1, epochs=1).units
    assert "calls to train on: 100 % of 3" in lines
    assert lines[-2].startswith("epoch 2 of 2: loss")
    assert len(report.epoch_losses) == 2
    text = plan.out.with_suffix(".json").read_text(encoding="utf-8")
    written = json.loads(text)
    assert written["network"]["seed"] == 1
    assert written["turns"] == report.turns > 0
    assert written["tuning"]["best_thresholds"]["decay"] == report.best.decay
    assert any("no corpus was given" in note for note in report.notes)
    weights = plan.out.read_bytes()
    again = replace(plan, out=plan.out.with_name("again.npz"))
    assert run_training(again, lines.append) == report
    assert again.out.read_bytes() == weights
    assert again.out.with_suffix(".json").read_text(encoding="utf-8") == text


def test_a_missing_extra_is_found_before_anything_is_made(
    plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after an hour of simulated calls."""

    def missing() -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(module, "torch_module", missing)
    with pytest.raises(ModuleNotFoundError):
        run_training(plan, lambda _: None)
    assert not plan.out.parent.exists()
    assert not plan.sequences.exists()


def test_training_and_tuning_share_no_seed_and_no_clip(plan: TrainingPlan) -> None:
    """Runs of neighbouring seeds do not overlap either, however long they are."""
    long = replace(plan, hours=5000.0)
    train, tune = (module._sequence_plan(long, split, Path("bank")) for split in ("train", "tune"))
    following = module._sequence_plan(replace(long, seed=2), "train", Path("bank"))
    assert train.first_seed + train.calls < tune.first_seed
    assert tune.first_seed + tune.calls < following.first_seed
    assert (train.profile.split, tune.profile.split) == ("train", "tune")


def test_no_time_to_train_on_is_an_error(plan: TrainingPlan) -> None:
    """Nothing, less than nothing and what is no number."""
    for hours in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="hours"):
            replace(plan, hours=hours)
