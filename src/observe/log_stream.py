"""Where the lines of the log are written: what can't be written costs the line, never a call.

Standard error may be a file on a disk that is full, or a pipe whose reader is gone; who logs in the
middle of a call must not fail by that. Invariant: writing raises nothing that the system reports,
and says, as soon as it can again, how many lines are missing.
"""

from __future__ import annotations

__all__ = ["LogStream"]

from collections.abc import Callable
from typing import TextIO


class LogStream:
    """A stream that leaves out what its own stream does not take.

    One thread at a time may use it, as structlog sees to.

    Args:
        stream: Where lines go.
        line_about: Returns the line that says how many are missing before it, its end included.
    """

    def __init__(self, stream: TextIO, line_about: Callable[[int], str]) -> None:
        self._stream = stream
        self._line_about = line_about
        self._n_lost = 0

    @property
    def n_lost(self) -> int:
        """Lines left out since the last one that was written."""
        return self._n_lost

    def write(self, line: str) -> int:
        """Write a whole line; return how many characters were taken, which may be none."""
        about = self._line_about(self._n_lost) if self._n_lost else ""
        try:
            self._stream.write(about + line)
            self._stream.flush()
        except (OSError, ValueError):  # no room, nobody who reads, or closed
            self._n_lost += 1
            return 0
        self._n_lost = 0
        return len(line)

    def flush(self) -> None:
        """Do nothing: what is written is flushed."""
