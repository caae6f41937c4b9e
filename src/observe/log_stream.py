"""Where the lines of the log are written: what can't be written costs the line, never a call.

Standard error may be a file on a disk that is full, or a pipe whose reader is gone; who logs in the
middle of a call must not fail by that. Invariant: writing raises nothing that the system reports,
and says, as soon as it can again, how many lines are missing.
"""

from __future__ import annotations

__all__ = ["LogStream"]

from collections.abc import Callable
from typing import Any, TextIO


class LogStream:
    """A stream that leaves out what its own stream does not take.

    It writes past that one's buffer, which would keep what does not go out and write it later. One
    thread at a time may use it, as structlog sees to.

    Args:
        stream: Where lines go; None where there is no such place.
        line_about: Returns the line that says how many are missing before it, its end included.
    """

    def __init__(self, stream: TextIO | None, line_about: Callable[[int], str]) -> None:
        self._stream = stream
        buffer: Any = getattr(stream, "buffer", None)
        self._raw: Any = getattr(buffer, "raw", buffer)
        self._line_about = line_about
        self._n_lost = 0
        self._is_cut = False

    @property
    def n_lost(self) -> int:
        """Lines left out since the last one that was written."""
        return self._n_lost

    def write(self, line: str) -> int:
        """Write a whole line; return how many characters were taken, which may be none."""
        about = "\n" if self._is_cut else ""
        about += self._line_about(self._n_lost) if self._n_lost else ""
        before, text = _bytes_of(about), _bytes_of(about + line)
        n_taken = self._put(text)
        if n_taken == len(text):
            self._n_lost, self._is_cut = 0, False
            return len(line)
        if n_taken:
            self._is_cut = n_taken != len(before)
            self._n_lost = 0 if n_taken >= len(before) else self._n_lost
        self._n_lost += 1
        return 0

    def _put(self, text: bytes) -> int:
        """Write as much as goes out; return how many bytes."""
        n_taken = 0
        try:
            if self._raw is None and self._stream is not None:
                self._stream.write(text.decode())
                self._stream.flush()
                return len(text)
            while self._raw is not None and n_taken < len(text):
                n_more = self._raw.write(text[n_taken:])
                if not n_more:  # it would have to be waited for
                    break
                n_taken += n_more
        except (OSError, ValueError):  # no room, nobody who reads, or closed
            pass
        return n_taken

    def flush(self) -> None:
        """Do nothing: what is written is flushed."""


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
