"""What the client plays of the agent's audio, item by item, as far as it can be known from here.

A client plays what it is sent at 1x, one item behind the other, and forgets what it has not played
when the caller interrupts. How much of an item was heard it says itself, in
``conversation.item.truncate``; that shows by how much it is behind what is assumed here.

Invariant: a truncation of what was heard in full, or of something unknown, forgets nothing.
"""

from __future__ import annotations

__all__ = ["ClientPlayback"]

from collections import deque
from typing import Protocol

_MAX_ITEMS = 64
"""Items remembered; the oldest go first. A client truncates what it plays."""

_STEADY_MS = 150.0
"""By how much two lags that are found one after the other may differ to be believed."""

_SMALL_LAG_MS = 300.0
"""Lag that the gate's own search for the echo's delay (900 ms) covers with ease."""

_MAX_LAG_MS = 2000.0
"""No client is farther behind: what says so counts otherwise."""

_TOLERANCE_MS = 25.0
"""A truncation that near an item's end is one of what was heard in full."""


class Timeline(Protocol):
    """What plays: :class:`voxgate.core.far_end_timeline.FarEndTimeline`."""

    played_ms: float

    @property
    def waiting_ms(self) -> float:
        """Audio not yet played, in ms."""

    def write(self, audio: bytes, now_ms: float) -> None:
        """Take audio that was sent at a time."""

    def flush(self) -> float:
        """Forget what was not played; return how much that was, in ms."""


class _Item:
    __slots__ = ("is_cut", "pieces", "received_ms", "response_id")

    def __init__(self, response_id: object) -> None:
        self.response_id = response_id
        self.received_ms = 0.0
        self.pieces: list[tuple[float, float]] = []
        """Start and end of its audio, in ms of what the timeline plays."""
        self.is_cut = False


class ClientPlayback:
    """Follows one client.

    Args:
        timeline: Told what the client gets, and what it forgets.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.ignored_deltas = 0
        """Audio of items that the client had truncated already; no client plays it."""
        self.flushes = 0
        """Times that the client forgot audio that it had not played."""
        self.lag_ms: float | None = None
        """By how much the client was behind what is assumed here when it truncated last."""
        self._timeline = timeline
        self._items: dict[str, _Item] = {}
        self._order: deque[str] = deque()
        self._shift_ms = 0.0

    def receive_delta(
        self, item_id: object, response_id: object, audio: bytes, duration_ms: float, now_ms: float
    ) -> None:
        """Take audio that goes to the client now.

        Args:
            item_id: Whose audio; whatever the event says.
            response_id: Of which response.
            audio: In the timeline's format.
            duration_ms: Of the audio.
            now_ms: Now.
        """
        item = self._item(str(item_id), response_id)
        if item.is_cut:
            self.ignored_deltas += 1
            return
        begin_ms = self._timeline.played_ms + self._timeline.waiting_ms
        self._timeline.write(audio, now_ms + self._shift_ms)
        item.received_ms += duration_ms
        if item.pieces and item.pieces[-1][1] == begin_ms:
            begin_ms = item.pieces.pop()[0]
        item.pieces.append((begin_ms, self._timeline.played_ms + self._timeline.waiting_ms))

    def receive_truncate(self, item_id: object, audio_end_ms: object) -> None:
        """Take that the client stopped in an item; the timeline has been followed up to now."""
        item = self._items.get(str(item_id))
        if item is None or not isinstance(audio_end_ms, int | float):
            return
        if audio_end_ms >= item.received_ms - _TOLERANCE_MS:
            return
        if not item.is_cut:
            self._learn_lag(self._heard_ms(item) - audio_end_ms, heard_ms=audio_end_ms)
        item.is_cut = True
        self.flush()

    def receive_cancel(self, response_id: object) -> None:
        """Take that the client cancelled a response: the named one, or without a name any."""
        waiting = [item for item in self._items.values() if self._is_waiting(item)]
        if response_id is None or any(item.response_id == response_id for item in waiting):
            self.flush()

    def flush(self) -> None:
        """Take that the client forgot what it had not played."""
        self.flushes += self._timeline.flush() > 0.0
        played_ms = self._timeline.played_ms
        for item in self._items.values():
            item.pieces = [
                (begin, min(end, played_ms)) for begin, end in item.pieces if begin < played_ms
            ]

    def _item(self, item_id: str, response_id: object) -> _Item:
        if item_id not in self._items:
            self._items[item_id] = _Item(response_id)
            self._order.append(item_id)
            if len(self._order) > _MAX_ITEMS:
                del self._items[self._order.popleft()]
        return self._items[item_id]

    def _heard_ms(self, item: _Item) -> float:
        """Return how much of an item was played, if the client plays as is assumed here."""
        played_ms = self._timeline.played_ms
        return sum(max(0.0, min(played_ms, end) - begin) for begin, end in item.pieces)

    def _is_waiting(self, item: _Item) -> bool:
        return bool(item.pieces) and item.pieces[-1][1] > self._timeline.played_ms

    def _learn_lag(self, lag_ms: float, *, heard_ms: float) -> None:
        """Play later from now on for a client that is steadily far behind.

        One that says that nothing was heard may not count at all, so that it teaches nothing.
        """
        if heard_ms <= 0 or not 0.0 <= lag_ms <= _MAX_LAG_MS:
            return
        before, self.lag_ms = self.lag_ms, lag_ms
        is_steady = before is not None and abs(before - lag_ms) <= _STEADY_MS
        if is_steady and lag_ms > _SMALL_LAG_MS:
            self._shift_ms += lag_ms - _SMALL_LAG_MS / 2
            self.lag_ms = None  # from now on it counts from a later start
