"""A run of the guard's training, from sounds to weights; PyTorch is replaced."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.bench.sounds import Sounds
from voxgate.lab.guard_scenes import SceneRanges
from voxgate.lab.training import guard_run as module
from voxgate.lab.training.guard_run import GuardTrainingPlan, run_guard_training


@pytest.fixture(autouse=True)
def replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sounds, no codec that needs a library, and a network that is not trained."""

    def train(scenes, setting, show_epoch):
        for epoch in range(setting.epochs):
            show_epoch(epoch + 1, 1.0 / (epoch + 1))
        return {"mean": np.mean([scene.features.mean() for scene in scenes if len(scene.labels)])}

    sounds = Sounds(
        bank=small_bank(), split=SPLIT, counts={"speech": 4}, speakers=2, notes=("small",)
    )
    monkeypatch.setattr(module, "_SPLIT", SPLIT)
    monkeypatch.setattr(module, "gather_sounds", lambda corpus, split: sounds)
    monkeypatch.setattr(module, "torch_module", lambda: None)
    monkeypatch.setattr(module, "soundfile_module", lambda: None)
    monkeypatch.setattr(module, "train_guard_network", train)
    monkeypatch.setattr(
        module, "SceneRanges", lambda split: SceneRanges(split=split, codecs=("mulaw",))
    )


def plan(out: Path, **changes: float) -> GuardTrainingPlan:
    settings = {"hours": 0.02, "epochs": 2, "seed": 3, "jobs": 1, **changes}
    return GuardTrainingPlan(corpus=None, out=out, **settings)


def test_a_run_writes_weights_and_a_report(tmp_path: Path) -> None:
    """Four scenes of 20 s, two epochs; the report has the sounds, the losses and the setting."""
    shown: list[str] = []
    out = tmp_path / "deep" / "weights.npz"
    report = run_guard_training(plan(out), shown.append)
    assert report.scenes == 4
    assert report.rows > 100
    assert report.epoch_losses == (1.0, 0.5)
    written = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert written["network"]["seed"] == 3
    assert written["sounds"] == {"speech": 4, "speakers": 2}
    assert written["notes"] == ["small"]
    assert shown[-1] == "epoch 2 of 2: loss 0.5000"
    assert "scenes to train on: 100 % of 4" in shown


def test_the_seed_decides_the_scenes(tmp_path: Path) -> None:
    """The same seed gives the same bytes, another one others."""
    files = []
    for number, seed in enumerate((3, 3, 4)):
        out = tmp_path / f"{number}.npz"
        run_guard_training(plan(out, seed=seed), lambda line: None)
        files.append(out.read_bytes())
    assert files[0] == files[1] != files[2]


def test_no_time_is_refused(tmp_path: Path) -> None:
    """Of nothing nothing is learned."""
    with pytest.raises(ValueError, match="hours"):
        plan(tmp_path / "w.npz", hours=0.0)
