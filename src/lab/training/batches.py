"""Batches of agent turns, padded to one length, with the levels of line and agent varied.

Invariant: the same turns and generator give the same batches; padding teaches nothing.
"""

from __future__ import annotations

__all__ = ["BATCH_TURNS", "Batch", "gain_directions", "iterate_batches"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.echo.bands import BAND_COUNT
from ...core.echo.features import FEATURE_COUNT, SCALAR_COUNT
from .labels import IGNORED
from .turn_rows import TurnRows

BATCH_TURNS = 64
"""Turns of a batch."""

_GAIN_DB = (4.0, 4.0)
"""Standard deviation by which each turn's capture and far end are made louder or softer."""
_LENGTH_SPREAD_FRAMES = 60
"""Turns of a batch are of about one length, and not always the same turns."""

_SCALARS = FEATURE_COUNT - SCALAR_COUNT
"""First of the values that describe a frame as a whole; see ``core/echo/features.py``."""
_RESIDUAL_BANDS = slice(0, BAND_COUNT)
_FAR_END_BANDS = slice(5 * BAND_COUNT, 6 * BAND_COUNT)
_NOISE_FLOOR = _SCALARS
_PATH_GAIN = _SCALARS + 1
_NEAR_END_LEVEL = _SCALARS + 5
_FAR_END_LEVELS = slice(_SCALARS + 6, _SCALARS + 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some turns side by side."""

    features: npt.NDArray[np.float32]
    """[shape=(turns, frames, FEATURE_COUNT)]."""
    labels: npt.NDArray[np.int8]
    """[shape=(turns, frames)]; padding is ignored."""
    since_onset: npt.NDArray[np.int16]
    """[shape=(turns, frames)]."""


def gain_directions() -> npt.NDArray[np.float32]:
    """Return by how much features move for +1 dB of capture, and of far end.

    Returns:
        float32 [shape=(2, FEATURE_COUNT)], in the features' own scales.
    """
    moves = np.zeros((2, FEATURE_COUNT), np.float32)
    capture, far_end = moves
    capture[_RESIDUAL_BANDS] = 1 / 12
    capture[_NOISE_FLOOR] = 1 / 10
    capture[_NEAR_END_LEVEL] = 1 / 15
    far_end[_FAR_END_BANDS] = 1 / 15
    far_end[_FAR_END_LEVELS] = 1 / 15
    capture[_PATH_GAIN], far_end[_PATH_GAIN] = 1 / 15, -1 / 15
    return moves


def iterate_batches(turns: Sequence[TurnRows], rng: np.random.Generator) -> Iterator[Batch]:
    """Yield every turn once, in batches, in a random order."""
    spread = rng.uniform(0, _LENGTH_SPREAD_FRAMES, size=len(turns))
    order = np.argsort([len(turn.labels) for turn in turns] + spread, kind="stable")
    chunks = [order[at : at + BATCH_TURNS] for at in range(0, len(order), BATCH_TURNS)]
    moves = gain_directions()
    for number in rng.permutation(len(chunks)):
        yield _batch_of([turns[int(place)] for place in chunks[number]], rng, moves)


def _batch_of(
    turns: Sequence[TurnRows], rng: np.random.Generator, moves: npt.NDArray[np.float32]
) -> Batch:
    shape = (len(turns), max(len(turn.labels) for turn in turns))
    features = np.zeros((*shape, FEATURE_COUNT), np.float32)
    labels = np.full(shape, IGNORED, np.int8)
    since_onset = np.full(shape, -1, np.int16)
    for row, turn in enumerate(turns):
        length = len(turn.labels)
        gains_db = rng.normal(size=2) * _GAIN_DB
        features[row, :length] = turn.features + (gains_db @ moves).astype(np.float32)
        labels[row, :length] = turn.labels
        since_onset[row, :length] = turn.since_onset
    return Batch(features=features, labels=labels, since_onset=since_onset)
