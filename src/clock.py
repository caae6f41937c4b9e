"""The one place where shells read the clock; the core gets ``now_ms`` as an argument."""

from __future__ import annotations

__all__ = ["Clock", "monotonic_ms"]

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns a monotonic time in ms; its zero means nothing."""


def monotonic_ms() -> float:
    """Return the monotonic time of this process in ms."""
    return time.monotonic_ns() / 1e6
