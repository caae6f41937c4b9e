"""Which frames the browser has played, by its reports.

A report counts the frames that were played of those sent after a flush, and names that flush. So a
report that was on its way when we flushed can't be mistaken for one of what was sent afterwards.
Invariant: what is reported only grows, and a report that proves nothing changes nothing.
"""

from __future__ import annotations

__all__ = ["PlayedFrames"]

from collections import deque

_MAX_LEFT_OUT = 3000
"""Frames left out that are remembered; the oldest of more than a minute is taken for over."""


class PlayedFrames:
    """The frames of one call."""

    __slots__ = (
        "_flush",
        "_left_out",
        "_n_before",
        "_n_given",
        "_n_played",
        "_n_sent",
        "impossible_reports",
        "void_reports",
    )

    def __init__(self) -> None:
        self._flush = 0
        self._n_given = 0
        """Of the whole call, sent or left out."""
        self._n_before = 0
        """Given before the flush, or left out after it and over."""
        self._n_sent = self._n_played = 0
        """Since the flush."""
        self._left_out: deque[int] = deque()
        """For each frame left out since the flush that may not be over, the frames sent before."""
        self.impossible_reports = 0
        """Reports of frames or flushes that were never sent."""
        self.void_reports = 0
        """Reports from before our own flush, or late behind newer ones."""

    def send(self) -> None:
        """Count a frame as sent."""
        self._n_given += 1
        self._n_sent += 1

    def leave_out(self) -> None:
        """Take that the last frame was not sent: what is played after it shows that it is over."""
        self._n_sent -= 1
        self._left_out.append(self._n_sent)
        if len(self._left_out) > _MAX_LEFT_OUT:
            self._forget_left_out()

    def flush(self) -> int:
        """Take that all that was sent is to be forgotten; return the number of this flush."""
        self._flush += 1
        self._n_before = self._n_given
        self._n_sent = self._n_played = 0
        self._left_out.clear()
        return self._flush

    def receive(self, n_frames: int, flush: int) -> int | None:
        """Return how many of all frames given are over; None if a report does not prove it."""
        if flush > self._flush or (flush == self._flush and n_frames > self._n_sent):
            self.impossible_reports += 1
            return None
        if flush < self._flush or n_frames <= self._n_played:
            self.void_reports += 1
            return None
        self._n_played = n_frames
        while self._left_out and self._left_out[0] < n_frames:
            self._forget_left_out()
        return self._n_before + n_frames

    def _forget_left_out(self) -> None:
        self._left_out.popleft()
        self._n_before += 1
