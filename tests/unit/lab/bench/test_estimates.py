"""How sure a percentile and a share of time are."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.bench.estimates import percentile_interval, time_share_interval
from voxgate.lab.evaluate.judge import AudioShare


@pytest.mark.parametrize(("percent", "true"), [(50, 0.5), (95, 0.95)])
def test_the_interval_of_a_percentile_holds_the_true_one_as_often_as_it_says(
    percent: float, true: float
) -> None:
    """Nineteen times in twenty, whatever the distribution."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        interval = percentile_interval(rng.uniform(size=80).tolist(), percent)
        assert interval is not None
        hits += interval[0] <= true <= interval[1]
    assert 0.92 <= hits / 400 <= 0.99


@pytest.mark.parametrize("values", [[3.0], [3.0, 9.0], [5.0] * 10, list(range(1000))])
def test_the_interval_holds_the_estimate(values: list[float]) -> None:
    """However few the values are; of none there is none."""
    for percent in (0, 50, 95, 100):
        interval = percentile_interval(values, percent)
        assert interval is not None
        assert interval[0] <= np.percentile(values, percent) <= interval[1]
    assert percentile_interval([], 50) is None


def test_more_values_are_surer() -> None:
    """The interval of a median becomes narrower."""
    few = percentile_interval(list(range(20)), 50)
    many = percentile_interval([n / 50 for n in range(1000)], 50)
    assert few is not None
    assert many is not None
    assert many[1] - many[0] < (few[1] - few[0]) / 3


def test_a_share_of_time_is_as_sure_as_calls_agree_on_it() -> None:
    """Calls are the trials; those without such time are none."""
    nothing = AudioShare()
    alike = time_share_interval([AudioShare(10, 1000)] * 20 + [nothing] * 5)
    assert alike == pytest.approx((1.0, 1.0))
    one_call = time_share_interval([AudioShare(200, 1000)] + [AudioShare(0, 1000)] * 19)
    assert one_call is not None
    assert one_call[0] == 0.0
    assert one_call[1] == pytest.approx(1.0 + 1.96 * 1.0, abs=0.05)


@pytest.mark.parametrize("shares", [[], [AudioShare(1, 10)], [AudioShare(1, 10), AudioShare()]])
def test_of_a_single_call_nothing_is_sure(shares: list[AudioShare]) -> None:
    """There is no interval then."""
    assert time_share_interval(shares) is None
