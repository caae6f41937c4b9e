"""Calls as log events: start and end, the gate's transitions, what the provider complains of.

Invariant: no audio, no transcript, no digit and no number dialled is ever logged, and nothing per
frame. Every event is listed in ``docs/events.md``; what a line or a provider logs of itself is not
logged here once more.
"""

from __future__ import annotations

__all__ = ["GATE_EVENTS", "CallLog", "GateLogEvent"]

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import structlog

from ..call_observer import CallEnded, CallObserver, CallStarted, ProviderSwitched
from ..config.models import LogLevel
from ..core.gate_decision import GateEvent, GateEventType
from ..providers.base import ProviderEvent, ProviderWarning
from ..transports.base import LineEvent, LineWarning
from .turn_times import TurnTimes


class GateLogEvent(NamedTuple):
    """How one kind of gate event stands in the log."""

    name: str
    level: LogLevel


_DEBUG, _INFO, _WARNING = LogLevel.DEBUG, LogLevel.INFO, LogLevel.WARNING

GATE_EVENTS: Mapping[GateEventType, GateLogEvent] = MappingProxyType(
    {
        GateEventType.GATE_CLOSED: GateLogEvent("gate.closed", _INFO),
        GateEventType.GATE_OPENED: GateLogEvent("gate.opened", _INFO),
        GateEventType.CANDIDATE_STARTED: GateLogEvent("gate.candidate_started", _DEBUG),
        GateEventType.CANDIDATE_DROPPED: GateLogEvent("gate.candidate_dropped", _DEBUG),
        GateEventType.BARGE_IN_COMMITTED: GateLogEvent("gate.barge_in_committed", _INFO),
        GateEventType.INTERRUPTED: GateLogEvent("gate.agent_interrupted", _INFO),
        GateEventType.RESUMED: GateLogEvent("gate.agent_resumed", _INFO),
        GateEventType.HELD_DISCARDED: GateLogEvent("gate.held_discarded", _DEBUG),
        GateEventType.ONSET_RELEASED: GateLogEvent("gate.onset_released", _DEBUG),
        GateEventType.DETECTOR_DEGRADED: GateLogEvent("gate.detector_degraded", _WARNING),
        GateEventType.MUSIC_ENTERED: GateLogEvent("gate.music_entered", _INFO),
        GateEventType.MUSIC_LEFT: GateLogEvent("gate.music_left", _INFO),
        GateEventType.GUARD_SUMMARY: GateLogEvent("gate.guard_summed_up", _INFO),
    }
)
"""Name and level of every gate event. Candidates come by the second where echo is loud, and what
is released or discarded comes with an event that says why; hence ``debug``."""

_MAX_WARNINGS = 50
"""Warnings logged a call. Codes of providers are theirs to make up, and may be many."""


@dataclass(slots=True)
class _Call:
    """What the summary of a running call needs, and no event at its end has."""

    line: str = ""
    provider: str | None = None
    """Who answers it."""
    warned: set[str] = field(default_factory=set)
    """What was warned of already, by code."""
    turns: TurnTimes = field(default_factory=TurnTimes)
    interruptions: int = 0


class CallLog(CallObserver):
    """Writes what happens on calls to the structured log."""

    hears_line_audio = False
    """Frames of the line tell it nothing."""

    def __init__(self) -> None:
        self._log = structlog.get_logger(__name__)
        self._calls: dict[str, _Call] = {}

    def on_call_started(self, event: CallStarted) -> None:
        """Log ``call.started``."""
        self._calls[event.call_id] = _Call(line=event.line, provider=event.provider)
        fields = {} if event.route is None else {"route": event.route}
        self._log.info(
            "call.started",
            call_id=event.call_id,
            line=event.line,
            provider=event.provider,
            **fields,
        )

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        """Log ``line.warned``, once a call and code."""
        del now_ms
        if isinstance(event, LineWarning) and self._is_first(call_id, event.code):
            self._log.warning("line.warned", call_id=call_id, code=event.code, detail=event.detail)

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        """Log ``gate.*``, at the level that the kind of event is worth."""
        if event.type is GateEventType.INTERRUPTED and call_id in self._calls:
            self._calls[call_id].interruptions += 1
        name, level = GATE_EVENTS[event.type]
        fields: dict[str, object] = {"count": event.count} if event.count else {}
        if event.detail:
            fields["detail"] = event.detail
        write = getattr(self._log, level.value)
        write(name, call_id=call_id, reason=event.reason.value, **fields)

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        """Log ``provider.warned``, once a call, provider and code; never what is said."""
        call = self._calls.get(call_id)
        if call is not None:
            call.turns.receive(now_ms, event)
        if not isinstance(event, ProviderWarning):
            return
        code = event.error.code or "unknown"
        name = None if call is None else call.provider
        if self._is_first(call_id, f"provider {name} {code}"):
            self._log.warning(
                "provider.warned",
                call_id=call_id,
                provider=name,
                peer=event.error.peer,
                code=code,
                detail=event.error.reason,
            )

    def on_provider_switched(self, event: ProviderSwitched) -> None:
        """Log ``call.provider_fell_back``."""
        if event.call_id in self._calls:
            self._calls[event.call_id].provider = event.provider
            self._calls[event.call_id].turns.lose_provider()
        self._log.warning(
            "call.provider_fell_back",
            call_id=event.call_id,
            previous=event.previous,
            provider=event.provider,
            code=event.error.code,
            was_ready=event.was_ready,
            held_frames=event.held_frames,
            dropped_frames=event.dropped_frames,
        )

    def on_call_ended(self, event: CallEnded) -> None:
        """Log ``call.ended``: one summary line a call."""
        call = self._calls.pop(event.call_id, None) or _Call()
        self._log.info(
            "call.ended",
            call_id=event.call_id,
            line=call.line,
            provider=event.provider,
            reason=event.reason,
            duration_ms=round(event.duration_ms),
            turns=call.turns.turns,
            warnings=len(call.warned),
            playout_underruns=event.playout_underruns,
            skipped_slots=event.skipped_slots,
            **_where_there_is_some(event, call),
        )

    def _is_first(self, call_id: str, code: str) -> bool:
        """Say whether a running call was not yet warned of something, and note that it is now."""
        call = self._calls.get(call_id)
        if call is None or code in call.warned or len(call.warned) >= _MAX_WARNINGS:
            return False
        call.warned.add(code)
        return True


def _where_there_is_some(event: CallEnded, call: _Call) -> dict[str, object]:
    """Return the fields of a summary that not every call has.

    A gate counts interruptions itself.
    """
    fields: dict[str, object] = {"detail": event.detail} if event.detail else {}
    if event.predecessors:
        fields["predecessors"] = list(event.predecessors)
    if call.turns.p50_ms is not None:
        fields["turn_p50_ms"] = round(call.turns.p50_ms)
        fields["turn_max_ms"] = round(call.turns.max_ms)
    if event.usage is not None:
        fields |= asdict(event.usage)
    fields |= _left_out(event)
    own = {"interruptions": call.interruptions}
    return fields | (own if event.gate is None else asdict(event.gate))


def _left_out(event: CallEnded) -> dict[str, object]:
    """Return what was left out because a bound was reached, where anything was."""
    counts = Counter({f"line_{name}": count for name, count in event.line_counts.items()})
    for each in event.provider_counts.values():
        counts.update({f"provider_{name}": count for name, count in each.items()})
    fields: dict[str, object] = {name: count for name, count in counts.items() if "dropped" in name}
    if event.playout_dropped_ms:
        fields["playout_dropped_ms"] = round(event.playout_dropped_ms)
    return fields
