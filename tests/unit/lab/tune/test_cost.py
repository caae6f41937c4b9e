"""What mistakes cost."""

from __future__ import annotations

from dataclasses import fields

import pytest

from voxgate.lab.tune.cost import WEIGHT_MEANINGS, Weights, cost_of
from voxgate.lab.tune.measures import CallMeasures

MEASURES = CallMeasures(
    agent_turns=9,
    false_turns=1,
    interruptions=5,
    right=3,
    latencies_ms=(200.0, 400.0),
    pause_ms=4000.0,
    lost_ms=1000.0,
    echo_ms=2000.0,
    noise_ms=10_000.0,
)
NOTHING = dict.fromkeys(WEIGHT_MEANINGS, 0.0)


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("false", 1.0),
        ("missed", 2.0),
        ("late", 0.6),
        ("lost", 1.0),
        ("pause", 4.0),
        ("echo", 2.0),
        ("noise", 10.0),
    ],
)
def test_each_weight_prices_one_thing(name: str, cost: float) -> None:
    """By the piece, or by the second."""
    assert cost_of(MEASURES, Weights(**{**NOTHING, name: 1.0})) == pytest.approx(cost)


def test_the_whole_is_the_sum() -> None:
    """At the default weights; nothing costs nothing."""
    assert cost_of(MEASURES, Weights()) == pytest.approx(1 + 2 + 0.3 + 0.5 + 1 + 0.5 + 0.5)
    assert cost_of(CallMeasures(), Weights()) == 0.0


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_what_is_no_weight_is_refused(value: float) -> None:
    """A mistake that pays would be sought."""
    with pytest.raises(ValueError, match=r"missed: .* is no weight"):
        Weights(missed=value)


def test_every_weight_is_explained() -> None:
    """In the order of the fields."""
    assert list(WEIGHT_MEANINGS) == [field.name for field in fields(Weights)]
