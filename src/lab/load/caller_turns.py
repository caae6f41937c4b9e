"""What one caller of a load run does: asks, listens, breaks in, asks again.

Invariant: pure; one :meth:`CallerTurns.step` a 20 ms slot, and the same far end gives the same
caller.
"""

from __future__ import annotations

__all__ = ["CallerTurns", "TurnKind"]

import random
from enum import StrEnum

from ...core.audio import FRAME_MS

_LEAD_IN_MS = (600, 2500)
"""Silence before the first word: longer than a greeting takes to begin."""
_PAUSE_MS = (400, 1500)
"""Between the agent's last word and the caller's next."""
_LISTEN_MS = (700, 1600)
"""Of an answer that is broken into; all are seconds longer."""
_AGENT_ENDED_MS = 800
"""Silence after which the agent has finished: its sentences pause for less."""
_ANSWER_TIMEOUT_MS = 6000


class TurnKind(StrEnum):
    """What begins."""

    ASKS = "asks"
    INTERRUPTS = "interrupts"
    """Speaks while the agent does."""
    UNANSWERED = "unanswered"
    """Nobody answered; the caller will ask again."""


class _State(StrEnum):
    WAITS = "waits"
    SPEAKS = "speaks"
    AWAITS_ANSWER = "awaits answer"
    LISTENS = "listens"


class CallerTurns:
    """One caller's turns.

    Args:
        seed: Of the caller's patience.
        interrupting_ratio: Share of answers that the caller breaks into, 0..1.
    """

    __slots__ = ("_chance", "_interrupting_ratio", "_silent_ms", "_state", "_wait_ms")

    def __init__(self, seed: int, *, interrupting_ratio: float) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - patience, not secrets
        self._interrupting_ratio = interrupting_ratio
        self._state = _State.WAITS
        self._wait_ms = self._between(_LEAD_IN_MS)
        self._silent_ms = 0

    def step(self, *, is_agent_heard: bool, is_speaking: bool) -> TurnKind | None:
        """Live through a slot.

        Args:
            is_agent_heard: Whether the agent is heard in it.
            is_speaking: Whether what the caller began to say goes on.

        Returns:
            What the caller begins in this slot, if anything.
        """
        self._silent_ms = 0 if is_agent_heard else self._silent_ms + FRAME_MS
        match self._state:
            case _State.WAITS:
                return self._wait(is_agent_heard=is_agent_heard)
            case _State.SPEAKS:
                if not is_speaking:
                    self._go(_State.AWAITS_ANSWER, _ANSWER_TIMEOUT_MS)
            case _State.AWAITS_ANSWER:
                return self._await_answer(is_agent_heard=is_agent_heard)
            case _State.LISTENS:
                return self._listen(is_agent_heard=is_agent_heard)
        return None

    def _wait(self, *, is_agent_heard: bool) -> TurnKind | None:
        if is_agent_heard:
            self._begin_to_listen()  # it speaks first: the greeting, or an answer that was late
            return None
        self._wait_ms -= FRAME_MS
        if self._wait_ms > 0:
            return None
        self._go(_State.SPEAKS, 0)
        return TurnKind.ASKS

    def _await_answer(self, *, is_agent_heard: bool) -> TurnKind | None:
        if is_agent_heard:
            self._begin_to_listen()
            return None
        self._wait_ms -= FRAME_MS
        if self._wait_ms > 0:
            return None
        self._go(_State.WAITS, self._between(_PAUSE_MS))
        return TurnKind.UNANSWERED

    def _listen(self, *, is_agent_heard: bool) -> TurnKind | None:
        if self._silent_ms >= _AGENT_ENDED_MS:
            self._go(_State.WAITS, self._between(_PAUSE_MS))
            return None
        if self._wait_ms < 0:
            return None  # hears it out
        self._wait_ms = max(0, self._wait_ms - FRAME_MS)
        if self._wait_ms == 0 and is_agent_heard:
            self._go(_State.SPEAKS, 0)
            return TurnKind.INTERRUPTS
        return None

    def _begin_to_listen(self) -> None:
        interrupts = self._chance.random() < self._interrupting_ratio
        self._go(_State.LISTENS, self._between(_LISTEN_MS) if interrupts else -1)

    def _go(self, state: _State, wait_ms: int) -> None:
        self._state = state
        self._wait_ms = wait_ms
        self._silent_ms = 0

    def _between(self, bounds_ms: tuple[int, int]) -> int:
        return self._chance.randint(*bounds_ms)
