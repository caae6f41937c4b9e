"""The greatest of the newest values, without looking at all of them every time.

Invariant: it is ``max`` of the newest values, whatever was pushed before.
"""

from __future__ import annotations

__all__ = ["RecentMaximum"]

import math
from collections import deque


class RecentMaximum:
    """The greatest of so many newest values; minus infinity of none.

    Args:
        span: How many values count.
    """

    __slots__ = ("_values", "value")

    def __init__(self, span: int) -> None:
        self._values: deque[float] = deque(maxlen=span)
        self.value = -math.inf
        """The greatest."""

    def push(self, value: float) -> None:
        """Take the next value; the oldest goes where there are as many as count."""
        values = self._values
        is_oldest_greatest = len(values) == values.maxlen and values[0] == self.value
        values.append(value)
        if value >= self.value:
            self.value = value
        elif is_oldest_greatest:
            self.value = max(values)

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
        self.value = -math.inf
