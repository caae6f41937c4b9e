"""Calls as traces: one span a call, and in it sessions of providers, turns and answers.

What a span is given stands in ``docs/metrics.md``. Invariant: nothing that was said, dialled or
known of a caller gets into a span, and all its times are those of the events it is made of.
"""

from __future__ import annotations

__all__ = ["CallSpans"]

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from ..call_observer import CallEnded, CallObserver, CallStarted, ProviderSwitched
from ..core.gate_decision import GateEvent, GateEventType
from ..errors import ProviderError
from ..providers.base import (
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
)
from .metrics_labels import cause_of
from .turn_times import TurnTimes

_GATE_EVENTS: Mapping[GateEventType, str] = MappingProxyType(
    {
        GateEventType.BARGE_IN_COMMITTED: "gate.barge_in_committed",
        GateEventType.INTERRUPTED: "gate.agent_interrupted",
        GateEventType.RESUMED: "gate.agent_resumed",
        GateEventType.DETECTOR_DEGRADED: "gate.detector_degraded",
    }
)
_BAD_ENDS = frozenset(
    {
        "protocol_error",
        "transport_error",
        "provider_lost",
        "provider_unreachable",
        "internal_error",
    }
)
_NS_PER_MS = 1_000_000
_MAX_OPEN = 16
"""Answers of a call that are under way at a time; further ones get no span."""


class CallSpans(CallObserver):
    """Makes the spans of every call.

    Args:
        tracer: Who takes them.
        wall_clock_ns: Unix time in ns.
    """

    def __init__(self, tracer: Tracer, *, wall_clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._tracer = tracer
        self._wall_clock_ns = wall_clock_ns
        self._calls: dict[str, _TracedCall] = {}

    def on_call_started(self, event: CallStarted) -> None:  # noqa: D102 - as in the base
        offset_ns = self._wall_clock_ns() - round(event.started_ms * _NS_PER_MS)
        self._calls[event.call_id] = _TracedCall(self._tracer, event, offset_ns)

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:  # noqa: D102
        call = self._calls.get(call_id)
        if call is not None and (name := _GATE_EVENTS.get(event.type)) is not None:
            call.add_event(name, event.t_ms, {"voxgate.reason": event.reason.value})

    def on_provider_event(  # noqa: D102
        self, call_id: str, now_ms: float, event: ProviderEvent
    ) -> None:
        call = self._calls.get(call_id)
        if call is not None:
            call.receive(now_ms, event)

    def on_provider_switched(self, event: ProviderSwitched) -> None:  # noqa: D102
        call = self._calls.get(event.call_id)
        if call is not None:
            call.switch(event)

    def on_call_ended(self, event: CallEnded) -> None:  # noqa: D102
        call = self._calls.pop(event.call_id, None)
        if call is not None:
            call.end(event)


class _TracedCall:
    """The spans of one call that are not over."""

    def __init__(self, tracer: Tracer, event: CallStarted, offset_ns: int) -> None:
        self._tracer = tracer
        self._offset_ns = offset_ns
        self._started_ms = event.started_ms
        self._turns = TurnTimes()
        self._turn: Span | None = None
        self._turn_began_ms = 0.0
        self._answers: dict[str, Span] = {}
        self._unheard: Span | None = None
        """The newest answer of which no audio has come."""
        self._call = tracer.start_span(
            "call",
            kind=SpanKind.SERVER,
            start_time=self._ns(event.started_ms),
            attributes={"voxgate.call_id": event.call_id, "voxgate.line": event.line},
        )
        if event.route is not None:
            self._call.set_attribute("voxgate.route", event.route)
        self._session = self._start_session(event.provider, event.started_ms)

    def add_event(self, name: str, at_ms: float, attributes: Mapping[str, str]) -> None:
        """Note something that happened on the call."""
        self._call.add_event(name, attributes, self._ns(at_ms))

    def receive(self, now_ms: float, event: ProviderEvent) -> None:
        """Take what the provider says."""
        turn_ms = self._turns.receive(now_ms, event)
        match event:
            case AgentAudio():
                self._hear(now_ms, turn_ms)
            case CallerSpeechStarted(_, capture_ms):
                self._begin_turn(now_ms if capture_ms is None else min(now_ms, capture_ms))
            case CallerSpeechStopped(capture_ms):
                self._end_turn(now_ms if capture_ms is None else capture_ms)
            case ResponseStarted(response_id):
                self._begin_answer(response_id, now_ms)
            case ResponseDone(response_id, status):
                self._end_answer(response_id, status, now_ms)
            case _:
                self._follow_session(now_ms, event)

    def switch(self, event: ProviderSwitched) -> None:
        """Take that another provider has taken over."""
        attributes = {
            "voxgate.previous": event.previous,
            "voxgate.provider": event.provider,
            "error.type": cause_of(event.error.code).value,
        }
        self.add_event("call.provider_fell_back", event.now_ms, attributes)
        self._end_children(event.now_ms)
        self._turns.lose_provider()
        self._session.end(self._ns(event.now_ms))
        self._session = self._start_session(event.provider, event.now_ms)

    def end(self, event: CallEnded) -> None:
        """Take that the call is over."""
        end_ms = self._started_ms + event.duration_ms
        self._end_children(end_ms)
        self._session.end(self._ns(end_ms))
        self._call.set_attributes(self._summary(event))
        if event.reason in _BAD_ENDS:
            self._call.set_status(Status(StatusCode.ERROR, event.reason))
        self._call.end(self._ns(end_ms))

    # -- private steps -----------------------------------------------------------------------------

    def _summary(self, event: CallEnded) -> dict[str, str | int | float]:
        told: dict[str, str | int | float] = {
            "voxgate.provider": event.provider,
            "voxgate.end_reason": event.reason,
            "voxgate.playout_underruns": event.playout_underruns,
            "voxgate.skipped_slots": event.skipped_slots,
            "voxgate.turns": self._turns.turns,
        }
        if self._turns.p50_ms is not None:
            told["voxgate.turn_p50_ms"] = round(self._turns.p50_ms)
            told["voxgate.turn_max_ms"] = round(self._turns.max_ms)
        if event.gate is not None:
            told["voxgate.barge_ins"] = event.gate.barge_ins
            told["voxgate.interruptions"] = event.gate.interruptions
        if event.usage is not None:
            told["gen_ai.usage.input_tokens"] = event.usage.input_tokens
            told["gen_ai.usage.output_tokens"] = event.usage.output_tokens
        return told

    def _start_session(self, provider: str, at_ms: float) -> Span:
        attributes: dict[str, str] = {"voxgate.provider": provider}
        return self._start("provider session", at_ms, attributes, kind=SpanKind.CLIENT)

    def _start(
        self,
        name: str,
        at_ms: float,
        attributes: Mapping[str, str] | None = None,
        *,
        parent: Span | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Span:
        return self._tracer.start_span(
            name,
            set_span_in_context(parent or self._call),
            kind=kind,
            attributes=attributes,
            start_time=self._ns(at_ms),
        )

    def _follow_session(self, now_ms: float, event: ProviderEvent) -> None:
        match event:
            case ProviderReady(reconnected):
                self._note("provider.reconnected" if reconnected else "provider.ready", now_ms)
            case ProviderDisconnected(error):
                self._note("provider.disconnected", now_ms, error)
            case ProviderWarning(error):
                self._note("provider.warned", now_ms, error)
            case ProviderEnded(ProviderError() as error):
                self._note("provider.lost", now_ms, error)
                self._session.set_status(Status(StatusCode.ERROR, cause_of(error.code).value))

    def _note(self, name: str, now_ms: float, error: ProviderError | None = None) -> None:
        attributes = {} if error is None else {"error.type": cause_of(error.code).value}
        self._session.add_event(name, attributes, self._ns(now_ms))

    def _begin_turn(self, at_ms: float) -> None:
        if self._turn is None:
            self._turn_began_ms = max(at_ms, self._started_ms)
            self._turn = self._start("caller turn", self._turn_began_ms)

    def _end_turn(self, at_ms: float) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.end(self._ns(max(at_ms, self._turn_began_ms)))

    def _begin_answer(self, response_id: str, now_ms: float) -> None:
        if len(self._answers) < _MAX_OPEN and response_id not in self._answers:
            answer = self._start("agent response", now_ms, parent=self._session)
            self._answers[response_id] = self._unheard = answer

    def _hear(self, now_ms: float, turn_ms: float | None) -> None:
        answer, self._unheard = self._unheard, None
        if answer is not None:
            answer.add_event("first audio", timestamp=self._ns(now_ms))
            if turn_ms is not None:
                answer.set_attribute("voxgate.turn_ms", round(turn_ms))

    def _end_answer(self, response_id: str, status: str, now_ms: float) -> None:
        answer = self._answers.pop(response_id, None)
        if answer is None:
            return
        if answer is self._unheard:
            self._unheard = None
        answer.set_attribute("voxgate.response_status", status)
        if status == "failed":
            answer.set_status(Status(StatusCode.ERROR, status))
        answer.end(self._ns(now_ms))

    def _end_children(self, now_ms: float) -> None:
        self._end_turn(now_ms)
        for response_id in list(self._answers):
            self._end_answer(response_id, "unfinished", now_ms)

    def _ns(self, at_ms: float) -> int:
        return self._offset_ns + round(at_ms * _NS_PER_MS)
