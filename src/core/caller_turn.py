"""Whether the caller holds the turn: told by how long ago the caller was last heard.

Invariant: it is counted in audio time, so that a burst or a hole in the stream does not end a turn.
"""

from __future__ import annotations

__all__ = ["CallerTurn"]

from .audio import FRAME_MS

_TALKING_MS = 200
"""The caller counts as talking so long after the last speech: longer than the closures within a
word, about the pause after which people take the turn."""
_OVER_AGENT_END_MS = 300
"""Silence after which a caller has let go of a turn into which the agent began to talk, where a
reference tells. It may be short: further words are a barge-in like any other."""


class CallerTurn:
    """The caller's turn on one call.

    Args:
        end_ms: Silence after which a turn has ended.
    """

    __slots__ = ("_end_ms", "_silence_ms", "ends_early")

    def __init__(self, end_ms: int) -> None:
        self.ends_early = False
        """The agent began to talk in this turn, and a reference tells the caller from it."""
        self._end_ms = end_ms
        self._silence_ms = max(end_ms, _TALKING_MS + FRAME_MS)

    @property
    def is_talking(self) -> bool:
        """The caller is talking, or in a pause so short that nobody would take the turn."""
        return self._silence_ms <= _TALKING_MS

    @property
    def has_ended(self) -> bool:
        """The caller has been silent for so long that the turn is over."""
        end_ms = min(self._end_ms, _OVER_AGENT_END_MS) if self.ends_early else self._end_ms
        return self._silence_ms >= end_ms

    def observe(self, *, is_caller: bool) -> None:
        """Count one slot of 20 ms."""
        self._silence_ms = 0 if is_caller else self._silence_ms + FRAME_MS
