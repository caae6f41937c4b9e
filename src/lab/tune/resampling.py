"""The bootstrap over calls: how much of a figure is chance of which calls there are.

Whole calls are drawn, since what happens within one hangs together. Source: B. Efron,
R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 6 and 13, percentile intervals.
Invariant: the same values and seed give the same interval.
"""

from __future__ import annotations

__all__ = ["Gain", "calls_needed", "is_worthwhile", "paired_gain", "ratio_interval"]

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

_RESAMPLES = 4000
_SMALLEST_GAIN = 0.03
_LOW, _HIGH = 2.5, 97.5
"""Percentiles of a 95 % interval."""
_Z = 1.96 + 0.84
"""Standard deviations by which a gain must exceed its error to be seen at 95 % in 80 % of tries:
J. Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """By how much one setting costs less than another, per call."""

    mean: float
    low: float
    high: float
    """Bounds of its 95 % interval."""
    calls: int

    @property
    def is_sure(self) -> bool:
        """The whole interval is a gain."""
        return self.low > 0.0


def paired_gain(before: Sequence[float], after: Sequence[float], *, seed: int) -> Gain:
    """Return the gain of one setting over another on the same calls.

    Args:
        before: Cost of each call.
        after: The same, in the same order, of the other setting.
        seed: Of the drawing.

    Raises:
        ValueError: there is no call, or not as many of one as of the other.
    """
    if len(before) != len(after) or not before:
        raise ValueError(f"{len(before)} and {len(after)} calls can't be paired")
    gains = np.subtract(before, after, dtype=np.float64)
    means = gains[_draws(len(gains), seed)].mean(axis=1)
    low, high = np.percentile(means, [_LOW, _HIGH])
    return Gain(mean=float(gains.mean()), low=float(low), high=float(high), calls=len(gains))


def is_worthwhile(gain: Gain, before: Sequence[float]) -> bool:
    """Say whether a gain is sure, and no trifle: 3 % of what the calls cost before, or more.

    Args:
        gain: Per call.
        before: Cost of each call.
    """
    return gain.is_sure and gain.mean * gain.calls >= _SMALLEST_GAIN * sum(before)


def ratio_interval(
    parts: Sequence[float], wholes: Sequence[float], *, seed: int
) -> tuple[float, float] | None:
    """Return the 95 % interval of a share of sums over calls; None where the whole is nothing.

    Args:
        parts: Of each call.
        wholes: Of each call, in the same order.
        seed: Of the drawing.
    """
    if sum(wholes) <= 0.0:
        return None
    draws = _draws(len(parts), seed)
    above = np.asarray(parts, np.float64)[draws].sum(axis=1)
    below = np.asarray(wholes, np.float64)[draws].sum(axis=1)
    shares = above[below > 0.0] / below[below > 0.0]
    low, high = np.percentile(shares, [_LOW, _HIGH])
    return float(low), float(high)


def calls_needed(before: Sequence[float], after: Sequence[float]) -> int | None:
    """Return how many calls would show the gain that these calls have; None if they have none."""
    gains = np.subtract(before, after, dtype=np.float64)
    mean = float(gains.mean()) if len(gains) else 0.0
    if mean <= 0.0:
        return None
    spread = float(gains.std(ddof=1)) if len(gains) > 1 else 0.0
    return max(len(gains), ceil((_Z * spread / mean) ** 2))


def _draws(count: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    rng = np.random.default_rng([seed, count])
    return rng.integers(count, size=(_RESAMPLES, count))
