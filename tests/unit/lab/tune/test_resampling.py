"""The bootstrap over calls."""

from __future__ import annotations

import pytest

from voxgate.lab.tune.resampling import (
    calls_needed,
    is_worthwhile,
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
    """Around it; a share of nothing has none, and calls without a part of the whole do no harm."""
    interval = ratio_interval([1.0, 2.0, 0.0, 3.0], [10.0, 10.0, 0.0, 10.0], seed=1)
    assert interval is not None
    assert 0.1 <= interval[0] < 0.2 < interval[1] <= 0.3
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
