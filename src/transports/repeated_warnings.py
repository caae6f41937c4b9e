"""The warnings of one call: each is told once, and counted.

Invariant: what is not a warning passes, in order.
"""

from __future__ import annotations

__all__ = ["RepeatedWarnings"]

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from .base import LineEvent, LineWarning


class RepeatedWarnings:
    """Counts warnings by their codes."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each warning applied, by its code."""
        return MappingProxyType(dict(self._counts))

    def without_repeats(self, events: Iterable[LineEvent]) -> list[LineEvent]:
        """Return the events without the warnings that came before."""
        return [event for event in events if not self._is_repeated(event)]

    def _is_repeated(self, event: LineEvent) -> bool:
        if not isinstance(event, LineWarning):
            return False
        self._counts[event.code] += 1
        return self._counts[event.code] > 1
