"""Metrics of several processes on one page."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families

from voxgate.observe.metrics_page import write_page
from voxgate.observe.metrics_values import MetricValues
from voxgate.workers.merged_metrics import labelled, merged_pages


def page(worker: int, calls: int, accept: str = "") -> str:
    """Return what a worker with so many calls shows."""
    values = MetricValues()
    values.count("calls_started_total", "twilio", "openai", by=calls)
    values.observe("call_duration_seconds", 3.0, "twilio")
    return write_page(labelled(values.families(), worker), accept).body.decode()


def test_each_sample_says_whose_it_is() -> None:
    """Nothing is added up: a worker that is started anew is a reset of its own series only."""
    text = merged_pages([page(1, 3), page(2, 4)])
    (family,) = (
        each
        for each in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        if each.name == "voxgate_calls_started"
    )
    found = {sample.labels["worker"]: sample.value for sample in family.samples}
    assert found == {"1": 3.0, "2": 4.0}


def test_every_family_stands_once() -> None:
    """With its samples together, which scrapers ask for."""
    text = merged_pages([page(1, 3), page(2, 4)])
    heads = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
    assert text.splitlines().count("# TYPE voxgate_call_duration_seconds histogram") == 1


def test_open_metrics_end_once() -> None:
    """The strict parser takes the page, histograms included."""
    accept = "application/openmetrics-text"
    text = merged_pages([page(1, 3, accept), page(2, 4, accept)])
    assert text.endswith("# EOF\n")
    assert text.count("# EOF") == 1
    counts = [
        sample.labels["worker"]
        for family in parse_open_metrics(text)
        for sample in family.samples
        if sample.name == "voxgate_call_duration_seconds_count"
    ]
    assert sorted(counts) == ["1", "2"]


def test_no_page_is_an_empty_one() -> None:
    """As while everything starts."""
    assert merged_pages([]).strip() == ""
