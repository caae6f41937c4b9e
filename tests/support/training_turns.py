"""Agent turns for tests of the training: simulated ones, and ones made by hand."""

from __future__ import annotations

__all__ = ["PROFILE", "made_turn", "separable_turns", "short_call", "turn_truth"]

import math
from dataclasses import replace
from functools import cache

import numpy as np

from support.sound_banks import SPLIT, small_bank
from voxgate.core.echo.features import FEATURE_COUNT
from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.scenarios import TRAIN_PROFILE, Call, simulate_call
from voxgate.lab.training.turn_rows import TurnRows, TurnTruth

PROFILE = replace(TRAIN_PROFILE, split=SPLIT, codecs=("mulaw",))
"""Of calls from the small bank, without a codec of an extra."""


@cache
def short_call(seed: int = 3) -> Call:
    """Return a simulated call of 6 s."""
    return simulate_call(small_bank(), seed, PROFILE, duration_s=6.0)


def turn_truth(*utterances: Interval, turn: Interval = (0.0, 2000.0)) -> TurnTruth:
    """Return the truth on the only agent turn of a call."""
    return TurnTruth(turn=turn, next_turn_ms=math.inf, utterances=utterances, tags={})


def made_turn(length: int, *, onset: int | None, seed: int) -> TurnRows:
    """Return a turn of noise, and of noise with an offset in two features from ``onset`` on."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(length, FEATURE_COUNT))
    labels = np.zeros(length, np.int8)
    since_onset = np.full(length, -1, np.int16)
    if onset is not None:
        features[onset:, 100:102] += 3.0
        labels[onset:] = 1
        since_onset[onset:] = np.arange(length - onset)
    return TurnRows(
        features=features.astype(np.float16),
        labels=labels,
        since_onset=since_onset,
        frame_index=np.arange(length, dtype=np.int32),
        truth=turn_truth() if onset is None else turn_truth((onset * 20.0, length * 20.0)),
    )


def separable_turns(count: int = 40) -> list[TurnRows]:
    """Return turns of which every other one is interrupted."""
    return [
        made_turn(40 + seed % 5, onset=15 if seed % 2 else None, seed=seed) for seed in range(count)
    ]
