"""The recurrent network as PyTorch trains it; most of it needs PyTorch."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from voxgate.core.echo.recurrent_network import NetworkWeights, RecurrentNetwork
from voxgate.lab.training import torch_network as module
from voxgate.lab.training.torch_network import NetworkShape, TorchNetwork, write_weights

SHAPE = NetworkShape(seed=1, epochs=1, rate=1e-2, dense=7, units=5)


@pytest.fixture
def torch() -> ModuleType:
    return pytest.importorskip("torch")


def test_the_runtime_computes_what_was_trained(tmp_path: Path, torch: ModuleType) -> None:
    """The written weights load, and give the logits of the trained network but for rounding."""
    features = np.random.default_rng(0).normal(size=(60, 9)).astype(np.float32)
    network = TorchNetwork([features], SHAPE)
    network.layers.eval()
    write_weights(network.arrays(), tmp_path / "weights.npz")
    runtime = RecurrentNetwork(NetworkWeights.load(tmp_path / "weights.npz"))
    with torch.no_grad():
        expected = network.logits(torch.from_numpy(features[np.newaxis]))[0].numpy()
    np.testing.assert_allclose([runtime.process(row) for row in features], expected, atol=5e-3)
    assert (runtime._weights.inputs, runtime._weights.units) == (9, 5)


def test_the_rate_rises_shortly_and_falls_to_nothing() -> None:
    """A short rise, then half a cosine."""
    rates = [module._rate_at(step, 1000) for step in range(1000)]
    peak = int(np.argmax(rates))
    assert 30 < peak < 80
    assert rates[0] < 0.05
    assert rates[-1] < 0.01
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
