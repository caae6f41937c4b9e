"""What happened in one session: every event that was not passed as it came is counted here.

Invariant: numbers only; nothing of what was said, and no key.
"""

from __future__ import annotations

__all__ = ["SessionCounters"]

from dataclasses import dataclass, fields

from ...core.audio import FRAME_MS
from ...core.call_stats import CallStats


@dataclass(slots=True)
class SessionCounters:
    """One session's counts; times in ms."""

    client_events: int = 0
    """Messages of the client, appends included."""
    server_events: int = 0
    """Messages of the server; all of them pass as they come."""
    appends_passed: int = 0
    """Appends that went on as they came."""
    appends_rewritten: int = 0
    """Appends that went on with other audio: silence, the released onset, turned down."""
    appends_withheld: int = 0
    """Appends that did not go on: less than 20 ms, sent with the next, or silence left out."""
    appends_added: int = 0
    """Appends of our own: what waited for the rest of its 20 ms at a commit or clear."""
    appends_unread: int = 0
    """Appends whose audio could not be read; they went on as they came, for the server to judge."""
    silence_ms: float = 0.0
    """Silence sent in place of withheld audio."""
    onset_ms: float = 0.0
    """Audio withheld first and released when the gate opened."""
    left_out_ms: float = 0.0
    """Silence left out, so that the provider's clock does not run ahead for what was released."""
    candidates: int = 0
    """Times that there was early evidence of the caller over the agent."""
    barge_ins: int = 0
    """Times that the gate opened over the agent."""
    interruptions: int = 0
    """Barge-ins that were confirmed."""
    playback_flushes: int = 0
    """Times that the client forgot agent audio that it had not played."""
    ignored_deltas: int = 0
    """Agent audio of items that the client had truncated already."""
    gate_failures: int = 0
    """Inputs on which the gate raised; what went on is as configured."""
    gates: int = 0
    """Gates made: one, and one more for each change of a format."""

    def add_gate(self, stats: CallStats) -> None:
        """Add what a gate counted that is over; it filled in nothing, whatever it counted."""
        self.silence_ms += (stats.silence_frames - stats.idle_fill_frames) * FRAME_MS
        self.onset_ms += stats.released_frames * FRAME_MS
        self.left_out_ms += stats.surplus_frames * FRAME_MS
        self.candidates += stats.candidates
        self.barge_ins += stats.barge_ins
        self.interruptions += stats.interruptions

    def add(self, other: SessionCounters) -> None:
        """Add another session's."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
