"""The reader of PromQL that other tests rest on."""

from __future__ import annotations

import pytest

from support.promql import Asked, asked_by


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("up == 0", Asked({"up": set()})),
        ('a_total{x="1", y!~"b|c"}[5m]', Asked({"a_total": {"x", "y"}})),
        (
            "histogram_quantile(0.95, sum by (le, x) (rate(h_bucket[$__rate_interval])))",
            Asked({"h_bucket": set()}, {"le", "x"}, {"histogram_quantile", "sum", "rate"}),
        ),
        (
            'sum(a{x="} by (z)"}) by (y) / on (y) group_left () b > 1e3',
            Asked({"a": {"x"}, "b": set()}, {"y"}, {"sum"}),
        ),
        ("a or vector(0)", Asked({"a": set()}, set(), {"vector"})),
        (
            "rate(a[1h]) and on (i) b unless c",
            Asked({key: set() for key in "abc"}, {"i"}, {"rate"}),
        ),
    ],
)
def test_metrics_labels_and_groups_are_told_apart(expression: str, asked: Asked) -> None:
    """A text is no label, a function no metric."""
    assert asked_by(expression) == asked


@pytest.mark.parametrize(
    "expression", ["a{x}", "a{x=1}", "sum(a", "a[soon]", "a{x='1}", "sum by (1) (a)", "a;b"]
)
def test_what_is_no_promql_is_an_error(expression: str) -> None:
    """It is never passed over."""
    with pytest.raises((AssertionError, IndexError, ValueError)):
        asked_by(expression)
