"""Which frames a stream has played, by the marks that come back.

A mark is sent after each frame and named by the number of frames sent by then. Twilio returns a
mark when what was before it has been played, and returns all that are left at once when it is told
to clear. Invariant: a mark that was on its way when we cleared proves nothing, and is not reported.
"""

from __future__ import annotations

__all__ = ["PlayedMarks"]

import re

_NAME = re.compile(r"[0-9]{1,12}")


class PlayedMarks:
    """The marks of one stream."""

    __slots__ = ("_n_cleared", "_n_played", "_n_sent", "foreign_marks", "void_marks")

    def __init__(self) -> None:
        self._n_sent = self._n_cleared = self._n_played = 0
        self.foreign_marks = 0
        """Marks that we never sent."""
        self.void_marks = 0
        """Marks that came back after our own clear, or late behind newer ones."""

    def send(self) -> str:
        """Count a frame as sent, and return the name of the mark behind it."""
        self._n_sent += 1
        return str(self._n_sent)

    def clear(self) -> None:
        """Take that all that was sent is to be forgotten."""
        self._n_cleared = self._n_sent

    def receive(self, name: str) -> int | None:
        """Return how many of the frames sent are played; None if a mark does not prove it."""
        number = int(name) if _NAME.fullmatch(name) else 0
        if not 1 <= number <= self._n_sent:
            self.foreign_marks += 1
            return None
        if number <= max(self._n_cleared, self._n_played):
            self.void_marks += 1
            return None
        self._n_played = number
        return number
