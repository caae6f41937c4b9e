"""What was sent in which slot, and so what of it a line that buffers has played by now.

A line holds some of what it was sent, its *lead*. What the caller has heard is what was sent before
that lead, so that a pause or silence sent meanwhile has to be counted as well as the audio.

Invariant: the audio not yet heard of an item is never more than the lead, or than was sent of it.
"""

from __future__ import annotations

__all__ = ["MAX_LEAD_MS", "SentTimeline"]

from collections import deque
from dataclasses import dataclass

from .audio import FRAME_MS

MAX_LEAD_MS = 60_000.0
"""Longest lead that is accounted for: no line is let buffer a minute."""


@dataclass(slots=True)
class _Run:
    """Slots of one item without a break; only the last of them may be partly filled."""

    item_id: str
    start_ms: float
    audio_ms: float

    @property
    def end_ms(self) -> float:
        return self.start_ms + self.audio_ms


class SentTimeline:
    """Keeps the runs of the last minute; slot time is 20 ms for every slot sent.

    Args:
        lead_ms: What the line holds at the start, within 0..60,000 ms.

    Raises:
        ValueError: if ``lead_ms`` is out of its range.
    """

    __slots__ = ("_lead_ms", "_now_ms", "_runs")

    def __init__(self, lead_ms: float = 0.0) -> None:
        if not 0 <= lead_ms <= MAX_LEAD_MS:
            raise ValueError(f"lead_ms: {lead_ms} is not in 0..{MAX_LEAD_MS:.0f}")
        self._lead_ms = lead_ms
        self._now_ms = 0.0
        self._runs: deque[_Run] = deque()

    @property
    def lead_ms(self) -> float:
        """What the line holds of what was sent, in ms."""
        return self._lead_ms

    def set_lead_ms(self, lead_ms: float) -> None:
        """Take what the line holds now; a value outside 0..60,000 ms is held at the bound."""
        self._lead_ms = min(max(0.0, lead_ms), MAX_LEAD_MS)

    def send_slot(self, item_id: str | None, audio_ms: float = 0.0) -> None:
        """Take that a slot was sent, with so much audio of an item at its start."""
        start_ms = self._now_ms
        self._now_ms = start_ms + FRAME_MS
        if item_id is None:
            return
        last = self._runs[-1] if self._runs else None
        if last is not None and last.item_id == item_id and last.end_ms == start_ms:
            last.audio_ms += audio_ms
            return
        while self._runs and self._runs[0].end_ms <= start_ms - MAX_LEAD_MS:
            self._runs.popleft()
        self._runs.append(_Run(item_id, start_ms, audio_ms))

    def unheard_ms(self, item_id: str) -> float:
        """Return how much audio of an item was sent and is still held by the line."""
        return sum(held for run_id, held in self._held() if run_id == item_id)

    def unheard_items(self) -> list[str]:
        """Return the items of which the line still holds audio, in the order of playing."""
        return list(dict.fromkeys(run_id for run_id, _ in reversed(self._held())))

    def clear(self) -> None:
        """Forget what was sent; slot time and lead go on."""
        self._runs.clear()

    def _held(self) -> list[tuple[str, float]]:
        """Return item and audio of each run that the line still holds some of, newest first."""
        played_ms = self._now_ms - self._lead_ms
        held = []
        for run in reversed(self._runs):
            if run.end_ms <= played_ms:
                break
            held.append((run.item_id, run.end_ms - max(run.start_ms, played_ms)))
        return held
