"""Trains the near-end detector's network: its turns, and what mistakes in them cost.

Invariant: the same turns and setting give the same weights on the same machine.
"""

from __future__ import annotations

__all__ = ["NetworkSetting", "train_network"]

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .batches import BATCH_TURNS, Batch, iterate_batches
from .labels import CALLER, NO_CALLER
from .torch_network import Arrays, NetworkShape, Tensor, TorchNetwork, torch_module
from .turn_rows import TurnRows

_EARLY_FRAMES = 30
"""600 ms after an onset: later the gate should long be open, and frames count little."""
_EARLY_WEIGHT, _LATE_WEIGHT = 2.0, 0.4
_DECIDING_FRAMES = (6, 25)
"""A turn wants one sure frame among so many after the onset: early, or in half a second."""
_MARGIN = 2.0
"""Logit by which a turn's worst mistake, or its best evidence, should clear zero."""
_TURN_WEIGHT = 0.05
_NOWHERE = -20.0
"""Logit of frames that a maximum leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSetting(NetworkShape):
    """The size of the packaged network."""

    rate: float = 4e-3
    dense: int = 80
    units: int = 112


def train_network(
    turns: Sequence[TurnRows],
    setting: NetworkSetting,
    show_epoch: Callable[[int, float], None] | None = None,
) -> Arrays:
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
    network = TorchNetwork([turn.features for turn in turns], setting)
    network.train(
        lambda rng: iterate_batches(turns, rng),
        _loss_of,
        n_batches=math.ceil(len(turns) / BATCH_TURNS),
        show_epoch=show_epoch,
    )
    return network.arrays()


def _loss_of(network: TorchNetwork, batch: Batch, hardness: float) -> Tensor:
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
