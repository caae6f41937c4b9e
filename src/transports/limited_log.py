"""Warnings that a stranger can cause as often as he likes: a line a minute says it.

Invariant: the first of each kind is logged at once, and each line says how many were left out since
the one before, so that none is uncounted as long as they go on.
"""

from __future__ import annotations

__all__ = ["LimitedLog"]

from dataclasses import dataclass
from typing import Protocol

from ..clock import Clock, monotonic_ms

_INTERVAL_MS = 60_000.0
"""Shortest time between two lines of one event, in ms."""


class _Log(Protocol):
    def warning(self, event: str, **fields: object) -> object: ...


@dataclass(slots=True)
class _Written:
    at_ms: float
    suppressed: int = 0


class LimitedLog:
    """Logs each event once a minute at most.

    Args:
        target: Where to.
        clock: Says what time it is, in ms.
    """

    def __init__(self, target: _Log, clock: Clock = monotonic_ms) -> None:
        self._target = target
        self._clock = clock
        self._written: dict[str, _Written] = {}

    def warning(self, event: str, **fields: object) -> None:
        """Log an event, with ``suppressed``: how often it came since its last line without one.

        Args:
            event: Its name, of a closed set: each is remembered.
            **fields: What is said of it.
        """
        now_ms = self._clock()
        last = self._written.get(event)
        if last is not None and now_ms - last.at_ms < _INTERVAL_MS:
            last.suppressed += 1
            return
        self._written[event] = _Written(now_ms)
        suppressed = 0 if last is None else last.suppressed
        self._target.warning(event, **fields, suppressed=suppressed)
