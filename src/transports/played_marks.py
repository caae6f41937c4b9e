"""Which frames a peer that buffers has played, by the marks that come back.

A mark is sent after each frame and named by the number of frames sent by then; the peer returns it
when what was before it has been played. Told to forget the rest, Twilio returns all marks that are
left at once, and Asterisk none. Invariant: a mark that was on its way when we flushed proves
nothing, and is not reported.
"""

from __future__ import annotations

__all__ = ["PlayedMarks"]

import re

_NAME = re.compile(r"[0-9]{1,12}")


class PlayedMarks:
    """The marks of one call."""

    __slots__ = (
        "_n_cleared",
        "_n_marked",
        "_n_played",
        "_n_sent",
        "foreign_marks",
        "void_marks",
    )

    def __init__(self) -> None:
        self._n_sent = self._n_marked = self._n_cleared = self._n_played = 0
        self.foreign_marks = 0
        """Marks that we never sent."""
        self.void_marks = 0
        """Marks that came back after our own flush, or late behind newer ones."""

    def send(self) -> str:
        """Count a frame as sent, and return the name of the mark behind it."""
        self._n_sent += 1
        return self._marked(self._n_sent)

    def send_partly(self, n_held: int) -> str | None:
        """Count a frame as sent, of which something may be held back.

        Args:
            n_held: The newest frames that have not gone out to their ends, this one included.

        Returns:
            The name of the mark behind those before them; None where it would prove nothing new.
        """
        self._n_sent += 1
        number = self._n_sent - n_held
        return self._marked(number) if number > self._n_marked else None

    def clear(self) -> None:
        """Take that all that was sent is to be forgotten."""
        self._n_cleared = self._n_marked = self._n_sent

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

    def _marked(self, number: int) -> str:
        self._n_marked = number
        return str(number)
