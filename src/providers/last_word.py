"""When an agent's last word was heard, so that a call can be ended, or given to somebody else.

Invariant: it is heard in the end, however long the agent goes on.
"""

from __future__ import annotations

__all__ = ["LAST_WORD_MAX_MS", "LastWord"]

_QUIET_MS = 400
"""Silence after the agent's last word left for the caller, in ms: the buffer of a telephone beyond
the line (60 to 200 ms) and a breath, so that no word is clipped."""

LAST_WORD_MAX_MS = 30_000
"""Time in ms after which nothing more is waited for: no farewell is so long."""


class LastWord:
    """What the agent says from now on, or says already, until it falls silent.

    Args:
        wait_ms: Time in ms that it gets to begin.
    """

    __slots__ = ("_active_ms", "_begun_ms", "_wait_ms")

    def __init__(self, *, wait_ms: float) -> None:
        self._wait_ms = wait_ms
        self._begun_ms: float | None = None
        self._active_ms: float | None = None

    def is_heard(self, now_ms: float, *, is_agent_active: bool) -> bool:
        """Say whether nothing more is to be waited for; asked once a slot.

        Args:
            now_ms: Monotonic time.
            is_agent_active: The agent answers, or what it said is on its way to the caller.
        """
        if self._begun_ms is None:
            self._begun_ms = now_ms
        if is_agent_active:
            self._active_ms = now_ms
        if now_ms - self._begun_ms >= LAST_WORD_MAX_MS:
            return True
        if self._active_ms is None:
            return now_ms - self._begun_ms >= self._wait_ms
        return now_ms - self._active_ms >= _QUIET_MS
