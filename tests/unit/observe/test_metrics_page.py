"""Metrics as text."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from voxgate.observe.metrics_page import write_page
from voxgate.observe.metrics_values import MetricValues

_OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def filled() -> MetricValues:
    values = MetricValues()
    values.count("calls_ended_total", "twilio", 'a "quoted"\nname', "drained")
    values.observe("gate_state_seconds", 0.3, "closed")
    return values


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/plain;version=0.0.4"])
def test_text_is_what_everybody_gets(accept: str) -> None:
    """In the format of 2014, which a browser shows too."""
    page = write_page(tuple(filled().families()), accept)
    assert page.content_type.startswith("text/plain; version=0.0.4")
    families = {each.name: each for each in text_string_to_metric_families(page.body.decode())}
    (sample,) = families["voxgate_calls_ended"].samples
    assert sample.labels["provider"] == 'a "quoted"\nname'
    assert sample.value == 1


def test_openmetrics_is_for_who_asks() -> None:
    """As Prometheus does; with units, and an end that shows that nothing is missing."""
    page = write_page(tuple(filled().families()), _OPENMETRICS)
    assert page.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert page.body.endswith(b"# EOF\n")
    families = {
        each.name: each for each in openmetrics.text_string_to_metric_families(page.body.decode())
    }
    assert families["voxgate_gate_state_seconds"].unit == "seconds"
    assert families["voxgate_calls_ended"].type == "counter"
