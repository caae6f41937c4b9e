"""The look into PromQL that other tests rest on."""

from __future__ import annotations

import pytest

from support.promql import asked_by

KNOWN = {
    "a_total": {"x", "y"},
    "b": {"y"},
    "h_bucket": {"le", "x", "y"},
}


def test_metrics_labels_and_functions_are_told_apart() -> None:
    """A text is no label, a function no metric."""
    asked = asked_by('sum(rate(a_total{x="} by (z)", y!~"b|c"}[5m])) / sum(b) > 1e3 or vector(0)')
    assert asked.metrics == {"a_total": {"x", "y"}, "b": set()}
    assert asked.picked == {("x", "} by (z)"), ("y", "b|c")}
    assert asked.functions == {"sum", "rate", "vector"}
    assert asked.looked_at == {("a_total", "rate"), ("b", "sum")}


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("b == 0", {"y"}),
        ("rate(a_total[$__rate_interval]) * 60", {"x", "y"}),
        ("sum by (y) (increase(a_total[$__range]))", {"y"}),
        ("sum(b) or vector(0)", set()),
        ("histogram_quantile(0.95, sum by (le, x) (rate(h_bucket[5m])))", {"x"}),
        ("a_total / on (y) group_left () b", {"x", "y"}),
        ("sum by (y) (a_total) / b > 0.5", {"y"}),
        ("a_total and on (y) b", {"x", "y"}),
    ],
)
def test_results_are_told_apart_by_labels(expression: str, labels: set[str]) -> None:
    """As Prometheus gives them."""
    assert asked_by(expression).labels(KNOWN) == labels


@pytest.mark.parametrize(
    "expression",
    [
        "a_total / b",
        "sum by (z) (b)",
        'b{x="1"}',
        "histogram_quantile(0.95, sum by (x) (rate(h_bucket[5m])))",
        "a_total / on (x) group_left () b",
        "c",
    ],
)
def test_what_gives_nothing_is_an_error(expression: str) -> None:
    """Prometheus would show an empty panel, and never fire."""
    with pytest.raises(AssertionError):
        asked_by(expression).labels(KNOWN)


@pytest.mark.parametrize("expression", ["a{x}", "sum(a", "a[soon]", "rate(a)", "odd(a)", "a;b"])
def test_what_is_no_promql_is_an_error(expression: str) -> None:
    """Wrong types and unknown functions included."""
    with pytest.raises(ValueError, match=r"invalid|unclosed|unexpected|expected|unknown"):
        asked_by(expression)
