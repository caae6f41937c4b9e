"""The events of one session that wait to be sent, audio aside.

Invariant: they are sent in the order in which they were asked for, and each has an id of its own,
by which an error of the server says what it is about.
"""

from __future__ import annotations

__all__ = ["RequestQueue"]

from collections import deque
from collections.abc import Iterable


class RequestQueue:
    """First in, first out."""

    __slots__ = ("_n_ids", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._n_ids = 0

    def next_id(self, prefix: str) -> str:
        """Return the id of a new event; what it begins with says what the event is for."""
        self._n_ids += 1
        return f"{prefix}{self._n_ids}"

    def put(self, request: str) -> None:
        """Queue an event."""
        self._waiting.append(request)

    def put_all(self, requests: Iterable[str]) -> None:
        """Queue events, in their order."""
        self._waiting.extend(requests)

    def take(self) -> str | None:
        """Take the next event to send, or None."""
        return self._waiting.popleft() if self._waiting else None
