"""The recurrent network as PyTorch trains it, of the ``train`` extra, which nothing else needs.

What it learns from, and what a mistake costs, is its user's. Invariant: the same batches, loss and
setting give the same weights on the same machine: one thread.
"""

from __future__ import annotations

__all__ = ["Arrays", "NetworkShape", "Tensor", "TorchNetwork", "torch_module", "write_weights"]

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Tensor = Any
"""``torch.Tensor``, which is not there without the extra."""
Arrays = dict[str, npt.NDArray[np.floating[Any]]]
"""The arrays of ``NetworkWeights`` by name."""
Batch = TypeVar("Batch")

_DROPOUT = 0.1
_WEIGHT_DECAY = 1e-3
_GRADIENT_LIMIT = 2.0
_WARM_UP_STEPS = 50
_SAMPLED_EVERY = 7
"""Rows from which the inputs' mean and deviation are taken."""
_LEAST_DEVIATION = 0.05
_MILD_HARDNESS, _HARDNESS = 0.5, 4.0
"""How much more rows weigh that are taken for the caller wrongly: in the first fifth of the epochs,
when nearly all are, and after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkShape:
    """Size of the network, and how it is trained."""

    seed: int
    epochs: int
    rate: float
    """Learning rate at its highest; it falls as a cosine."""
    dense: int
    units: int


def torch_module() -> ModuleType:
    """Return PyTorch.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    return import_module("torch")


class TorchNetwork:
    """The network of ``core/echo/recurrent_network.py``; sets PyTorch's seed and threads.

    Args:
        features: What will be learned from, each [shape=(rows, inputs)]: shows mean and deviation.
        shape: Size, seed, length.
    """

    def __init__(
        self, features: Sequence[npt.NDArray[np.floating[Any]]], shape: NetworkShape
    ) -> None:
        self._torch = torch = torch_module()
        torch.manual_seed(shape.seed)
        torch.set_num_threads(1)
        self._shape = shape
        sample = np.concatenate([rows[::_SAMPLED_EVERY] for rows in features]).astype(np.float32)
        self._mean = torch.from_numpy(sample.mean(axis=0))
        self._scale = torch.from_numpy(sample.std(axis=0) + np.float32(_LEAST_DEVIATION))
        self.layers = torch.nn.ModuleDict(
            {
                "dense": torch.nn.Linear(sample.shape[1], shape.dense),
                "dropout": torch.nn.Dropout(_DROPOUT),
                "gru": torch.nn.GRU(shape.dense, shape.units, batch_first=True),
                "out": torch.nn.Linear(shape.units, 1),
            }
        )

    def logits(self, features: Tensor) -> Tensor:
        """Return logits [shape=(sequences, rows)] of features [shape=(sequences, rows, inputs)]."""
        layers = self.layers
        hidden = self._torch.relu(layers["dense"]((features - self._mean) / self._scale))
        states, _ = layers["gru"](layers["dropout"](hidden))
        return layers["out"](states).squeeze(-1)

    def train(
        self,
        draw_batches: Callable[[np.random.Generator], Iterable[Batch]],
        loss_of: Callable[[TorchNetwork, Batch, float], Tensor],
        *,
        n_batches: int,
        show_epoch: Callable[[int, float], None] | None = None,
    ) -> None:
        """Train through all epochs.

        Args:
            draw_batches: Gives the batches of one epoch.
            loss_of: Gives the loss of a batch, and is told how much more mistakes weigh.
            n_batches: Of one epoch.
            show_epoch: Called after each epoch with its number from 1 and its mean loss.
        """
        torch, shape = self._torch, self._shape
        rng = np.random.default_rng(shape.seed)
        parameters = list(self.layers.parameters())
        optimizer = torch.optim.AdamW(parameters, lr=shape.rate, weight_decay=_WEIGHT_DECAY)
        steps = shape.epochs * n_batches
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_at(step, steps))
        self.layers.train()
        for epoch in range(shape.epochs):
            hardness = _HARDNESS if epoch >= shape.epochs // 5 else _MILD_HARDNESS
            losses = []
            for batch in draw_batches(rng):
                loss = loss_of(self, batch, hardness)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters, _GRADIENT_LIMIT)
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
            if show_epoch is not None:
                show_epoch(epoch + 1, float(np.mean(losses)))

    def arrays(self) -> Arrays:
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


def write_weights(arrays: Mapping[str, npt.NDArray[np.floating[Any]]], path: Path) -> None:
    """Write arrays as the ``npz`` that the runtime reads; the same arrays give the same bytes."""
    columns: dict[str, Any] = dict(arrays)
    with path.open("wb") as sink:
        np.savez_compressed(sink, **columns)


def _rate_at(step: int, steps: int) -> float:
    """Return the share of the learning rate: a short rise, then half a cosine."""
    fall = 0.5 * (1.001 + math.cos(math.pi * min(1.0, step / steps)))
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * fall
