"""Figures with intervals."""

from __future__ import annotations

import pytest

from support.tuned_calls import measures, prepared
from voxgate.lab.evaluate.summary import Share
from voxgate.lab.tune.cost import Weights
from voxgate.lab.tune.figures import Estimate, figures_by_tag, figures_of
from voxgate.lab.tune.measures import CallMeasures


def test_figures_are_of_all_calls_together() -> None:
    """Each estimate lies in its interval."""
    of = [measures(false=1, lost_ms=1000.0), measures(right=1), *[measures()] * 3]
    figures = figures_of(of, Weights(), seed=1)
    assert (figures.false, figures.right) == (Share(1, 25), Share(9, 10))
    assert figures.lost_percent is not None
    assert figures.lost_percent.value == pytest.approx(2.5)
    assert figures.lost_percent.interval is not None
    low, high = figures.lost_percent.interval
    assert low == 0.0
    assert 2.5 < high <= 12.5
    assert figures.latency_ms == Estimate(100.0, (100.0, 100.0))
    assert figures.cost is not None
    assert figures.cost.value == pytest.approx((1.0 + 1.0 + 0.5 + 9 * 0.05) / 5)


def test_a_figure_of_few_calls_has_no_interval() -> None:
    """One call drawn again and again is always the same, and sure of nothing."""
    figures = figures_of([measures(lost_ms=800.0)] * 4, Weights(), seed=1)
    assert figures.lost_percent == Estimate(10.0, None)
    assert figures.latency_ms == Estimate(100.0, None)
    assert figures.cost is not None
    assert figures.cost.interval is None


def test_a_figure_of_nothing_is_none() -> None:
    """Not zero."""
    figures = figures_of([CallMeasures(), CallMeasures()], Weights(), seed=1)
    assert figures.false.percent is None
    assert (figures.latency_ms, figures.lost_percent, figures.echo_percent) == (None, None, None)
    assert figures.noise_percent is None
    assert figures_of([], Weights(), seed=1).cost is None


def test_each_value_of_a_tag_has_figures() -> None:
    """Of its calls only; calls without the tag are in none."""
    calls = [
        prepared("a", tags={"path": "room"}),
        prepared("b", tags={"path": "hybrid"}),
        prepared("c"),
    ]
    by_tag = figures_by_tag(calls, [measures(false=1), measures(), measures()], Weights(), seed=1)
    assert list(by_tag) == ["path"]
    assert list(by_tag["path"]) == ["hybrid", "room"]
    assert by_tag["path"]["room"].false == Share(1, 5)
