"""What a caller's device does to all that its microphone hears: gain control and noise gate.

Both follow the level of speech, echo and noise together, so that the echo path of a call with them
is never at rest. Invariant: gains move smoothly and stay within 12 dB up and 20 dB down.
"""

from __future__ import annotations

__all__ = ["gain_control", "noise_gate"]

import numpy as np

from .signals import FRAME_SAMPLES, Audio, Rng

_SILENCE_DBFS = -90.0
_GAIN_RANGE_DB = (-12.0, 12.0)
_RESTING_DB = 25.0
"""Below the target by more than this nobody speaks, and the gain goes back to one."""
_GATE_RANGE_DB = (-20.0, 0.0)


def gain_control(capture: Audio, rng: Rng) -> Audio:
    """Return gains that move loud and soft parts towards a target, fast down and slowly up.

    Args:
        capture: float32 [shape=(n,)], scaled to +-1.
        rng: Draws target, ratio and time constants.

    Returns:
        float32 [shape=(n,)], factors.
    """
    target_dbfs = rng.uniform(-28.0, -18.0)
    ratio = rng.uniform(0.3, 0.9)
    up, down = 1.0 / rng.uniform(10, 100), 1.0 / rng.uniform(1, 10)
    levels_dbfs = _levels_dbfs(capture)
    wanted_db = np.clip(ratio * (target_dbfs - levels_dbfs), *_GAIN_RANGE_DB)
    wanted_db[levels_dbfs < target_dbfs - _RESTING_DB] = 0.0
    return _by_sample(_followed(wanted_db, up=up, down=down), len(capture))


def noise_gate(capture: Audio, rng: Rng) -> Audio:
    """Return gains that turn down what lies below a threshold, as an expander does.

    Args:
        capture: float32 [shape=(n,)], scaled to +-1.
        rng: Draws threshold, ratio and time constants.

    Returns:
        float32 [shape=(n,)], factors.
    """
    threshold_dbfs = rng.uniform(-55.0, -38.0)
    ratio = rng.uniform(0.5, 2.0)
    below_db = np.minimum(_levels_dbfs(capture) - threshold_dbfs, 0.0)
    wanted_db = np.clip(ratio * below_db, *_GATE_RANGE_DB)
    up, down = 1.0 / rng.uniform(1, 3), 1.0 / rng.uniform(3, 20)
    return _by_sample(_followed(wanted_db, up=up, down=down), len(capture))


def _levels_dbfs(signal: Audio) -> Audio:
    """Return the level of each whole frame, dBFS."""
    count = len(signal) // FRAME_SAMPLES
    frames = signal[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    power = np.mean(frames**2, axis=1)
    return np.asarray(10 * np.log10(power + 10 ** (_SILENCE_DBFS / 10)), np.float32)


def _followed(wanted_db: Audio, *, up: float, down: float) -> Audio:
    """Return gains that follow those wanted, by a share of the way a frame."""
    gains = np.empty_like(wanted_db)
    gain = 0.0
    for place, wanted in enumerate(wanted_db.tolist()):
        gain += (up if wanted > gain else down) * (wanted - gain)
        gains[place] = gain
    return gains


def _by_sample(gains_db: Audio, count: int) -> Audio:
    """Return a gain a sample of gains a frame, as factors."""
    if len(gains_db) == 0:
        return np.ones(count, np.float32)
    places = (np.arange(len(gains_db)) + 0.5) * FRAME_SAMPLES
    return np.asarray(10 ** (np.interp(np.arange(count), places, gains_db) / 20), np.float32)
