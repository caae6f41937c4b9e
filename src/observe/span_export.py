"""Spans on their way to a collector: batched and posted by a thread of their own.

Invariant: a collector that is away, slow or wrong costs spans, which are counted, and never a call;
nothing of what it answers, and no header, gets into the log.
"""

from __future__ import annotations

__all__ = ["CountingExporter", "make_exporter", "make_tracer_provider", "parse_headers"]

import logging
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from ..clock import Clock, monotonic_ms
from ..config.tracing_model import TracingConfig
from ..transports.limited_log import LimitedLog

_log = structlog.get_logger(__name__)

_TIMEOUT_S = 5.0
"""Time in s that a batch gets to be taken, with what is tried again in it."""
_MAX_WAITING = 4096
"""Spans that wait for a collector, of a hundred calls or so; the oldest go beyond, and the library
logs it."""
_BATCH = 512
_DELAY_MS = 2000
"""Longest time in ms that a span waits for others: a call shows within seconds of its end."""
_MAX_EVENTS = 1000
"""Events of a span; the oldest go."""
_UNKNOWN = "unknown"
_LIBRARY = "opentelemetry.exporter"
"""Where the library logs what went wrong, with every attempt."""


class CountingExporter(SpanExporter):
    """Counts what becomes of spans, and says it once a minute if they are lost.

    Args:
        exporter: Who sends them.
        collector: Host and port, for the log.
        clock: Monotonic time in ms.
        room: Spans that can wait or be under way; what is expected beyond is lost.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        collector: str,
        clock: Clock = monotonic_ms,
        room: int = _MAX_WAITING + _BATCH,
    ) -> None:
        self._exporter = exporter
        self._collector = collector
        self._trouble = _Trouble()
        self._log = LimitedLog(_log, clock)
        self._room = room
        self._refused = 0
        self._crowded_out = 0
        self.expected = 0
        """Spans that are to be exported."""
        self.exported = 0
        """Spans that a collector has taken."""

    @property
    def lost(self) -> int:
        """Spans that no collector has taken, and none will."""
        return self._refused + self._crowded_out

    def expect(self) -> None:
        """Take that a span has ended, which will be exported if there is room for it."""
        self.expected += 1
        if self.expected - self.exported - self.lost > self._room:
            self._crowded_out += 1

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; called by the thread of the batches."""
        library = logging.getLogger(_LIBRARY)
        library.addHandler(self._trouble)
        was_shown, library.propagate = library.propagate, False
        self._trouble.word = _UNKNOWN
        try:
            result = self._exporter.export(spans)
        except Exception as exc:  # noqa: BLE001 - whatever it is, these spans are lost
            self._trouble.word = type(exc).__name__
            result = SpanExportResult.FAILURE
        finally:
            library.propagate = was_shown
            library.removeHandler(self._trouble)
        if result is SpanExportResult.SUCCESS:
            self.exported += len(spans)
            return result
        self._refused += len(spans)
        self._log.warning(
            "tracing.export_failed",
            collector=self._collector,
            reason=self._trouble.word,
            lost_spans=self.lost,
        )
        return result

    def shutdown(self) -> None:
        """Send nothing more."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return whether nothing waits: nothing ever does here."""
        del timeout_millis
        return True


class _Trouble(logging.Handler):
    """Takes from what the library logs what kind of trouble it is, and drops the rest."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.word = _UNKNOWN

    def emit(self, record: logging.LogRecord) -> None:
        for given in record.args if isinstance(record.args, tuple) else ():
            if isinstance(given, int):
                self.word = f"http_{given}"
                return
            if isinstance(given, BaseException):
                self.word = type(given).__name__


class _Expecting(SpanProcessor):
    """Tells an exporter of every span that ends: some never get to it."""

    def __init__(self, exporter: CountingExporter) -> None:
        self._exporter = exporter

    def on_end(self, span: ReadableSpan) -> None:
        del span
        self._exporter.expect()


def make_tracer_provider(
    exporter: CountingExporter, config: TracingConfig, *, version: str
) -> TracerProvider:
    """Return what makes spans and gives them to an exporter, from a thread of its own.

    Args:
        exporter: Who sends them.
        config: The section ``tracing``.
        version: Of voxgate.
    """
    provider = TracerProvider(
        sampler=TraceIdRatioBased(config.sample_ratio),
        resource=Resource({"service.name": config.service_name, "service.version": version}),
        span_limits=SpanLimits(max_events=_MAX_EVENTS),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(_Expecting(exporter))
    provider.add_span_processor(
        BatchSpanProcessor(
            exporter,
            max_queue_size=_MAX_WAITING,
            schedule_delay_millis=_DELAY_MS,
            max_export_batch_size=_BATCH,
        )
    )
    return provider


def make_exporter(config: TracingConfig, headers: Mapping[str, str]) -> CountingExporter:
    """Return who posts spans to the collector of the configuration."""
    return CountingExporter(
        OTLPSpanExporter(endpoint=config.endpoint, headers=dict(headers), timeout=_TIMEOUT_S),
        collector=urlsplit(config.endpoint).netloc,
    )


def parse_headers(text: str) -> dict[str, str]:
    """Return headers that stand as ``name=value,name=value``, percent-encoded, as OTLP has them.

    Raises:
        ValueError: one of them is none; its text is not in the message, as it may be a secret.
    """
    headers: dict[str, str] = {}
    for number, part in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
        name, is_pair, value = part.partition("=")
        name, value = unquote(name).strip().lower(), unquote(value).strip()
        is_name = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        if not is_pair or not is_name or not (value.isascii() and value.isprintable()):
            raise ValueError(f"header {number} is not name=value, percent-encoded")
        headers[name] = value
    return headers
