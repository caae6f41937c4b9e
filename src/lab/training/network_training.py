"""Trains the recurrent network with PyTorch, of the ``train`` extra, which nothing else needs.

Invariant: the same turns and setting give the same weights on the same machine: one thread.
"""

from __future__ import annotations

__all__ = ["NetworkSetting", "torch_module", "train_network", "write_weights"]

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.echo.features import FEATURE_COUNT
from .batches import BATCH_TURNS, Batch, iterate_batches
from .labels import CALLER, NO_CALLER
from .turn_rows import TurnRows

Tensor = Any
"""``torch.Tensor``, which is not there without the extra."""

_DROPOUT = 0.1
_WEIGHT_DECAY = 1e-3
_GRADIENT_LIMIT = 2.0
_WARM_UP_STEPS = 50
_SAMPLED_EVERY = 7
"""Frames from which the inputs' mean and deviation are taken."""
_LEAST_DEVIATION = 0.05
_EARLY_FRAMES = 30
"""600 ms after an onset: later the gate should long be open, and frames count little."""
_EARLY_WEIGHT, _LATE_WEIGHT = 2.0, 0.4
_DECIDING_FRAMES = (6, 25)
"""A turn wants one sure frame among so many after the onset: early, or in half a second."""
_MARGIN = 2.0
"""Logit by which a turn's worst mistake, or its best evidence, should clear zero."""
_TURN_WEIGHT = 0.05
_MILD_HARDNESS, _HARDNESS = 0.5, 4.0
"""How much more frames weigh that are taken for the caller: in the first fifth of the epochs, when
nearly all are, and after it."""
_NOWHERE = -20.0
"""Logit of frames that a maximum leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSetting:
    """Size of the network, and how it is trained."""

    seed: int
    epochs: int
    rate: float = 4e-3
    """Learning rate at its highest; it falls as a cosine."""
    dense: int = 80
    units: int = 112


def torch_module() -> ModuleType:
    """Return PyTorch.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    return import_module("torch")


class _Network:
    """The network of ``core/echo/recurrent_network.py``, as PyTorch trains it."""

    def __init__(self, turns: Sequence[TurnRows], setting: NetworkSetting) -> None:
        self._torch = torch = torch_module()
        sample = np.concatenate([turn.features[::_SAMPLED_EVERY] for turn in turns])
        sample = sample.astype(np.float32)
        self._mean = torch.from_numpy(sample.mean(axis=0))
        self._scale = torch.from_numpy(sample.std(axis=0) + np.float32(_LEAST_DEVIATION))
        self.layers = torch.nn.ModuleDict(
            {
                "dense": torch.nn.Linear(FEATURE_COUNT, setting.dense),
                "dropout": torch.nn.Dropout(_DROPOUT),
                "gru": torch.nn.GRU(setting.dense, setting.units, batch_first=True),
                "out": torch.nn.Linear(setting.units, 1),
            }
        )

    def logits(self, features: Tensor) -> Tensor:
        """Return logits [shape=(turns, frames)] of features."""
        layers = self.layers
        hidden = self._torch.relu(layers["dense"]((features - self._mean) / self._scale))
        states, _ = layers["gru"](layers["dropout"](hidden))
        return layers["out"](states).squeeze(-1)

    def arrays(self) -> dict[str, npt.NDArray[np.floating[Any]]]:
        """Return what the runtime reads; float16 but for the standardisation of the inputs."""
        state = {name: t.detach().numpy() for name, t in self.layers.state_dict().items()}
        halves = {
            "w_in": state["dense.weight"],
            "b_in": state["dense.bias"],
            "w_x": state["gru.weight_ih_l0"],
            "b_x": state["gru.bias_ih_l0"],
            "w_h": state["gru.weight_hh_l0"],
            "b_h": state["gru.bias_hh_l0"],
            "w_out": state["out.weight"][0],
            "b_out": state["out.bias"],
        }
        return {
            "mean": self._mean.numpy(),
            "scale": self._scale.numpy(),
            **{name: array.astype(np.float16) for name, array in halves.items()},
        }


def train_network(
    turns: Sequence[TurnRows],
    setting: NetworkSetting,
    show_epoch: Callable[[int, float], None] | None = None,
) -> dict[str, npt.NDArray[np.floating[Any]]]:
    """Train a network; sets PyTorch's seed and number of threads.

    Args:
        turns: What to learn from.
        setting: Size, seed, length.
        show_epoch: Called after each epoch with its number from 1 and its mean loss.

    Returns:
        The arrays of :class:`NetworkWeights` by name.

    Raises:
        ModuleNotFoundError: PyTorch is not installed.
        ValueError: there is no turn.
    """
    if not turns:
        raise ValueError("turns: there are none to train on")
    torch = torch_module()
    torch.manual_seed(setting.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(setting.seed)
    network = _Network(turns, setting)
    parameters = list(network.layers.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=setting.rate, weight_decay=_WEIGHT_DECAY)
    steps = setting.epochs * math.ceil(len(turns) / BATCH_TURNS)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_at(step, steps))
    network.layers.train()
    for epoch in range(setting.epochs):
        hardness = _HARDNESS if epoch >= setting.epochs // 5 else _MILD_HARDNESS
        losses = []
        for batch in iterate_batches(turns, rng):
            loss = _loss_of(network, batch, hardness)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, _GRADIENT_LIMIT)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        if show_epoch is not None:
            show_epoch(epoch + 1, float(np.mean(losses)))
    return network.arrays()


def write_weights(arrays: Mapping[str, npt.NDArray[np.floating[Any]]], path: Path) -> None:
    """Write arrays as the ``npz`` that the runtime reads; the same arrays give the same bytes."""
    columns: dict[str, Any] = dict(arrays)
    with path.open("wb") as sink:
        np.savez_compressed(sink, **columns)


def _rate_at(step: int, steps: int) -> float:
    """Return the share of the learning rate: a short rise, then half a cosine."""
    fall = 0.5 * (1.001 + math.cos(math.pi * min(1.0, step / steps)))
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * fall


def _loss_of(network: _Network, batch: Batch, hardness: float) -> Tensor:
    """Return the loss by frame plus that by turn."""
    torch = torch_module()
    logits = network.logits(torch.from_numpy(batch.features))
    labels = torch.from_numpy(batch.labels)
    since_onset = torch.from_numpy(batch.since_onset)
    by_frame = _frame_loss(logits, labels, since_onset, hardness)
    return by_frame + _TURN_WEIGHT * _turn_loss(logits, labels, since_onset, hardness)


def _frame_loss(logits: Tensor, labels: Tensor, since_onset: Tensor, hardness: float) -> Tensor:
    """Return the weighted cross entropy: onsets weigh more, and so do mistakes."""
    torch = torch_module()
    is_caller, is_none = labels == CALLER, labels == NO_CALLER
    is_early = (since_onset >= 0) & (since_onset < _EARLY_FRAMES)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, is_caller.float(), reduction="none"
    )
    with torch.no_grad():
        of_caller = torch.where(is_early, _EARLY_WEIGHT, _LATE_WEIGHT)
        of_others = torch.where(is_none, 1.0 + hardness * torch.sigmoid(logits), 0.0)
        weight = torch.where(is_caller, of_caller, of_others)
    return (entropy * weight).sum() / weight.sum().clamp(min=1.0)


def _turn_loss(logits: Tensor, labels: Tensor, since_onset: Tensor, hardness: float) -> Tensor:
    """Return what a turn's worst mistake costs, and its best evidence soon after the onset."""
    torch = torch_module()
    softplus = torch.nn.functional.softplus
    worst = torch.where(labels == NO_CALLER, logits, _NOWHERE).amax(dim=1)
    loss = hardness * softplus(worst + _MARGIN).mean() / 4.0
    for frames in _DECIDING_FRAMES:
        is_deciding = (since_onset >= 1) & (since_onset <= frames)
        best = torch.where(is_deciding, logits, _NOWHERE).amax(dim=1)
        missed = softplus(_MARGIN - best) * is_deciding.any(dim=1)
        loss = loss + missed.sum() / len(labels)
    return loss
