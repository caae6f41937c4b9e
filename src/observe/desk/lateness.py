"""How late the event loop is: what every frame of every call waits for.

Measured by looking at the clock once a second, which costs nothing. Invariant: only the last minute
counts.
"""

from __future__ import annotations

__all__ = ["INTERVAL_S", "Lateness"]

from collections import deque
from statistics import median

INTERVAL_S = 1.0
"""Time between two looks, in s."""
_KEPT = 60
_FINE_MS = 20.0
"""A frame: what is later than that now and then, callers do not hear; the median must not be."""


class Lateness:
    """What the looks of the last minute have shown."""

    def __init__(self) -> None:
        self._late_ms: deque[float] = deque(maxlen=_KEPT)

    def receive(self, late_ms: float) -> None:
        """Take by how much a look was late, in ms."""
        self._late_ms.append(max(0.0, late_ms))

    @property
    def is_fine(self) -> bool:
        """Whether frames are served in time, as a rule."""
        return not self._late_ms or median(self._late_ms) < _FINE_MS

    @property
    def text(self) -> str:
        """A sentence for the operator."""
        if not self._late_ms:
            return "Nothing was measured yet."
        return (
            f"{median(self._late_ms):.1f} ms late at the median, {max(self._late_ms):.1f} ms at "
            "worst in the last minute."
        )
