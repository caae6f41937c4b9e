"""What a line that buffers holds of what it was sent, and what it plays in each 20 ms slot.

Such a line is sent ahead of real time and plays by itself. It is modelled as a player that begins
with the first frame it gets, plays a frame a slot, and is silent where it has none. The line's own
word, that so many frames have been played, comes later by the round trip; the least delay of late
is taken for that. A word that is later by whole slots, several times in a row, shows that the line
had stood still: the model then waits as long, and is in step again. One that comes before its time
moves the model ahead.

What counts as heard is bounded by the line's word: of the frames that should have been played by
now, no more than one frame and a round trip beyond the last one that the line has reported. A line
that never reports anything is believed to play after two seconds.

Invariant: every frame sent is played, held or given back, once, in order.
"""

from __future__ import annotations

__all__ = ["LineBuffer"]

import math
from collections import deque
from dataclasses import dataclass

from .audio import FRAME_MS
from .playout import PlayoutFrame

_LATE_REPORTS = 5
"""Reports in a row that are late when the line had stood still: 100 ms; fewer are jitter."""

_BLOCK_REPORTS = 250
"""Reports (5 s of agent audio) of which the least delay is taken, with those of the block before: a
round trip that grows for good is known after 10 s, and a line stands still now and then at most."""

_SILENT_LINE_FRAMES = 100
"""Frames (2 s) after which a line that has not reported one is taken for a line that never does."""

_MAX_FRAMES = 3000
"""Frames that may wait for a report: a minute. Older ones are taken for played."""


@dataclass(slots=True, eq=False)
class _Sent:
    """A frame that the line was sent."""

    frame: PlayoutFrame
    sent_ms: float
    played_ms: float = math.inf
    """When it has been played to its end, by the model."""


class _RoundTrip:
    """The least delay of reports, over the newest one or two blocks of them."""

    __slots__ = ("_block_ms", "_last_ms", "_n_reports")

    def __init__(self) -> None:
        self._block_ms = self._last_ms = math.inf
        self._n_reports = 0

    @property
    def delay_ms(self) -> float | None:
        """The least delay; None before the first report."""
        least_ms = min(self._block_ms, self._last_ms)
        return None if least_ms == math.inf else least_ms

    def observe(self, delay_ms: float) -> float:
        """Take the delay of a report, and return by how much it exceeds the least."""
        self._block_ms = min(self._block_ms, delay_ms)
        late_ms = delay_ms - min(self._block_ms, self._last_ms)
        self._n_reports += 1
        if self._n_reports == _BLOCK_REPORTS:
            self._last_ms, self._block_ms = self._block_ms, math.inf
            self._n_reports = 0
        return late_ms


class LineBuffer:
    """Models one line. All times are on one monotonic clock, in ms."""

    __slots__ = (
        "_first",
        "_frames",
        "_hold_slots",
        "_late_ms",
        "_n_played",
        "_n_reported",
        "_n_sent",
        "_round_trip",
        "held_slots",
    )

    def __init__(self) -> None:
        self.held_slots = 0
        """Slots in which the line stood still, as its reports have shown."""
        self._frames: deque[_Sent] = deque()
        self._first = self._n_sent = self._n_played = self._n_reported = 0
        self._hold_slots = 0
        self._late_ms: deque[float] = deque(maxlen=_LATE_REPORTS)
        self._round_trip = _RoundTrip()

    @property
    def waiting_ms(self) -> float:
        """Audio that was sent and whose slot has not come, in ms."""
        return float((self._n_sent - self._n_played) * FRAME_MS)

    @property
    def round_trip_ms(self) -> float | None:
        """Delay of the line's reports; None before the first one."""
        return self._round_trip.delay_ms

    def send(self, frame: PlayoutFrame, now_ms: float) -> None:
        """Take a frame that the line is sent now."""
        if self._n_sent == self._n_played:
            self._hold_slots = 0
            self._late_ms.clear()
        self._frames.append(_Sent(frame, now_ms))
        self._n_sent += 1
        if len(self._frames) > _MAX_FRAMES:
            self._n_reported = max(self._n_reported, self._first + 1)
            self._forget_reported()

    def play_slot(self, slot_ms: float) -> PlayoutFrame | None:
        """Let a slot pass that begins at ``slot_ms``; return what the line plays, None for nothing.

        Slots are played in order, each once, also those that our own loop was too late for.
        """
        if self._n_sent == self._n_played:
            return None
        if self._hold_slots:
            self._hold_slots -= 1
            return None
        sent = self._frames[self._n_played - self._first]
        sent.played_ms = max(slot_ms, sent.sent_ms) + FRAME_MS
        self._n_played += 1
        return sent.frame

    def report(self, n_frames: int, now_ms: float) -> None:
        """Take the line's word that it has played the first ``n_frames`` of all it was sent.

        A number that was reported before, or is above what was sent, changes nothing.
        """
        if not self._n_reported < n_frames <= self._n_sent:
            return
        if n_frames > self._n_played:
            self._n_played = n_frames
            self._hold_slots = 0
        else:
            self._follow(now_ms - self._frames[n_frames - 1 - self._first].played_ms)
        self._n_reported = n_frames
        self._forget_reported()

    def unheard(self) -> tuple[PlayoutFrame, ...]:
        """Return the frames that the caller has not heard, oldest first."""
        n_heard = self._n_heard()
        return tuple(sent.frame for sent in list(self._frames)[n_heard - self._first :])

    def take_back(self) -> tuple[PlayoutFrame, ...]:
        """Return the frames that the caller has not heard, oldest first; the line forgets them.

        Those before them count as heard, and what the line reports of any of them comes too late.
        """
        unheard = self.unheard()
        self._frames.clear()
        self._first = self._n_played = self._n_reported = self._n_sent
        self._hold_slots = 0
        self._late_ms.clear()
        return unheard

    def _n_heard(self) -> int:
        """Return how many frames the caller has heard: by the model, as far as it is confirmed."""
        round_trip_ms = self._round_trip.delay_ms
        if round_trip_ms is not None:
            n_ahead = 1 + round(max(0.0, round_trip_ms) / FRAME_MS)
        elif self._n_played - self._n_reported >= _SILENT_LINE_FRAMES:
            return self._n_played
        else:
            n_ahead = 1
        return min(self._n_played, self._n_reported + n_ahead)

    def _follow(self, delay_ms: float) -> None:
        """Wait where the line had stood still."""
        self._late_ms.append(self._round_trip.observe(delay_ms))
        n_slots = int(min(self._late_ms) // FRAME_MS)
        if n_slots <= 0 or len(self._late_ms) < _LATE_REPORTS or self._n_sent == self._n_played:
            return
        self._hold_slots += n_slots
        self.held_slots += n_slots
        self._late_ms.clear()
        for sent in self._frames:
            sent.played_ms += n_slots * FRAME_MS  # those not yet played stay at infinity

    def _forget_reported(self) -> None:
        n_known = min(self._n_reported, self._n_played)
        while self._first < n_known:
            self._frames.popleft()
            self._first += 1
