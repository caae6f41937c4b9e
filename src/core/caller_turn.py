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
_TALKS_ON_RATIO = 0.35
"""A caller who talks on over the agent stays within 9 dB of the level before; echo of the agent on
a usable line is weaker than that."""
_TALKS_ON_LOGIT = -3.0
"""Log odds from which a caller into whose turn the agent began counts as talking on: 5 %."""
_LEVEL_UPDATE = 0.05
"""Smoothing of the caller's level per 20 ms of speech: a time constant of 400 ms."""


class CallerTurn:
    """The caller's turn on one call.

    Args:
        end_ms: Silence after which a turn has ended.
    """

    __slots__ = ("_level", "_silence_ms", "end_ms", "has_reference", "is_over_agent")

    def __init__(self, end_ms: int) -> None:
        self.is_over_agent = False
        """The agent began to talk in this turn."""
        self.has_reference = False
        """A reference tells the caller from the agent."""
        self._level = 0.0
        """Of the caller's speech while the agent was silent, RMS in int16 units, smoothed."""
        self.end_ms = end_ms
        """Silence after which a turn has ended."""
        self._silence_ms = max(end_ms, _TALKING_MS + FRAME_MS)

    @property
    def is_talking(self) -> bool:
        """The caller is talking, or in a pause so short that nobody would take the turn."""
        return self._silence_ms <= _TALKING_MS

    @property
    def has_ended(self) -> bool:
        """The caller has been silent for so long that the turn is over."""
        ends_early = self.is_over_agent and self.has_reference
        end_ms = min(self.end_ms, _OVER_AGENT_END_MS) if ends_early else self.end_ms
        return self._silence_ms >= end_ms

    def observe(self, *, is_caller: bool) -> None:
        """Count one slot of 20 ms."""
        self._silence_ms = 0 if is_caller else self._silence_ms + FRAME_MS

    def hear_level(self, level: float) -> None:
        """Learn from 20 ms of speech how loud the caller is, while the agent is silent.

        Args:
            level: RMS in int16 units.
        """
        self._level += _LEVEL_UPDATE * (level - self._level)

    def goes_on(self, level: float, *, logit: float | None, is_voice: bool) -> bool:
        """Say whether 20 ms that are no evidence of the caller still are the caller talking on.

        Where the agent began in the caller's turn, the doubt is the caller's: what is taken for
        the turn's end cuts into words. Without a reference the level of the caller's own voice,
        known from before, tells it from echo.

        Args:
            level: RMS in int16 units.
            logit: The reference's log odds of the caller; None without a reference.
            is_voice: The sound is a voice, whosesoever.
        """
        if not self.is_over_agent:
            return False
        if logit is not None:
            return logit >= _TALKS_ON_LOGIT
        return is_voice and level >= _TALKS_ON_RATIO * self._level
