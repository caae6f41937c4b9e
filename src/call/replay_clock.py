"""The clock of a provider that is shown what happened before it was there.

Invariant: outside of a replay it is the call's clock.
"""

from __future__ import annotations

__all__ = ["ReplayClock"]

from collections.abc import Iterator
from contextlib import contextmanager

from ..clock import Clock


class ReplayClock:
    """Reads the time, or a time in the past while that is replayed.

    Args:
        clock: The call's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._past_ms: float | None = None

    def __call__(self) -> float:
        """Return monotonic time in ms."""
        return self._clock() if self._past_ms is None else self._past_ms

    @contextmanager
    def at(self, past_ms: float) -> Iterator[None]:
        """Read ``past_ms`` meanwhile; for inputs that don't wait, as others read the clock too."""
        self._past_ms = past_ms
        try:
            yield
        finally:
            self._past_ms = None
