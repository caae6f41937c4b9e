"""Trains the guard's network with PyTorch, of the ``train`` extra.

The network is the one of ``core/echo/recurrent_network.py``, on the guard's rows. Invariant: the
same rows and setting give the same weights on the same machine: one thread.
"""

from __future__ import annotations

__all__ = ["GuardNetworkSetting", "train_guard_network"]

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.guard.frame_features import FEATURE_COUNT
from ..guard_scenes.callers import NOBODY, SPEECH, UNKNOWN
from .guard_rows import GuardRows
from .network_training import torch_module

Tensor = Any
"""``torch.Tensor``, which is not there without the extra."""
Arrays = dict[str, npt.NDArray[np.floating[Any]]]
"""The arrays of ``NetworkWeights`` by name."""

_BATCH_PIECES = 64
_PIECE_ROWS = 400
"""Scenes are cut into pieces of 8 s of sound at most: longer ones cost time and teach no more."""
_FEWEST_ROWS = 20
_LENGTH_SPREAD_ROWS = 40
"""Pieces of a batch have about one length, and are not always the same."""
_DROPOUT = 0.1
_WEIGHT_DECAY = 1e-3
_GRADIENT_LIMIT = 2.0
_WARM_UP_STEPS = 50
_SAMPLED_EVERY = 7
"""Rows from which the inputs' mean and deviation are taken."""
_LEAST_DEVIATION = 0.05
_MILD_HARDNESS, _HARDNESS = 0.5, 4.0
"""How much more rows weigh that are taken for speech wrongly: in the first fifth of the epochs,
when nearly all are, and after it. Each false alarm lets in a hangover of noise."""
_MISSED_HARDNESS = 2.0
"""How much more speech weighs that is missed for sure: against callers who are missed whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardNetworkSetting:
    """Size of the network, and how it is trained."""

    seed: int
    epochs: int
    rate: float = 3e-3
    """Learning rate at its highest; it falls as a cosine."""
    dense: int = 64
    units: int = 96


@dataclass(frozen=True, slots=True)
class _Piece:
    features: npt.NDArray[np.float16]
    labels: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class _Batch:
    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int8]


def train_guard_network(
    scenes: Sequence[GuardRows],
    setting: GuardNetworkSetting,
    show_epoch: Callable[[int, float], None] | None = None,
) -> Arrays:
    """Train a network; sets PyTorch's seed and number of threads.

    Args:
        scenes: What to learn from.
        setting: Size, seed, length.
        show_epoch: Called after each epoch with its number from 1 and its mean loss.

    Returns:
        The arrays of ``NetworkWeights`` by name, float16 but for the standardisation.

    Raises:
        ModuleNotFoundError: PyTorch is not installed.
        ValueError: no scene has rows enough.
    """
    pieces = [piece for scene in scenes for piece in _pieces_of(scene)]
    if not pieces:
        raise ValueError("scenes: there are none to train on")
    torch = torch_module()
    torch.manual_seed(setting.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(setting.seed)
    network = _Network(pieces, setting)
    optimizer = torch.optim.AdamW(network.parameters, lr=setting.rate, weight_decay=_WEIGHT_DECAY)
    steps = setting.epochs * math.ceil(len(pieces) / _BATCH_PIECES)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_at(step, steps))
    for epoch in range(setting.epochs):
        hardness = _HARDNESS if epoch >= setting.epochs // 5 else _MILD_HARDNESS
        losses = []
        for batch in _iterate_batches(pieces, rng):
            loss = _loss_of(network, batch, hardness)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters, _GRADIENT_LIMIT)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        if show_epoch is not None:
            show_epoch(epoch + 1, float(np.mean(losses)))
    return network.arrays()


class _Network:
    """The network of ``core/echo/recurrent_network.py``, as PyTorch trains it."""

    def __init__(self, pieces: Sequence[_Piece], setting: GuardNetworkSetting) -> None:
        self._torch = torch = torch_module()
        sample = np.concatenate([piece.features[::_SAMPLED_EVERY] for piece in pieces])
        sample = sample.astype(np.float32)
        self._mean = torch.from_numpy(sample.mean(axis=0))
        self._scale = torch.from_numpy(sample.std(axis=0) + np.float32(_LEAST_DEVIATION))
        self._layers = torch.nn.ModuleDict(
            {
                "dense": torch.nn.Linear(FEATURE_COUNT, setting.dense),
                "dropout": torch.nn.Dropout(_DROPOUT),
                "gru": torch.nn.GRU(setting.dense, setting.units, batch_first=True),
                "out": torch.nn.Linear(setting.units, 1),
            }
        )
        self.parameters = list(self._layers.parameters())

    def logits(self, features: Tensor) -> Tensor:
        """Return logits [shape=(pieces, rows)] of features."""
        layers = self._layers
        hidden = self._torch.relu(layers["dense"]((features - self._mean) / self._scale))
        states, _ = layers["gru"](layers["dropout"](hidden))
        return layers["out"](states).squeeze(-1)

    def arrays(self) -> Arrays:
        """Return what the runtime reads."""
        state = {name: t.detach().numpy() for name, t in self._layers.state_dict().items()}
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


def _pieces_of(scene: GuardRows) -> Iterator[_Piece]:
    for start in range(0, len(scene.labels), _PIECE_ROWS):
        rows = slice(start, start + _PIECE_ROWS)
        if len(scene.labels[rows]) >= _FEWEST_ROWS:
            yield _Piece(scene.features[rows], scene.labels[rows])


def _iterate_batches(pieces: Sequence[_Piece], rng: np.random.Generator) -> Iterator[_Batch]:
    """Yield every piece once, in batches padded to one length, in a random order."""
    spread = rng.uniform(0, _LENGTH_SPREAD_ROWS, size=len(pieces))
    order = np.argsort([len(piece.labels) for piece in pieces] + spread, kind="stable")
    chunks = [order[at : at + _BATCH_PIECES] for at in range(0, len(order), _BATCH_PIECES)]
    for number in rng.permutation(len(chunks)):
        yield _batch_of([pieces[int(place)] for place in chunks[number]])


def _batch_of(pieces: Sequence[_Piece]) -> _Batch:
    shape = (len(pieces), max(len(piece.labels) for piece in pieces))
    features = np.zeros((*shape, FEATURE_COUNT), np.float32)
    labels = np.full(shape, UNKNOWN, np.int8)
    for row, piece in enumerate(pieces):
        features[row, : len(piece.labels)] = piece.features
        labels[row, : len(piece.labels)] = piece.labels
    return _Batch(features, labels)


def _rate_at(step: int, steps: int) -> float:
    """Return the share of the learning rate: a short rise, then half a cosine."""
    fall = 0.5 * (1.001 + math.cos(math.pi * min(1.0, step / steps)))
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * fall


def _loss_of(network: _Network, batch: _Batch, hardness: float) -> Tensor:
    """Return the cross entropy, in which what is taken wrongly for sure weighs more."""
    torch = torch_module()
    logits = network.logits(torch.from_numpy(batch.features))
    labels = torch.from_numpy(batch.labels)
    is_speech = labels == SPEECH
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, is_speech.float(), reduction="none"
    )
    with torch.no_grad():
        of_others = torch.where(labels == NOBODY, 1.0 + hardness * torch.sigmoid(logits), 0.0)
        of_speech = 1.0 + _MISSED_HARDNESS * torch.sigmoid(-logits)
        weight = torch.where(is_speech, of_speech, of_others)
    return (entropy * weight).sum() / weight.sum().clamp(min=1.0)
