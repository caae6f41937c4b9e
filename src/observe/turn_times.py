"""How long one call's provider takes to answer, turn by turn.

Invariant: a turn counts once, when the first audio of its answer comes.
"""

from __future__ import annotations

__all__ = ["TurnTimes"]

from collections import deque
from statistics import median

from ..providers.base import AgentAudio, CallerSpeechStarted, CallerSpeechStopped, ProviderEvent

_MAX_TURNS = 1000
"""Newest turns that the median is taken of: more than a call of hours has."""


class TurnTimes:
    """Follows what a provider says of one call."""

    __slots__ = ("_ended_ms", "_times_ms", "max_ms", "turns")

    def __init__(self) -> None:
        self._ended_ms: float | None = None
        """When the caller's turn ended, of which the answer has not begun."""
        self._times_ms: deque[float] = deque(maxlen=_MAX_TURNS)
        self.turns = 0
        """Turns that were answered."""
        self.max_ms = 0.0
        """The longest of their times, in ms."""

    @property
    def p50_ms(self) -> float | None:
        """The median of the times, in ms; None where there was no turn."""
        return median(self._times_ms) if self._times_ms else None

    def receive(self, now_ms: float, event: ProviderEvent) -> float | None:
        """Take an event; return a turn's time in ms if its answer begins with it.

        It counts from the end of the caller's turn as the provider dates it, else from when it says
        so.
        """
        if isinstance(event, AgentAudio):
            return self._answer(now_ms) if self._ended_ms is not None else None
        if isinstance(event, CallerSpeechStopped):
            self._ended_ms = now_ms if event.capture_ms is None else min(now_ms, event.capture_ms)
        elif isinstance(event, CallerSpeechStarted):
            self._ended_ms = None
        return None

    def lose_provider(self) -> None:
        """Take that another provider takes over: a turn that is not answered is not its own."""
        self._ended_ms = None

    def _answer(self, now_ms: float) -> float:
        assert self._ended_ms is not None, "a turn has ended before it is answered"  # noqa: S101
        turn_ms = max(0.0, now_ms - self._ended_ms)
        self._ended_ms = None
        self._times_ms.append(turn_ms)
        self.turns += 1
        self.max_ms = max(self.max_ms, turn_ms)
        return turn_ms
