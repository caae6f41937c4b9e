"""How sure a percentile and a share of time are, from as many calls as there were.

Invariant: an interval holds the estimate itself.
"""

from __future__ import annotations

__all__ = ["percentile_interval", "time_share_interval"]

import math
from collections.abc import Sequence

import numpy as np

from ..evaluate.judge import AudioShare
from ..evaluate.wilson import wilson_interval

_Z_95 = 1.96


def percentile_interval(values: Sequence[float], percent: float) -> tuple[float, float] | None:
    """Return the 95 % interval of a percentile; None without values.

    Source: order statistics at the Wilson bounds of the share that lies below (W. J. Conover,
    Practical Nonparametric Statistics, 3.2); no shape of the distribution is assumed.

    Args:
        values: Independent ones.
        percent: 0..100.
    """
    count = len(values)
    if not count:
        return None
    ordered = sorted(values)
    low, high = wilson_interval(round(count * percent / 100), count)
    estimate = float(np.percentile(ordered, percent))
    first = ordered[min(count - 1, math.floor(low * count))]
    last = ordered[max(0, math.ceil(high * count) - 1)]
    return min(first, estimate), max(last, estimate)


def time_share_interval(shares: Sequence[AudioShare]) -> tuple[float, float] | None:
    """Return the 95 % interval of a share of time in %, from the share in each call.

    Neighbouring ms are no independent trials, calls are. Source: variance of a ratio estimate,
    linearised (W. G. Cochran, Sampling Techniques, 6.3).

    Args:
        shares: One a call.

    Returns:
        The interval, within 0..100; None with less than two calls that have such time.
    """
    of_ms = np.array([share.of_ms for share in shares if share.of_ms])
    part_ms = np.array([share.part_ms for share in shares if share.of_ms])
    count = len(of_ms)
    if count < 2:
        return None
    ratio = part_ms.sum() / of_ms.sum()
    variance = count / (count - 1) * np.sum((part_ms - ratio * of_ms) ** 2) / of_ms.sum() ** 2
    half_width = _Z_95 * math.sqrt(variance)
    return 100 * max(0.0, ratio - half_width), 100 * min(1.0, ratio + half_width)
