"""Calls as traces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from support.scripted_call import decision, gate_event
from voxgate.call_observer import CallEnded, CallStarted, Observers, ProviderSwitched
from voxgate.core.call_stats import CallStats
from voxgate.core.gate_decision import GateEventType
from voxgate.errors import ProviderError
from voxgate.observe.call_spans import CallSpans
from voxgate.providers.base import (
    AgentAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
    Speaker,
    TokenUsage,
    Transcript,
)

_WALL_NS = 1_800_000_000_000_000_000
_STARTED_MS = 5000.0
_ERROR = ProviderError("p", "no", code="close_1006", retryable=True)


class Rig:
    """One call, and the spans that are over."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        spans = CallSpans(provider.get_tracer("test"), wall_clock_ns=lambda: _WALL_NS)
        self.observers = Observers([spans])

    def start(self, **more: Any) -> None:
        started = CallStarted(
            call_id="c-1",
            provider="agent",
            line="twilio",
            started_ms=_STARTED_MS,
            metadata={"caller_number": "+49301234"},
        )
        self.observers.on_call_started(replace(started, **more))

    def say(self, after_ms: float, *events: ProviderEvent) -> None:
        for event in events:
            self.observers.on_provider_event("c-1", _STARTED_MS + after_ms, event)

    def end(self, **more: Any) -> None:
        ended = CallEnded(
            call_id="c-1",
            provider="agent",
            reason="caller_hangup",
            detail="+49301234",
            duration_ms=9000.0,
            gate=None,
            playout_underruns=1,
            skipped_slots=2,
        )
        self.observers.on_call_ended(replace(ended, **more))

    def spans(self, name: str) -> list[ReadableSpan]:
        """Return those of a name that are over, in the order of their ends."""
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def all(self) -> Iterator[ReadableSpan]:
        return iter(self._exporter.get_finished_spans())


@pytest.fixture
def rig() -> Rig:
    return Rig()


def at(after_ms: float) -> int:
    return _WALL_NS + round(after_ms * 1e6)


def test_a_call_is_one_trace(rig: Rig) -> None:
    """A span from its acceptance to its end, and in it the session of the provider."""
    rig.start(route=2)
    rig.say(100.0, ProviderReady())
    rig.end(gate=CallStats(barge_ins=3, interruptions=2), usage=TokenUsage(input_tokens=7))
    (call,), (session,) = rig.spans("call"), rig.spans("provider session")
    assert (call.start_time, call.end_time) == (at(0), at(9000))
    assert (call.kind, session.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert call.parent is None
    assert session.parent == call.context
    assert (session.start_time, session.end_time) == (at(0), at(9000))
    assert [(event.name, event.timestamp) for event in session.events] == [
        ("provider.ready", at(100))
    ]
    assert call.status.status_code is StatusCode.UNSET
    assert dict(call.attributes or {}) == {
        "voxgate.call_id": "c-1",
        "voxgate.line": "twilio",
        "voxgate.route": 2,
        "voxgate.provider": "agent",
        "voxgate.end_reason": "caller_hangup",
        "voxgate.playout_underruns": 1,
        "voxgate.skipped_slots": 2,
        "voxgate.turns": 0,
        "voxgate.barge_ins": 3,
        "voxgate.interruptions": 2,
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 0,
    }


def test_turns_and_answers_are_spans_of_their_own(rig: Rig) -> None:
    """A turn where the caller spoke, as far as the provider dates it; an answer with its first
    audio and the time that the caller's turn was over by then."""
    rig.start()
    rig.say(1500.0, CallerSpeechStarted(decision(), capture_ms=_STARTED_MS + 1200.0))
    rig.say(2600.0, CallerSpeechStopped(capture_ms=_STARTED_MS + 2000.0))
    rig.say(2700.0, ResponseStarted("r-1"))
    rig.say(2900.0, AgentAudio("i", b""), AgentAudio("i", b""))
    rig.say(3500.0, ResponseDone("r-1", "completed"))
    rig.end()
    (call,), (session,) = rig.spans("call"), rig.spans("provider session")
    (turn,), (answer,) = rig.spans("caller turn"), rig.spans("agent response")
    assert (turn.start_time, turn.end_time) == (at(1200), at(2000))
    assert (turn.parent, answer.parent) == (call.context, session.context)
    assert (answer.start_time, answer.end_time) == (at(2700), at(3500))
    assert [(event.name, event.timestamp) for event in answer.events] == [("first audio", at(2900))]
    assert answer.attributes == {"voxgate.turn_ms": 900, "voxgate.response_status": "completed"}
    assert call.attributes is not None
    assert call.attributes["voxgate.turns"] == 1
    assert call.attributes["voxgate.turn_p50_ms"] == 900
    assert call.attributes["voxgate.turn_max_ms"] == 900


@pytest.mark.parametrize("stopped_ms", [900.0, None])
def test_no_turn_ends_before_it_began(rig: Rig, stopped_ms: float | None) -> None:
    """Whatever a provider's clock says, and where the call ends before the provider's time."""
    rig.start()
    rig.say(1000.0, CallerSpeechStarted(decision(), capture_ms=_STARTED_MS + 9100.0))
    if stopped_ms is not None:
        rig.say(1500.0, CallerSpeechStopped(capture_ms=_STARTED_MS + stopped_ms))
    rig.end()
    (turn,) = rig.spans("caller turn")
    assert turn.start_time == at(1000)
    assert turn.end_time == at(1000 if stopped_ms is not None else 9000)


def test_interruptions_are_events_of_the_call(rig: Rig) -> None:
    """With their reasons; what is neither good nor bad news is left out."""
    rig.start()
    for event_type in GateEventType:
        event = gate_event(event_type, t_ms=_STARTED_MS + 50.0)
        rig.observers.on_gate_event("c-1", event)
    rig.end()
    (call,) = rig.spans("call")
    assert [event.name for event in call.events] == [
        "gate.barge_in_committed",
        "gate.agent_interrupted",
        "gate.agent_resumed",
        "gate.detector_degraded",
    ]
    assert {event.timestamp for event in call.events} == {at(50)}
    assert call.events[0].attributes == {"voxgate.reason": "barge_in"}


def test_trouble_of_a_provider_is_told_by_its_cause(rig: Rig) -> None:
    """Only its loss is an error; a good end is none."""
    rig.start()
    rig.say(10.0, ProviderWarning(_ERROR), ProviderDisconnected(_ERROR))
    rig.say(20.0, ProviderReady(reconnected=True), ProviderEnded(_ERROR))
    rig.end(reason="provider_lost")
    (call,), (session,) = rig.spans("call"), rig.spans("provider session")
    assert [event.name for event in session.events] == [
        "provider.warned",
        "provider.disconnected",
        "provider.reconnected",
        "provider.lost",
    ]
    assert session.events[0].attributes == {"error.type": "connection_lost"}
    assert session.status.description == "connection_lost"
    assert (call.status.status_code, call.status.description) == (
        StatusCode.ERROR,
        "provider_lost",
    )


def test_a_provider_that_takes_over_has_a_session_of_its_own(rig: Rig) -> None:
    """What was under way with the other one ends there, unfinished."""
    rig.start()
    rig.say(500.0, CallerSpeechStarted(decision()), ResponseStarted("r-1"))
    rig.observers.on_provider_switched(
        ProviderSwitched(
            call_id="c-1",
            now_ms=_STARTED_MS + 800.0,
            previous="agent",
            provider="second",
            error=_ERROR,
            was_ready=True,
            held_frames=0,
            dropped_frames=0,
        )
    )
    rig.end(provider="second")
    first, second = rig.spans("provider session")
    assert (first.end_time, second.start_time) == (at(800), at(800))
    assert first.attributes == {"voxgate.provider": "agent"}
    assert second.attributes == {"voxgate.provider": "second"}
    (answer,), (turn,) = rig.spans("agent response"), rig.spans("caller turn")
    assert answer.attributes == {"voxgate.response_status": "unfinished"}
    assert (answer.end_time, turn.end_time) == (at(800), at(800))
    (event,) = rig.spans("call")[0].events
    assert event.name == "call.provider_fell_back"
    assert event.attributes == {
        "voxgate.previous": "agent",
        "voxgate.provider": "second",
        "error.type": "connection_lost",
    }


def test_an_answer_that_failed_is_an_error(rig: Rig) -> None:
    """One that was cancelled is none: the caller interrupted it."""
    rig.start()
    rig.say(10.0, ResponseStarted("a"), ResponseStarted("b"))
    rig.say(20.0, ResponseDone("a", "failed"), ResponseDone("b", "cancelled"))
    rig.say(30.0, ResponseDone("never", "completed"))
    rig.end()
    codes = [span.status.status_code for span in rig.spans("agent response")]
    assert codes == [StatusCode.ERROR, StatusCode.UNSET]


def test_the_number_of_open_answers_is_bounded(rig: Rig) -> None:
    """Whatever a provider begins."""
    rig.start()
    for number in range(100):
        rig.say(10.0, ResponseStarted(f"r-{number}"))
    rig.end()
    assert len(rig.spans("agent response")) == 16


def test_nothing_personal_gets_into_a_span(rig: Rig) -> None:
    """Neither what was said nor who calls nor what a line adds to the reason of the end."""
    rig.start()
    text = Transcript(speaker=Speaker.CALLER, item_id="i", text="my card", is_final=True)
    rig.say(10.0, text, ProviderWarning(_ERROR))
    rig.end(reason="transport_error")
    told = "".join(span.to_json() for span in rig.all())
    assert "my card" not in told
    assert "49301234" not in told
    assert "voxgate.end_reason" in told


def test_what_happens_to_calls_that_nobody_knows_is_left_out(rig: Rig) -> None:
    """Tracing may begin in the middle of a call."""
    rig.say(10.0, ProviderReady())
    rig.observers.on_gate_event("c-1", gate_event(GateEventType.RESUMED))
    rig.end()
    assert list(rig.all()) == []
    assert rig.observers.failures == 0
