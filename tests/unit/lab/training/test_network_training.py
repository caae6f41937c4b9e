"""Training of the network; most of it needs PyTorch."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from support.training_turns import made_turn, separable_turns
from voxgate.core.echo.recurrent_network import NetworkWeights, RecurrentNetwork
from voxgate.lab.training import network_training as module
from voxgate.lab.training.network_training import NetworkSetting, train_network
from voxgate.lab.training.torch_network import write_weights

SETTING = NetworkSetting(seed=1, epochs=120, dense=8, units=6, rate=2e-2)


@pytest.fixture
def torch() -> ModuleType:
    return pytest.importorskip("torch")


@pytest.mark.usefixtures("torch")
def test_training_lowers_the_loss_and_tells_the_caller() -> None:
    """On turns that can be told apart the loss falls, and unseen ones are told apart."""
    losses: list[float] = []
    arrays = train_network(separable_turns(), SETTING, lambda _, loss: losses.append(loss))
    assert len(losses) == SETTING.epochs
    assert losses[-1] < 0.5 * losses[0]
    network = RecurrentNetwork(NetworkWeights({n: a.astype(np.float32) for n, a in arrays.items()}))
    unseen = made_turn(60, onset=30, seed=999).features.astype(np.float32)
    logits = [network.process(row) for row in unseen]
    assert max(logits[5:30]) < 0.0 < min(logits[35:])


@pytest.mark.usefixtures("torch")
def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    """The same turns and seed give the same file to the byte; another seed gives another."""
    files = []
    for seed in (1, 1, 2):
        setting = NetworkSetting(seed=seed, epochs=1, dense=4, units=3)
        path = tmp_path / f"{len(files)}.npz"
        write_weights(train_network(separable_turns(8), setting), path)
        files.append(path.read_bytes())
    assert files[0] == files[1] != files[2]


def test_ignored_frames_do_not_count(torch: ModuleType) -> None:
    """The loss is blind to what the network says of frames that teach nothing."""
    labels = torch.tensor([[0, -1, 1, -1]])
    since_onset = torch.tensor([[-1, -1, 1, -1]])
    calm = torch.tensor([[-1.0, 0.0, 1.0, 0.0]])
    wild = torch.tensor([[-1.0, 9.0, 1.0, -9.0]])
    for loss_of in (module._frame_loss, module._turn_loss):
        losses = [loss_of(logits, labels, since_onset, 4.0).item() for logits in (calm, wild)]
        assert losses[0] == losses[1] > 0.0


def test_mistakes_cost_more_than_right_answers(torch: ModuleType) -> None:
    """Both parts of the loss prefer a silent agent turn and an early sure onset."""
    labels = torch.tensor([[0, 0, 1, 1]])
    since_onset = torch.tensor([[-1, -1, 1, 2]])
    right = torch.tensor([[-5.0, -5.0, 5.0, 5.0]])
    for wrong in ([[-5.0, 5.0, 5.0, 5.0]], [[-5.0, -5.0, -5.0, -5.0]]):
        for loss_of in (module._frame_loss, module._turn_loss):
            cost = loss_of(torch.tensor(wrong), labels, since_onset, 4.0)
            assert cost > loss_of(right, labels, since_onset, 4.0)


def test_nothing_to_train_on_is_an_error() -> None:
    """It is said before PyTorch is asked for."""
    with pytest.raises(ValueError, match="none to train on"):
        train_network([], SETTING)
