"""Calls as log events: start and end, the gate's transitions, what the provider reports.

Invariant: no audio, no transcript, no digit and no number dialled is ever logged, and nothing per
frame. Every event is listed in ``docs/events.md``.
"""

from __future__ import annotations

__all__ = ["CallLog"]

from dataclasses import asdict

import structlog

from ..call_observer import CallEnded, CallObserver, CallStarted
from ..core.gate_decision import GateEvent, GateEventType
from ..providers.base import (
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ProviderWarning,
)
from ..transports.base import LineEvent, LineWarning

_LEVELS = {
    GateEventType.DETECTOR_DEGRADED: "warning",
    GateEventType.GATE_CLOSED: "debug",
    GateEventType.GATE_OPENED: "debug",
    GateEventType.HELD_DISCARDED: "debug",
    GateEventType.ONSET_RELEASED: "debug",
}


class CallLog(CallObserver):
    """Writes what happens on calls to the structured log."""

    def __init__(self) -> None:
        self._log = structlog.get_logger(__name__)
        self._warned: set[tuple[str, str]] = set()

    def on_call_started(self, event: CallStarted) -> None:
        """Log ``call.started``."""
        self._log.info("call.started", call_id=event.call_id, provider=event.provider)

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        """Log ``line.warned``, once a call and code."""
        del now_ms
        if isinstance(event, LineWarning) and (call_id, event.code) not in self._warned:
            self._warned.add((call_id, event.code))
            self._log.warning("line.warned", call_id=call_id, code=event.code, detail=event.detail)

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        """Log ``gate.*``, at the level that the kind of event is worth."""
        write = getattr(self._log, _LEVELS.get(event.type, "info"))
        fields: dict[str, object] = {"count": event.count} if event.count else {}
        if event.detail:
            fields["detail"] = event.detail
        write(f"gate.{event.type}", call_id=call_id, reason=str(event.reason), **fields)

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        """Log what the provider reports of itself; never what is said."""
        del now_ms
        if isinstance(event, ProviderReady):
            self._log.info(
                "provider.ready",
                call_id=call_id,
                reconnected=event.reconnected,
                held_frames=event.held_frames,
                dropped_frames=event.dropped_frames,
            )
        elif isinstance(event, ProviderDisconnected):
            self._log.warning("provider.disconnected", call_id=call_id, error=str(event.error))
        elif isinstance(event, ProviderWarning):
            self._log.warning("provider.warned", call_id=call_id, error=str(event.error))
        elif isinstance(event, ProviderEnded) and event.error is not None:
            self._log.error("provider.lost", call_id=call_id, error=str(event.error))

    def on_call_ended(self, event: CallEnded) -> None:
        """Log ``call.ended``: one summary line a call."""
        self._warned = {pair for pair in self._warned if pair[0] != event.call_id}
        self._log.info(
            "call.ended",
            call_id=event.call_id,
            provider=event.provider,
            reason=event.reason,
            duration_ms=round(event.duration_ms),
            playout_underruns=event.playout_underruns,
            skipped_slots=event.skipped_slots,
            **(asdict(event.gate) if event.gate is not None else {}),
        )
