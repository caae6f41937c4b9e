"""Spans on their way to a collector."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from voxgate.config.tracing_model import TracingConfig
from voxgate.observe.span_export import (
    CountingExporter,
    make_exporter,
    make_tracer_provider,
    parse_headers,
)

_SPANS = cast("list[ReadableSpan]", [object()] * 3)


class Collector(SpanExporter):
    """Takes spans, or fails as it is told to."""

    def __init__(self, *complaint: Any, error: Exception | None = None) -> None:
        self._complaint = complaint
        self._error = error
        self.is_shut_down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._error is not None:
            raise self._error
        if not self._complaint:
            return SpanExportResult.SUCCESS
        logging.getLogger("opentelemetry.exporter.otlp.test").error(*self._complaint)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.is_shut_down = True


def test_what_a_collector_takes_is_counted() -> None:
    """And nothing is said of it."""
    with capture_logs() as logged:
        exporter = CountingExporter(Collector(), collector="c:1")
        assert exporter.export(_SPANS) is SpanExportResult.SUCCESS
    assert (exporter.exported, exporter.lost, logged) == (3, 0, [])


@pytest.mark.parametrize(
    ("collector", "reason"),
    [
        (Collector("code: %s, reason: %s", 401, "no: Bearer k-1"), "http_401"),
        (Collector("code: %s, reason: %s", None, ConnectionError("k-1")), "ConnectionError"),
        (Collector("gave up"), "unknown"),
        (Collector(error=ValueError("k-1")), "ValueError"),
    ],
    ids=["refused", "away", "too late", "broken"],
)
def test_what_is_lost_is_said_once_a_minute(collector: Collector, reason: str) -> None:
    """With the kind of trouble, and not with what the collector answered."""
    now_ms = [0.0]
    exporter = CountingExporter(collector, collector="c:1", clock=lambda: now_ms[0])
    with capture_logs() as logged:
        for _ in range(3):
            assert exporter.export(_SPANS) is SpanExportResult.FAILURE
        now_ms[0] = 61_000.0
        exporter.export(_SPANS)
    assert (exporter.exported, exporter.lost) == (0, 12)
    assert [(entry["event"], entry["reason"], entry["lost_spans"]) for entry in logged] == [
        ("tracing.export_failed", reason, 3),
        ("tracing.export_failed", reason, 12),
    ]
    assert logged[1]["suppressed"] == 2
    assert "k-1" not in str(logged)


def test_each_failure_has_its_own_reason() -> None:
    """One that nobody explains is not blamed on the one before."""
    now_ms = [0.0]
    collector = Collector("code: %s", 401)
    exporter = CountingExporter(collector, collector="c:1", clock=lambda: now_ms[0])
    with capture_logs() as logged:
        exporter.export(_SPANS)
        collector._complaint = ("gave up",)
        now_ms[0] = 61_000.0
        exporter.export(_SPANS)
    assert [entry["reason"] for entry in logged] == ["http_401", "unknown"]


def test_spans_that_find_no_room_are_lost_too() -> None:
    """While a collector holds up a batch, and so many others wait."""
    exporter = CountingExporter(Collector(), collector="c:1", room=5)
    for _ in range(7):
        exporter.expect()
    assert (exporter.exported, exporter.lost) == (0, 2)
    exporter.export(_SPANS)
    assert (exporter.exported, exporter.lost) == (3, 2)
    for _ in range(3):
        exporter.expect()
    assert exporter.lost == 2
    exporter.expect()
    assert exporter.lost == 3


def test_who_makes_spans_expects_every_one_that_ends() -> None:
    """And none that is not sampled."""
    for ratio, expected in ((1.0, 2), (0.0, 0)):
        exporter = CountingExporter(Collector(), collector="c:1")
        provider = make_tracer_provider(exporter, TracingConfig(sample_ratio=ratio), version="1")
        try:
            tracer = provider.get_tracer("t")
            for _ in range(2):
                tracer.start_span("call").end()
            assert exporter.expected == expected
        finally:
            provider.shutdown()
        assert (exporter.exported, exporter.lost) == (expected, 0)


class Shown(logging.Handler):
    """Keeps what a process would log."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.names.append(record.name)


def test_the_library_does_not_log_besides() -> None:
    """It would with every attempt; what it logs at other times is not ours to silence."""
    shown, library = Shown(), logging.getLogger("opentelemetry.exporter")
    was_shown = library.propagate
    logging.getLogger().addHandler(shown)
    try:
        CountingExporter(Collector("code: %s", 500), collector="c:1").export(_SPANS)
    finally:
        logging.getLogger().removeHandler(shown)
    assert shown.names == []
    assert library.propagate is was_shown


def test_whoever_is_asked_to_end_ends_the_exporter() -> None:
    """Nothing waits here that would have to be flushed."""
    collector = Collector()
    exporter = CountingExporter(collector, collector="c:1")
    assert exporter.force_flush()
    exporter.shutdown()
    assert collector.is_shut_down


def test_spans_say_whose_they_are() -> None:
    """By the configured name; what is not sampled is not even recorded."""
    config = TracingConfig(service_name="night desk", sample_ratio=0.0)
    exporter = CountingExporter(Collector(), collector="c:1")
    provider = make_tracer_provider(exporter, config, version="1.2")
    try:
        assert provider.resource.attributes == {
            "service.name": "night desk",
            "service.version": "1.2",
        }
        assert not provider.get_tracer("t").start_span("call").is_recording()
    finally:
        provider.shutdown()


def test_the_exporter_speaks_to_the_configured_collector() -> None:
    """At the whole address, with the headers."""
    config = TracingConfig(endpoint="http://127.0.0.1:9/over/here")
    exporter = make_exporter(config, {"authorization": "Bearer k-1"})
    assert exporter._collector == "127.0.0.1:9"
    inner = cast("Any", exporter._exporter)
    assert inner._endpoint == "http://127.0.0.1:9/over/here"
    exporter.shutdown()


def test_headers_are_written_as_otlp_has_them() -> None:
    """Percent-encoded, several with commas, names in any case."""
    text = "Authorization=Bearer%20k-1, x-team=voice%2Cnight,,X_Empty="
    assert parse_headers(text) == {
        "authorization": "Bearer k-1",
        "x-team": "voice,night",
        "x_empty": "",
    }


@pytest.mark.parametrize(
    "text", ["k-1", "=k-1", "a b=k-1", "a:b=k-1", "a=k-1%0d%0ax: y", "ok=1,k-1", "ä=k-1"]
)
def test_what_is_no_header_is_an_error_that_does_not_show_it(text: str) -> None:
    """It may be a key, written where a header belongs."""
    with pytest.raises(ValueError, match="is not name=value") as info:
        parse_headers(text)
    assert "k-1" not in str(info.value)


@given(st.text())
def test_any_text_gives_headers_or_an_error(text: str) -> None:
    """Headers that can be sent: no control characters, nothing beyond ASCII."""
    try:
        headers = parse_headers(text)
    except ValueError:
        return
    for name, value in headers.items():
        assert name
        assert name.isascii()
        assert not any(character in name + value for character in "\r\n\0")
