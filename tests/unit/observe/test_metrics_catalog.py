"""The table of metrics keeps to Prometheus's conventions."""

from __future__ import annotations

import re

import pytest

from voxgate.observe.metrics_catalog import METRICS, MetricKind, MetricSpec

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_OF_ONE_CALL = {"call", "call_id", "caller", "number", "session", "route", "id", "peer"}

every_metric = pytest.mark.parametrize("spec", METRICS.values(), ids=METRICS.keys())


@every_metric
def test_a_name_says_type_and_unit(spec: MetricSpec) -> None:
    """Counters, and nothing else, end in ``_total``; a unit is a base unit, and stands last."""
    assert _NAME.fullmatch(spec.name)
    assert spec.name.endswith("_total") is (spec.kind is MetricKind.COUNTER)
    assert not re.search(r"_(ms|us|milliseconds|minutes|frames_seconds|kb|percent)(_|$)", spec.name)
    if spec.unit:
        assert spec.name.removesuffix("_total").endswith(f"_{spec.unit}")
    assert spec.full_name == f"voxgate_{spec.name}"


@every_metric
def test_labels_are_few_and_nobodys(spec: MetricSpec) -> None:
    """No label is a call's or a caller's."""
    assert len(spec.labels) <= 3
    assert len(set(spec.labels)) == len(spec.labels)
    assert not set(spec.labels) & _OF_ONE_CALL
    assert all(_NAME.fullmatch(label) for label in spec.labels)


@every_metric
def test_a_metric_says_what_it_means(spec: MetricSpec) -> None:
    """In a sentence; a histogram, and nothing else, has buckets, which ascend."""
    assert spec.help.endswith(".")
    assert bool(spec.buckets) is (spec.kind is MetricKind.HISTOGRAM)
    assert list(spec.buckets) == sorted(set(spec.buckets))
    assert float("inf") not in spec.buckets


def test_what_a_histogram_counts_is_not_hidden_in_another_name() -> None:
    """No name is another's with a suffix that histograms add."""
    for name, spec in METRICS.items():
        if spec.kind is MetricKind.HISTOGRAM:
            assert not {f"{name}_{suffix}" for suffix in ("bucket", "sum", "count")} & set(METRICS)
