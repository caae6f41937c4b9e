"""The numbers behind the metrics, and how they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric

from voxgate.observe.metrics_catalog import METRICS, MetricKind
from voxgate.observe.metrics_values import MetricValues


def family(values: MetricValues, name: str) -> Metric:
    full_name = METRICS[name].full_name.removesuffix("_total")
    return next(family for family in values.families() if family.name == full_name)


def samples(values: MetricValues, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a counter or gauge by its labels' values."""
    return {tuple(each.labels.values()): each.value for each in family(values, name).samples}


def test_every_metric_of_the_catalogue_is_shown_from_the_start() -> None:
    """With its type and its help; with a value where it has no labels."""
    shown = {each.name: each for each in MetricValues().families()}
    assert len(shown) == len(METRICS)
    for spec in METRICS.values():
        metric = shown[spec.full_name.removesuffix("_total")]
        assert (metric.type, metric.documentation) == (spec.kind.value, spec.help)
        assert bool(metric.samples) is not bool(spec.labels)
        assert metric.unit == spec.unit


def test_a_counter_adds_up_by_its_labels() -> None:
    """By 0 it is shown and nothing more."""
    values = MetricValues()
    values.count("calls_refused_total", "max_calls")
    values.count("calls_refused_total", "max_calls", by=2.0)
    values.count("calls_refused_total", "not_running", by=0)
    assert samples(values, "calls_refused_total") == {("max_calls",): 3.0, ("not_running",): 0.0}


def test_a_gauge_is_what_it_was_set_to_last() -> None:
    """And what was forgotten is not shown."""
    values = MetricValues()
    values.set("gate_calls", "open", value=2)
    values.set("gate_calls", "open", value=1)
    assert samples(values, "gate_calls") == {("open",): 1}
    values.forget("gate_calls")
    assert samples(values, "gate_calls") == {}


@given(st.lists(st.floats(0, 30)))
def test_a_bucket_has_all_that_is_not_above_its_bound(observed: list[float]) -> None:
    """Buckets are cumulative, their bounds belong to them; sum and count are of all values."""
    values = MetricValues()
    for value in observed:
        values.observe("provider_turn_seconds", value, "agent")
    shown = family(values, "provider_turn_seconds").samples
    for sample in shown:
        if sample.name.endswith("_bucket"):
            bound = float(sample.labels["le"])
            assert sample.value == sum(value <= bound for value in observed)
    by_name = {sample.name: sample for sample in shown}
    if observed:
        assert by_name["voxgate_provider_turn_seconds_count"].value == len(observed)
        assert by_name["voxgate_provider_turn_seconds_sum"].value == pytest.approx(sum(observed))
        assert by_name["voxgate_provider_turn_seconds_sum"].labels == {"provider": "agent"}


def test_a_copy_does_not_change_any_more() -> None:
    """What is counted afterwards is in the next one."""
    values = MetricValues()
    before = family(values, "frame_processing_seconds")
    values.observe("frame_processing_seconds", 0.001)
    assert before.samples[-1].value == 0
    count = family(values, "frame_processing_seconds").samples
    assert next(each for each in count if each.name.endswith("_count")).value == 1


@pytest.mark.parametrize("labels", [(), ("a", "b")])
def test_labels_that_are_not_a_metrics_are_an_error(labels: tuple[str, ...]) -> None:
    """In every way in."""
    values = MetricValues()
    with pytest.raises(ValueError, match="calls_refused_total"):
        values.count("calls_refused_total", *labels)
    with pytest.raises(ValueError, match="gate_calls"):
        values.set("gate_calls", *labels, value=1)
    with pytest.raises(ValueError, match="gate_state_seconds"):
        values.observe("gate_state_seconds", 1.0, *labels)


def test_a_metric_that_is_not_in_the_catalogue_is_an_error() -> None:
    """Nor is a histogram counted, or a counter observed."""
    values = MetricValues()
    histogram = next(name for name, spec in METRICS.items() if spec.kind is MetricKind.HISTOGRAM)
    for name in ("no_such_total", histogram):
        with pytest.raises(KeyError):
            values.count(name)
    with pytest.raises(KeyError):
        values.observe("calls_limit", 1.0)
