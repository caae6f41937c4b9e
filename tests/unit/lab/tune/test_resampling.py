"""The bootstrap over calls."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from voxgate.lab.tune.resampling import (
    calls_needed,
    interval_percentiles,
    is_worthwhile,
    median_interval,
    paired_gain,
    ratio_interval,
)

BEFORE = [2.0, 3.0, 1.0, 2.0, 4.0, 2.0, 3.0, 1.0, 2.0, 4.0]


def test_a_gain_on_every_call_is_sure() -> None:
    """Its interval holds its mean, and not zero; the same seed gives the same."""
    after = [cost - 0.5 - 0.01 * n for n, cost in enumerate(BEFORE)]
    gain = paired_gain(BEFORE, after, seed=1)
    assert gain.is_sure
    assert gain.mean == pytest.approx(0.545)
    assert 0.5 < gain.low < gain.mean < gain.high < 0.6
    assert gain == paired_gain(BEFORE, after, seed=1)
    assert gain != paired_gain(BEFORE, after, seed=2)


def test_a_gain_on_one_call_of_ten_is_not() -> None:
    """However large it is: another ten may not have such a one."""
    gain = paired_gain(BEFORE, [*BEFORE[:-1], 0.0], seed=1)
    assert gain.mean == pytest.approx(0.4)
    assert not gain.is_sure
    assert not paired_gain(BEFORE, BEFORE, seed=1).is_sure


def test_a_gain_on_three_calls_of_which_none_loses_is_not_sure() -> None:
    """Though nearly every draw has one of them: three signs are the same in one of four tries."""
    gain = paired_gain([1.0, 1.0, 1.0, *[0.0] * 5], [0.0] * 8, seed=1)
    assert not gain.is_sure


@pytest.mark.parametrize(("differing", "is_sure"), [(4, False), (5, False), (8, True)])
def test_few_calls_that_differ_among_many_are_not_sure(differing: int, *, is_sure: bool) -> None:
    """The interval lies above zero with four already; chance gives so many alike in 1 of 16."""
    gain = paired_gain([1.0] * differing + [0.0] * 36, [0.0] * (36 + differing), seed=1)
    assert gain.low > 0.0
    assert gain.chance == pytest.approx(0.5**differing, rel=0.25, abs=0.002)
    assert gain.is_sure is is_sure


def test_sure_gains_are_rarely_of_calls_that_gain_nothing() -> None:
    """Of 400 comparisons of eight calls between settings that are as good: one in forty, or less.

    Percentile intervals alone find twice as many.
    """
    rng = np.random.default_rng(1)
    gains = (rng.random((400, 8)) < 0.6) * rng.normal(size=(400, 8))
    sure = sum(paired_gain(each, [0.0] * 8, seed=1).is_sure for each in gains)
    assert sure <= 10


def test_intervals_are_wider_for_few_calls() -> None:
    """As Student's t is: 2.365 at seven degrees, 1.96 at many; one call says nothing."""
    assert interval_percentiles(8)[0] == pytest.approx(
        100.0 * NormalDist().cdf(-2.3646 * (8 / 7) ** 0.5), abs=0.005
    )
    low, high = interval_percentiles(100_000)
    assert (low, high) == (pytest.approx(2.5, abs=0.01), pytest.approx(97.5, abs=0.01))
    assert interval_percentiles(1) == (0.0, 100.0)
    assert not paired_gain([1.0], [0.0], seed=1).is_sure


def test_a_median_has_an_interval() -> None:
    """Over the calls that have any value."""
    by_call = [[100.0, 110.0], [120.0], [90.0], [], [130.0, 140.0], [105.0]]
    interval = median_interval(by_call, seed=1)
    assert interval is not None
    assert 90.0 <= interval[0] < 110.0 < interval[1] <= 140.0
    assert median_interval(by_call[:4], seed=1) is None


def test_a_trifle_is_not_worth_a_change() -> None:
    """Sure as it is: 3 % is asked for."""
    trifle = paired_gain(BEFORE, [0.98 * cost for cost in BEFORE], seed=1)
    assert trifle.is_sure
    assert not is_worthwhile(trifle, BEFORE)
    assert is_worthwhile(paired_gain(BEFORE, [0.9 * c for c in BEFORE], seed=1), BEFORE)


@pytest.mark.parametrize(("before", "after"), [([], []), ([1.0], [1.0, 2.0])])
def test_only_pairs_can_be_compared(before: list[float], after: list[float]) -> None:
    """Of at least one call."""
    with pytest.raises(ValueError, match="can't be paired"):
        paired_gain(before, after, seed=1)


def test_a_share_of_sums_has_an_interval() -> None:
    """Around it; a share of few calls has none, and calls without a part of the whole none more."""
    parts, wholes = [1.0, 2.0, 3.0, 1.0, 3.0, 0.0], [10.0] * 5
    interval = ratio_interval(parts, [*wholes, 0.0], seed=1)
    assert interval == ratio_interval(parts[:5], wholes, seed=1)
    assert interval is not None
    assert 0.1 <= interval[0] < 0.2 < interval[1] <= 0.3
    assert ratio_interval(parts[1:], [*wholes[1:], 0.0], seed=1) is None
    assert ratio_interval([0.0, 0.0], [0.0, 0.0], seed=1) is None


def test_calls_needed_grow_with_the_spread() -> None:
    """A steady gain is seen by the calls that there are; no gain is never seen."""
    assert calls_needed(BEFORE, [cost - 0.5 for cost in BEFORE]) == 10
    uneven = calls_needed(BEFORE, [*BEFORE[:-1], 0.0])
    assert uneven is not None
    assert 70 < uneven < 90
    assert calls_needed(BEFORE, BEFORE) is None
    assert calls_needed([], []) is None
    assert calls_needed([2.0], [1.0]) == 1
