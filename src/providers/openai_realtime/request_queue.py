"""The events of one session that wait to be sent, audio aside.

Invariant: they are sent in the order in which they were asked for, each has an id of its own, by
which an error of the server says what it is about, and no more wait than the bound.
"""

from __future__ import annotations

__all__ = ["MAX_REQUESTS", "RequestQueue"]

from collections import Counter, deque
from collections.abc import Iterable

MAX_REQUESTS = 1024
"""Events that may wait: a server that leaves so many unread makes no conversation any more."""


class RequestQueue:
    """First in, first out.

    Args:
        counts: Of the call; what was left out is added as ``requests_dropped``.
    """

    __slots__ = ("_counts", "_n_ids", "_waiting")

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._waiting: deque[str] = deque()
        self._n_ids = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def next_id(self, prefix: str) -> str:
        """Return the id of a new event; what it begins with says what the event is for."""
        self._n_ids += 1
        return f"{prefix}{self._n_ids}"

    def put(self, request: str) -> None:
        """Queue an event; where too many wait, it is left out and counted."""
        if len(self._waiting) < MAX_REQUESTS:
            self._waiting.append(request)
        else:
            self._counts["requests_dropped"] += 1

    def put_all(self, requests: Iterable[str]) -> None:
        """Queue events, in their order."""
        for request in requests:
            self.put(request)

    def take(self) -> str | None:
        """Take the next event to send, or None."""
        return self._waiting.popleft() if self._waiting else None
