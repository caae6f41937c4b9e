"""The Wilson score interval: what a share of so few trials can be worth.

Invariant: the interval lies in 0..1 and holds the share itself.
"""

from __future__ import annotations

__all__ = ["wilson_interval"]

import math

_Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(count: int, of: int, *, z: float = _Z_95) -> tuple[float, float]:
    """Return the interval in which the true share probably lies.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927), without continuity correction.

    Args:
        count: Trials that turned out so.
        of: All trials, 1 or more.
        z: Quantile of the normal distribution; that of 95 % if left out.

    Raises:
        ValueError: ``count`` is not in 0..``of``, or there is no trial.
    """
    if of < 1 or not 0 <= count <= of:
        raise ValueError(f"count, of: {count} of {of} is not a share")
    share = count / of
    scale = 1 + z * z / of
    centre = (share + z * z / (2 * of)) / scale
    half_width = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / scale
    # At 0 and at all the exact bounds are 0 and 1, which rounding would miss by an ulp.
    low = 0.0 if count == 0 else centre - half_width
    high = 1.0 if count == of else centre + half_width
    return low, high
