"""The bootstrap over calls: how much of a figure is chance of which calls there are.

Whole calls are drawn, since what happens within one hangs together. Intervals are percentile
intervals, expanded for few calls: T. Hesterberg, "What Teachers Should Know About the Bootstrap",
The American Statistician 69 (2015), section 5.3. Where few calls differ at all, even these see too
much: of four calls that gain among thirty that don't care, 98 % of the draws have one. So a gain
must also be more than signs thrown by chance would give: R. A. Fisher, "The Design of Experiments"
(1935), section 21. Invariant: the same values and seed give the same interval.
"""

from __future__ import annotations

__all__ = [
    "Gain",
    "calls_needed",
    "interval_percentiles",
    "is_worthwhile",
    "median_interval",
    "paired_gain",
    "ratio_interval",
]

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import NormalDist

import numpy as np

_RESAMPLES = 4000
_MEDIAN_RESAMPLES = 1000
_NORMAL = NormalDist()
_ROUNDING = 1e-9
_SMALLEST_GAIN = 0.03
"""Of the cost: less is not worth the change of a running gate, however sure it is."""
_LEAST_CALLS = 5
"""With fewer calls there are hardly a hundred different draws: no interval."""
_SIDE = 0.025
"""What a 95 % interval leaves out on either side."""
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
    chance: float
    """Probability of as large a gain if each call were as likely to lose what it gains."""
    calls: int

    @property
    def is_sure(self) -> bool:
        """The whole interval is a gain, and chance gives one so large in 2.5 % or less."""
        return self.low > 0.0 and self.chance <= _SIDE


def paired_gain(before: Sequence[float], after: Sequence[float], *, seed: int) -> Gain:
    """Return the gain of one setting over another on the same calls.

    Args:
        before: Cost of each call.
        after: The same, in the same order, of the other setting.
        seed: Of the drawing.

    Raises:
        ValueError: there is no call, or not as many of one as of the other.
    """
    if len(before) != len(after) or not len(before):
        raise ValueError(f"{len(before)} and {len(after)} calls can't be paired")
    gains = np.subtract(before, after, dtype=np.float64)
    means = gains[_draws(len(gains), seed)].mean(axis=1)
    low, high = np.percentile(means, interval_percentiles(len(gains)))
    return Gain(
        mean=float(gains.mean()),
        low=float(low),
        high=float(high),
        chance=_chance(gains, seed),
        calls=len(gains),
    )


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
    """Return the 95 % interval of a share of sums over calls; None of fewer than five calls.

    Args:
        parts: Of each call.
        wholes: Of each call, in the same order; calls of which it is nothing don't count.
        seed: Of the drawing.
    """
    above, below = (np.asarray(each, np.float64) for each in (parts, wholes))
    above, below = above[below > 0.0], below[below > 0.0]
    if len(below) < _LEAST_CALLS:
        return None
    draws = _draws(len(below), seed)
    shares = above[draws].sum(axis=1) / below[draws].sum(axis=1)
    low, high = np.percentile(shares, interval_percentiles(len(below)))
    return float(low), float(high)


def median_interval(by_call: Sequence[Sequence[float]], *, seed: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a median over calls; None of fewer than five calls.

    Args:
        by_call: The values of each call; calls without any don't count.
        seed: Of the drawing.
    """
    values = [np.asarray(each, np.float64) for each in by_call if len(each)]
    if len(values) < _LEAST_CALLS:
        return None
    draws = _draws(len(values), seed)[:_MEDIAN_RESAMPLES]
    medians = [np.median(np.concatenate([values[n] for n in draw])) for draw in draws]
    low, high = np.percentile(medians, interval_percentiles(len(values)))
    return float(low), float(high)


def interval_percentiles(calls: int) -> tuple[float, float]:
    """Return the percentiles of the draws between which a 95 % interval lies.

    Args:
        calls: That are drawn from; with one the draws say nothing, and all of them are taken.
    """
    if calls < 2:
        return 0.0, 100.0
    below = 100.0 * _NORMAL.cdf(-_student_t(calls - 1) * (calls / (calls - 1)) ** 0.5)
    return below, 100.0 - below


def calls_needed(before: Sequence[float], after: Sequence[float]) -> int | None:
    """Return how many calls would show the gain that these calls have; None if they have none."""
    gains = np.subtract(before, after, dtype=np.float64)
    mean = float(gains.mean()) if len(gains) else 0.0
    if mean <= 0.0:
        return None
    spread = float(gains.std(ddof=1)) if len(gains) > 1 else 0.0
    return max(len(gains), ceil((_Z * spread / mean) ** 2))


def _chance(gains: np.ndarray[tuple[int], np.dtype[np.float64]], seed: int) -> float:
    """Return how likely signs by chance would give the sum that these gains have, or more."""
    differing = gains[gains != 0.0]
    rng = np.random.default_rng([seed, len(gains), 2])
    signs = rng.choice([-1.0, 1.0], size=(_RESAMPLES, len(differing)))
    sums = (signs * differing).sum(axis=1)
    as_large = int(np.count_nonzero(sums >= differing.sum() - _ROUNDING))
    return (as_large + 1) / (_RESAMPLES + 1)


def _student_t(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t: Abramowitz and Stegun, 26.7.5; 9 of 12.7 at 1."""
    z = _NORMAL.inv_cdf(1.0 - _SIDE)
    terms = (
        z,
        (z**3 + z) / 4.0,
        (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0,
        (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0,
    )
    return float(sum(term / degrees**n for n, term in enumerate(terms)))


def _draws(count: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    rng = np.random.default_rng([seed, count])
    return rng.integers(count, size=(_RESAMPLES, count))
