"""What is known of one running call between two events of it.

Invariant: what happens a hundred times a second is a look at a field and an addition.
"""

from __future__ import annotations

__all__ = ["CallTally", "FramesByFate", "GateTotals"]

from collections.abc import Callable, Mapping
from operator import add, attrgetter, sub
from types import MappingProxyType

from ..core.audio import FRAME_MS
from ..core.call_stats import CallStats
from ..core.gate_decision import GateAction, GateReason, GateState
from .turn_times import TurnTimes

FramesByFate = Mapping[str, int]
"""Frames of 20 ms by what became of them."""

_FATES: Mapping[str, str] = MappingProxyType(
    {
        "forwarded_frames": "forwarded",
        "withheld_frames": "withheld",
        "released_frames": "released",
        "discarded_frames": "discarded",
        "silence_frames": "silence",
        "idle_fill_frames": "idle_fill",
        "gap_recovery_frames": "gap_recovery",
        "surplus_frames": "surplus",
        "malformed_chunks": "malformed_chunks",
        "malformed_far_end_frames": "malformed_far_end_frames",
    }
)
"""Counters of the gate, and how the metrics call them."""

_Counts = tuple[int, ...]
_NOTHING: _Counts = (0,) * len(_FATES)
_counts_of: Callable[[CallStats], _Counts] = attrgetter(*_FATES)


class GateTotals:
    """Turns the counters of a call's gates, one after the other, into what is new in them.

    Nothing is told twice, and nothing taken back: where a gate is seen before it is known that the
    one before it has ended, it tells what it has more than that.
    """

    __slots__ = ("_ended", "_told")

    def __init__(self) -> None:
        self._ended = _NOTHING
        """Of the gates that have ended."""
        self._told = _NOTHING
        """All that was told so far."""

    def see(self, stats: CallStats) -> FramesByFate:
        """Return what came since the last look, of the gate that there is now."""
        return self._tell(tuple(map(add, self._ended, _counts_of(stats))))

    def end(self, stats: CallStats) -> FramesByFate:
        """Return what came since the last look, by the sum over all gates: the last has ended."""
        self._ended = _counts_of(stats)
        return self._tell(self._ended)

    def _tell(self, total: _Counts) -> FramesByFate:
        added = tuple(max(0, count) for count in map(sub, total, self._told))
        self._told = tuple(map(add, self._told, added))
        return {fate: count for fate, count in zip(_FATES.values(), added, strict=True) if count}


class CallTally:
    """One running call.

    Args:
        line: Kind of line.
        provider: Instance name of who answers.
        started_ms: When it was accepted.
        decided: Where decisions of this provider's calls are counted, by action and reason.
    """

    __slots__ = (
        "_agent_ms",
        "_since_ms",
        "_speech_ms",
        "decided",
        "line",
        "onset_ms",
        "provider",
        "started_ms",
        "state",
        "totals",
        "turns",
    )

    def __init__(
        self,
        line: str,
        provider: str,
        started_ms: float,
        decided: dict[GateAction, dict[GateReason, int]],
    ) -> None:
        self.line = line
        self.provider = provider
        self.started_ms = started_ms
        self.decided = decided
        self.totals = GateTotals()
        self.turns = TurnTimes()
        self.state: GateState | None = None
        """Where its gate stands."""
        self.onset_ms: float | None = None
        """When the caller began, for whom the agent is not yet silent."""
        self._since_ms: float | None = None
        """Since when the gate stands there; None where there is no gate."""
        self._speech_ms: float | None = None
        """When the guard heard the caller last, whom the agent has not answered."""
        self._agent_ms: float | None = None
        """When the last slot of the agent's voice began."""

    def hear_caller(self, now_ms: float) -> None:
        """Take that the guard hears the caller."""
        self._speech_ms = now_ms

    def enter(self, state: GateState, now_ms: float, *, is_gated: bool) -> float | None:
        """Take that the gate stands elsewhere; return how long it stood where it was, in ms."""
        since_ms = self._since_ms
        self.state = state
        self._since_ms = now_ms if is_gated else None
        return None if since_ms is None else max(0.0, now_ms - since_ms)

    def leave(self, now_ms: float) -> float | None:
        """Take that the gate is no more; return how long it stood where it was, in ms."""
        since_ms, self._since_ms, self.state = self._since_ms, None, None
        return None if since_ms is None else max(0.0, now_ms - since_ms)

    def play_agent(self, now_ms: float) -> float | None:
        """Take a slot of the agent's voice; return how long a caller waited for it, in ms."""
        self._agent_ms = now_ms
        if self._speech_ms is None:
            return None
        wait_ms = max(0.0, now_ms - self._speech_ms)
        self._speech_ms = None
        return wait_ms

    def play_silence(self) -> float:
        """Take the first slot without the agent since an onset; return how long it took, in ms."""
        assert self.onset_ms is not None, "it is asked for only then"  # noqa: S101
        silent_ms = self.onset_ms if self._agent_ms is None else self._agent_ms + FRAME_MS
        took_ms = max(0.0, silent_ms - self.onset_ms)
        self.onset_ms = None
        return took_ms

    def interrupt(self, capture_ms: float) -> None:
        """Take a provider's word that the caller has begun to speak over the agent at a time."""
        if self._agent_ms is not None and self._agent_ms >= capture_ms:
            self.onset_ms = capture_ms
