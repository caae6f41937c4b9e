"""A collector of traces on this machine: takes OTLP over HTTP, and decodes what it is sent."""

from __future__ import annotations

__all__ = ["OtlpCollector", "ReceivedSpan"]

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSpan:
    """A span as it came over the wire."""

    name: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value]
    events: tuple[str, ...]
    status: int
    resource: Mapping[str, Value]


@dataclass
class OtlpCollector:
    """What a collector was sent."""

    status: int = 200
    """What it answers with."""
    port: int = 0
    paths: set[str] = field(default_factory=set)
    headers: list[dict[str, str]] = field(default_factory=list)
    spans: list[ReceivedSpan] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)
    """Cleared, it leaves whoever asks waiting."""

    @classmethod
    @contextmanager
    def running(cls, status: int = 200) -> Iterator[OtlpCollector]:
        """Listen on a free port for the length of a block."""
        collector = cls(status=status)
        collector.may_answer.set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.receive(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        collector.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.may_answer.set()
            server.shutdown()
            server.server_close()
            thread.join()

    @property
    def endpoint(self) -> str:
        """Where it takes traces."""
        return f"http://127.0.0.1:{self.port}/v1/traces"

    def named(self, name: str) -> list[ReceivedSpan]:
        """Return the spans of a name, in the order in which they came."""
        return [span for span in self.spans if span.name == name]

    def receive(self, request: BaseHTTPRequestHandler) -> None:
        """Take a request, and answer it."""
        body = request.rfile.read(int(request.headers["content-length"]))
        self.paths.add(request.path)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.may_answer.wait(60)
        if self.status == 200:
            assert request.headers["content-type"] == "application/x-protobuf"
            self.spans += _decoded(body)
        answer = ExportTraceServiceResponse().SerializeToString()
        request.send_response(self.status)
        request.send_header("Content-Type", "application/x-protobuf")
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)


def _decoded(body: bytes) -> Iterator[ReceivedSpan]:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield _received(span, resource)


def _received(span: Span, resource: Mapping[str, Value]) -> ReceivedSpan:
    return ReceivedSpan(
        name=span.name,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_values(span.attributes),
        events=tuple(event.name for event in span.events),
        status=span.status.code,
        resource=resource,
    )


def _values(pairs: Iterator[KeyValue] | object) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}  # type: ignore[attr-defined]


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    assert kind is not None
    given: Value = getattr(value, kind)
    return given
