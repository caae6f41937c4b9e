"""Figures with intervals."""

from __future__ import annotations

import pytest

from support.tuned_calls import measures, prepared
from voxgate.lab.evaluate.summary import Share
from voxgate.lab.tune.cost import Weights
from voxgate.lab.tune.figures import figures_by_tag, figures_of
from voxgate.lab.tune.measures import CallMeasures


def test_figures_are_of_all_calls_together() -> None:
    """Each estimate lies in its interval."""
    of = [measures(false=1, lost_ms=800.0), measures(right=1), measures(), measures()]
    figures = figures_of(of, Weights(), seed=1)
    assert (figures.false, figures.right) == (Share(1, 20), Share(7, 8))
    assert figures.lost_percent is not None
    assert figures.lost_percent.value == pytest.approx(2.5)
    assert figures.lost_percent.low == 0.0
    assert 2.5 < figures.lost_percent.high <= 10.0
    assert figures.latency_ms is not None
    assert figures.latency_ms.value == figures.latency_ms.low == figures.latency_ms.high == 100.0
    assert figures.cost is not None
    assert figures.cost.value == pytest.approx((1.0 + 1.0 + 0.4 + 7 * 0.05) / 4)


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
