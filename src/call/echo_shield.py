"""Keeps what the caller hears of others from a provider that is not gated.

Such a provider tells its own agent's echo itself; an announcement, and what a provider before it
said, it knows nothing of, and would take for the caller. Invariant: nothing but silence passes
while that is heard and may echo; everything else passes untouched.
"""

from __future__ import annotations

__all__ = ["EchoShield"]

import math

_TAIL_MS = 500.0
"""Time after the last sound in which its echo may still come: the delay of a telephone call to
another continent, twice."""


class EchoShield:
    """Says when a call's caller is not to be heard."""

    __slots__ = ("_until_ms",)

    def __init__(self) -> None:
        self._until_ms = -math.inf

    def receive_slot(self, now_ms: float, *, is_foreign: bool) -> None:
        """Take whether the line plays what is not the provider's own."""
        if is_foreign:
            self._until_ms = now_ms + _TAIL_MS

    def is_up(self, now_ms: float) -> bool:
        """Return whether echo may be in what is captured now."""
        return now_ms < self._until_ms
