"""Calls of an engine as traces, posted to a collector that decodes them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.otlp_collector import OtlpCollector
from support.scripted_call import RecordingObserver, loud_frame
from support.telephone import until
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.config.tracing_model import TracingConfig
from voxgate.engine import AIEngine
from voxgate.observe import call_tracing
from voxgate.observe.call_tracing import CallTracing
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider
from voxgate.providers.setup import ProviderSetup
from voxgate.transports.base import LineAudio, LineHangup
from voxgate.transports.registry import TransportRegistry
from voxgate.transports.scripted import ScriptedLine, ScriptedTransport


class Exchange:
    """An engine with scripted lines and providers, whose calls are traced."""

    def __init__(self, endpoint: str, **tracing: Any) -> None:
        self.transport = ScriptedTransport()
        self.observer = RecordingObserver()
        self.providers: dict[str, ScriptedProvider] = {}
        registry = ProviderRegistry()
        registry.register("openai_realtime", self._make)
        agent = OpenAIRealtimeConfig(url="ws://127.0.0.1:9/v1", api_key_env=None)
        self.engine = AIEngine(
            AppConfig(
                engine=EngineConfig(default_provider="agent"),
                providers={"agent": agent},
                tracing=TracingConfig(enabled=True, endpoint=endpoint, **tracing),
            ),
            observers=[self.observer],
            environ={},
            providers=registry,
            transports=TransportRegistry(
                [("audiosocket", lambda section, environ: self.transport)]
            ),
        )
        environ = {"OTLP_HEADERS": "authorization=Bearer%20k-1"}
        self.tracing = CallTracing(self.engine, environ=environ)

    def _make(self, setup: ProviderSetup) -> ScriptedProvider:
        provider = ScriptedProvider.from_setup(setup)
        self.providers[setup.call_id] = provider
        return provider

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Trace and serve for the length of a block."""
        await self.tracing.start()
        try:
            await self.engine.start()
            try:
                yield
            finally:
                await self.engine.stop()
        finally:
            await self.tracing.stop()

    async def call(self, call_id: str) -> None:
        """Have a call with a turn and its answer, to its end."""
        line = ScriptedLine(call_id, metadata={"caller_number": "+49301234"})
        served = asyncio.create_task(self.transport.place_call(line))
        await until(lambda: call_id in self.providers)
        provider = self.providers[call_id]
        line.receive(LineAudio(loud_frame()))
        provider.hear_caller()
        provider.hear_caller_stop()
        provider.speak(loud_frame(1))
        await until(lambda: loud_frame(1) in line.heard)
        line.receive(LineHangup("caller_hangup"))
        await served


async def test_a_call_arrives_at_the_collector() -> None:
    """As one trace, whole, with the headers that it asks for and nothing personal."""
    with OtlpCollector.running() as collector:
        exchange = Exchange(
            collector.endpoint, service_name="night-desk", headers_env="OTLP_HEADERS"
        )
        async with exchange.running():
            await exchange.call("call-1")
            await exchange.call("call-2")
    assert collector.paths == {"/v1/traces"}
    assert {headers["authorization"] for headers in collector.headers} == {"Bearer k-1"}
    calls = {span.attributes["voxgate.call_id"]: span for span in collector.named("call")}
    assert set(calls) == {"call-1", "call-2"}
    call = calls["call-1"]
    assert call.resource["service.name"] == "night-desk"
    assert call.attributes["voxgate.end_reason"] == "caller_hangup"
    assert call.attributes["voxgate.turns"] == 1
    assert (call.parent_id, call.status) == (b"", 0)
    inner = [span for span in collector.spans if span.trace_id == call.trace_id and span != call]
    by_name = {span.name: span for span in inner}
    assert sorted(span.name for span in inner) == [
        "agent response",
        "caller turn",
        "provider session",
    ]
    session, answer = by_name["provider session"], by_name["agent response"]
    assert (session.parent_id, answer.parent_id) == (call.span_id, session.span_id)
    assert "provider.ready" in session.events
    assert answer.events == ("first audio",)
    assert answer.attributes["voxgate.response_status"] == "completed"
    for span in inner:
        assert call.start_ns <= span.start_ns <= span.end_ns <= call.end_ns
    assert "+49301234" not in str(collector.spans)
    assert (exchange.tracing.exported, exchange.tracing.lost) == (8, 0)


async def test_a_collector_that_is_away_hurts_no_call() -> None:
    """What is lost is counted and said; the key that it would be sent is not."""
    with socket.socket() as taken, capture_logs() as logged:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else can
        port = taken.getsockname()[1]
        exchange = Exchange(f"http://127.0.0.1:{port}/v1/traces", headers_env="OTLP_HEADERS")
        async with exchange.running():
            await exchange.call("call-1")
    assert [ended.reason for ended in exchange.observer.ended] == ["caller_hangup"]
    assert (exchange.tracing.exported, exchange.tracing.lost) == (0, 4)
    (failed,) = (entry for entry in logged if entry["event"] == "tracing.export_failed")
    assert (failed["collector"], failed["lost_spans"]) == (f"127.0.0.1:{port}", 4)
    assert "k-1" not in str(logged)


async def test_a_collector_that_refuses_us_is_named_with_its_answer() -> None:
    """So that an operator knows that it is the key."""
    with OtlpCollector.running(status=401) as collector, capture_logs() as logged:
        exchange = Exchange(collector.endpoint)
        async with exchange.running():
            await exchange.call("call-1")
    (failed,) = (entry for entry in logged if entry["event"] == "tracing.export_failed")
    assert failed["reason"] == "http_401"
    assert exchange.tracing.lost == 4


async def test_nobody_waits_for_a_collector_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine ends all the same; the last spans get their time and no more."""
    monkeypatch.setattr(call_tracing, "_LAST_SPANS_S", 0.05)
    with OtlpCollector.running() as collector:
        collector.may_answer.clear()
        exchange = Exchange(collector.endpoint)
        async with exchange.running():
            await exchange.call("call-1")
        assert exchange.tracing.exported == 0


async def test_a_call_that_is_not_sampled_is_not_sent() -> None:
    """Nor is a part of it."""
    with OtlpCollector.running() as collector:
        exchange = Exchange(collector.endpoint, sample_ratio=0.0)
        async with exchange.running():
            await exchange.call("call-1")
    assert collector.spans == []
    assert [ended.reason for ended in exchange.observer.ended] == ["caller_hangup"]
