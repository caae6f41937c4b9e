"""How much of the process one call's server may take with what it sends.

A server that sends without end - a bug, or somebody's malice - would otherwise have the whole core,
and every other call would wait. Beyond its share its messages are read later, so that its own
socket fills up and it has to wait. Invariant: a server that sends what a call can use never waits.
"""

from __future__ import annotations

__all__ = ["MessageBudget"]

_SHARE = 0.2
"""Of the time, for all messages of one server: 2,000 small ones a second. A call takes a hundredth
of that, at ten times real time."""

_BURST_MS = 20.0
"""Work that may be done at once: an answer of half a minute that comes in one piece."""

_MESSAGE_MS = 0.1
"""What a message takes: to be unpacked, understood and passed on (measured 0.05 to 0.1)."""

_MS_PER_BYTE = 5e-6
"""What each byte takes: JSON and base64 (measured 200 MB/s)."""


class MessageBudget:
    """The share of one connection.

    Args:
        now_ms: Now, as in all other inputs.
    """

    __slots__ = ("_left_ms", "_now_ms")

    def __init__(self, now_ms: float) -> None:
        self._now_ms = now_ms
        self._left_ms = _BURST_MS

    def spend(self, n_bytes: int, now_ms: float) -> float:
        """Take note of a message; return how long to wait before the next is read, in ms.

        Args:
            n_bytes: Its length; that of a text in characters.
            now_ms: When it was read.
        """
        earned_ms = max(0.0, now_ms - self._now_ms) * _SHARE
        self._now_ms = max(self._now_ms, now_ms)
        cost_ms = _MESSAGE_MS + n_bytes * _MS_PER_BYTE
        self._left_ms = min(_BURST_MS, self._left_ms + earned_ms) - cost_ms
        return max(0.0, -self._left_ms / _SHARE)
