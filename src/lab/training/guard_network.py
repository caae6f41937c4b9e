"""Trains the guard's network: pieces of its scenes, and what mistakes in them cost.

Invariant: the same rows and setting give the same weights on the same machine.
"""

from __future__ import annotations

__all__ = ["GuardNetworkSetting", "train_guard_network"]

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.guard.frame_features import FEATURE_COUNT
from ..guard_scenes.callers import NOBODY, SPEECH, UNKNOWN
from .guard_rows import GuardRows
from .torch_network import Arrays, NetworkShape, Tensor, TorchNetwork, torch_module

_BATCH_PIECES = 64
_PIECE_ROWS = 400
"""Scenes are cut into pieces of 8 s of sound at most: longer ones cost time and teach no more."""
_FEWEST_ROWS = 20
_LENGTH_SPREAD_ROWS = 40
"""Pieces of a batch have about one length, and are not always the same."""
_MISSED_HARDNESS = 2.0
"""How much more speech weighs that is missed for sure: against callers who are missed whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardNetworkSetting(NetworkShape):
    """The size of the packaged networks."""

    rate: float = 3e-3
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
    network = TorchNetwork([piece.features for piece in pieces], setting)
    network.train(
        lambda rng: _iterate_batches(pieces, rng),
        _loss_of,
        n_batches=math.ceil(len(pieces) / _BATCH_PIECES),
        show_epoch=show_epoch,
    )
    return network.arrays()


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


def _loss_of(network: TorchNetwork, batch: _Batch, hardness: float) -> Tensor:
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
