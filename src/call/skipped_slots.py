"""Warns where slots of a call's playout were skipped, which the caller hears as a hole or a delay.

Invariant: the first is told at once, and however many there are, a call logs one line in 10 s.
"""

from __future__ import annotations

__all__ = ["SkippedSlots"]

import math

import structlog

from ..core.audio import FRAME_MS

_log = structlog.get_logger(__name__)

_INTERVAL_MS = 10_000.0
"""Shortest time between two lines of a call, in ms."""


class SkippedSlots:
    """Counts the skipped slots of one call between two warnings.

    Args:
        call_id: Id of the call.
    """

    __slots__ = ("_call_id", "_last_ms", "_n_slots", "_n_total")

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._last_ms = -math.inf
        self._n_slots = self._n_total = 0

    def receive(self, n_slots: int, now_ms: float) -> None:
        """Take that so many slots were skipped; 0 also lets a warning out that had to wait."""
        self._n_slots += n_slots
        self._n_total += n_slots
        if self._n_slots == 0 or now_ms - self._last_ms < _INTERVAL_MS:
            return
        _log.warning(
            "call.slots_skipped",
            call_id=self._call_id,
            cause="too little CPU",
            slots=self._n_slots,
            skipped_ms=self._n_slots * FRAME_MS,
            slots_of_call=self._n_total,
        )
        self._last_ms, self._n_slots = now_ms, 0
