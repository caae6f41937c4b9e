"""Training of the guard's network; most of it needs PyTorch."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from voxgate.core.echo.recurrent_network import NetworkWeights, RecurrentNetwork
from voxgate.core.guard.frame_features import FEATURE_COUNT
from voxgate.lab.guard_scenes.callers import NOBODY, SPEECH, UNKNOWN
from voxgate.lab.training.guard_network import GuardNetworkSetting, train_guard_network
from voxgate.lab.training.guard_rows import GuardRows
from voxgate.lab.training.torch_network import write_weights

SETTING = GuardNetworkSetting(seed=1, epochs=90, dense=8, units=6, rate=2e-2)


@pytest.fixture
def torch() -> ModuleType:
    return pytest.importorskip("torch")


def made_scene(frames: int, onset: int, seed: int) -> GuardRows:
    """Return rows in which speech is told by five of the inputs, with some frames unknown."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(frames, FEATURE_COUNT))
    features[onset:, :5] += 3.0
    labels = np.where(np.arange(frames) < onset, NOBODY, SPEECH).astype(np.int8)
    labels[onset - 2 : onset] = UNKNOWN
    return GuardRows(
        features=features.astype(np.float16), labels=labels, frame_index=np.arange(frames)
    )


SCENES = [made_scene(40 + 3 * seed, 20, seed) for seed in range(12)]


@pytest.mark.usefixtures("torch")
def test_training_lowers_the_loss_and_tells_speech() -> None:
    """On scenes that can be told apart the loss falls, and an unseen one is told."""
    losses: list[float] = []
    arrays = train_guard_network(SCENES, SETTING, lambda _, loss: losses.append(loss))
    assert len(losses) == SETTING.epochs
    assert losses[-1] < 0.5 * losses[0]
    network = RecurrentNetwork(NetworkWeights({n: a.astype(np.float32) for n, a in arrays.items()}))
    unseen = made_scene(60, 30, 999).features.astype(np.float32)
    logits = [network.process(row) for row in unseen]
    assert max(logits[5:30]) < 0.0 < min(logits[35:])


@pytest.mark.usefixtures("torch")
def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    """The same scenes and seed give the same file to the byte; another seed gives another."""
    files = []
    for seed in (1, 1, 2):
        setting = GuardNetworkSetting(seed=seed, epochs=1, dense=4, units=3)
        path = tmp_path / f"{len(files)}.npz"
        write_weights(train_guard_network(SCENES, setting), path)
        files.append(path.read_bytes())
    assert files[0] == files[1] != files[2]


def test_scenes_without_rows_teach_nothing() -> None:
    """Where there is no other, that is an error, with or without PyTorch."""
    with pytest.raises(ValueError, match="none to train on"):
        train_guard_network([made_scene(10, 5, 1)], SETTING)
