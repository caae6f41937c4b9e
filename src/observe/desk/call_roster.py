"""Which calls there are and were: the list that the desk shows, kept whether anybody looks or not.

Invariant: nothing here happens per frame; what is kept of calls that are over is bounded, and so is
what is kept of each.
"""

from __future__ import annotations

__all__ = ["CallRoster", "RosterEntry"]

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...call_observer import CallEnded, CallObserver, CallStarted, ProviderSwitched
from ...core.audio import AudioFormat
from ...core.gate_decision import GateEvent

_MAX_ENDED = 50
"""Calls that are over and still shown."""
_MAX_EVENTS = 200
"""Gate events of one call that are kept, the newest."""


@dataclass(slots=True, eq=False, kw_only=True)
class RosterEntry:
    """One call, running or over."""

    key: int
    """Names it in the feed; never used twice."""
    call_id: str
    line: str
    """Kind of line; empty where nobody says."""
    provider: str
    predecessors: list[str] = field(default_factory=list)
    """Providers that failed before it."""
    started_ms: float
    """On the engine's clock."""
    started_at: datetime
    capture_format: AudioFormat
    playout_format: AudioFormat
    events: deque[GateEvent] = field(default_factory=lambda: deque(maxlen=_MAX_EVENTS))
    ended: CallEnded | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CallRoster(CallObserver):
    """Keeps the calls that run, and the last ones that are over.

    Args:
        utc_now: Says what time of the day it is.
    """

    def __init__(self, utc_now: Callable[[], datetime] = _utc_now) -> None:
        self._utc_now = utc_now
        self._running: dict[str, RosterEntry] = {}
        self._ended: deque[RosterEntry] = deque(maxlen=_MAX_ENDED)
        self._last_key = 0
        self.version = 0
        """Grows whenever a call begins, ends or changes its provider."""
        self.reasons: dict[str, int] = {}
        """How many calls ended for which reason, so far."""

    @property
    def running(self) -> Iterable[RosterEntry]:
        """The calls that run, oldest first."""
        return tuple(self._running.values())

    @property
    def ended(self) -> Iterable[RosterEntry]:
        """The last calls that are over, newest first."""
        return tuple(self._ended)

    def running_call(self, call_id: str) -> RosterEntry | None:
        """Return a running call, or None if there is none of that id."""
        return self._running.get(call_id)

    def find(self, call_id: str) -> RosterEntry | None:
        """Return a call that runs, or the newest one of that id that is over and still kept."""
        entry = self._running.get(call_id)
        return entry or next((each for each in self._ended if each.call_id == call_id), None)

    def on_call_started(self, event: CallStarted) -> None:
        """Take a call into the list."""
        self._last_key += 1
        self.version += 1
        self._running[event.call_id] = RosterEntry(
            key=self._last_key,
            call_id=event.call_id,
            line=event.line,
            provider=event.provider,
            started_ms=event.started_ms,
            started_at=self._utc_now(),
            capture_format=event.capture_format,
            playout_format=event.playout_format,
        )

    def on_provider_switched(self, event: ProviderSwitched) -> None:
        """Show who answers now."""
        entry = self._running.get(event.call_id)
        if entry is not None:
            entry.predecessors.append(event.previous)
            entry.provider = event.provider
            self.version += 1

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        """Keep what happened at the gate."""
        entry = self._running.get(call_id)
        if entry is not None:
            entry.events.append(event)

    def on_call_ended(self, event: CallEnded) -> None:
        """Move a call to those that are over."""
        self.reasons[event.reason] = self.reasons.get(event.reason, 0) + 1
        entry = self._running.pop(event.call_id, None)
        if entry is not None:
            entry.ended = event
            self._ended.appendleft(entry)
            self.version += 1
