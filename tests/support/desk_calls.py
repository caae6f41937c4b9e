"""Calls as observers are told of them, for the desk's tests."""

from __future__ import annotations

__all__ = ["decided", "ended", "gate_event", "played", "roster_with", "started"]

from datetime import UTC, datetime
from typing import Any

from voxgate.call_observer import CallEnded, CallStarted
from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.core.playout import PlayoutFrame
from voxgate.observe.desk.call_roster import CallRoster

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def started(call_id: str = "one", **more: Any) -> CallStarted:
    """Return the start of a call, at 1000 ms."""
    return CallStarted(**{"provider": "embedded", "started_ms": 1000.0, **more}, call_id=call_id)


def ended(call_id: str = "one", reason: str = "caller_hangup") -> CallEnded:
    """Return the end of a call, after 2.5 s."""
    return CallEnded(
        call_id=call_id,
        provider="embedded",
        reason=reason,
        duration_ms=2500.0,
        gate=None,
        playout_underruns=0,
        skipped_slots=0,
    )


def roster_with(*call_ids: str, **more: Any) -> CallRoster:
    """Return a list of calls that all began at noon."""
    roster = CallRoster(lambda: NOON)
    for call_id in call_ids:
        roster.on_call_started(started(call_id, **more))
    return roster


def decided(
    reason: GateReason = GateReason.CALLER_SPEECH,
    *,
    state: GateState = GateState.OPEN,
    action: GateAction = GateAction.FORWARD,
    audio: tuple[bytes, ...] = (),
    **measured: Any,
) -> GateDecision:
    """Return a decision; with measurements where some are given."""
    return GateDecision(
        action=action,
        state=state,
        reason=reason,
        audio=audio,
        measurements=GateMeasurements(**measured) if measured else None,
    )


def gate_event(t_ms: float = 1500.0) -> GateEvent:
    """Return something that happened at a gate."""
    return GateEvent(
        type=GateEventType.GATE_CLOSED, t_ms=t_ms, reason=GateReason.AGENT_AUDIBLE, count=3
    )


def played(audio: bytes, *, is_agent_audio: bool = True) -> PlayoutFrame:
    """Return what a line plays in a slot."""
    return PlayoutFrame(audio=audio, is_agent_audio=is_agent_audio, item_id=None)
