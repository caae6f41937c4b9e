"""The events that wait for the engine, bounded, with a last one that always fits.

Invariant: events come out in the order in which they went in, the final one last and for ever.
"""

from __future__ import annotations

__all__ = ["EventQueue"]

import asyncio
from collections import deque

from .base import ProviderEnded, ProviderEvent

_MAX_WAITING = 1024
"""Events that may wait. The engine takes them as they come; a provider that is so far ahead waits,
and the network with it."""


class EventQueue:
    """A queue from one or more producers to one consumer.

    Args:
        limit: Events that may wait.

    Raises:
        ValueError: if ``limit`` is not positive.
    """

    def __init__(self, limit: int = _MAX_WAITING) -> None:
        if limit < 1:
            raise ValueError(f"limit: {limit} is not 1 or more")
        self._limit = limit
        self._waiting: deque[ProviderEvent] = deque()
        self._final: ProviderEnded | None = None
        self._has_event = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    @property
    def is_closed(self) -> bool:
        """Whether the final event was given."""
        return self._final is not None

    async def put(self, event: ProviderEvent) -> None:
        """Queue an event; waits while the queue is full. Lost if the queue was closed.

        Cancellation-safe: an event that was waiting to get in is not in the queue.
        """
        while not self.is_closed and len(self._waiting) >= self._limit:
            self._has_room.clear()
            await self._has_room.wait()
        self.put_nowait(event)

    def put_nowait(self, event: ProviderEvent) -> None:
        """Queue an event even if the queue is full. Lost if the queue was closed."""
        if not self.is_closed:
            self._waiting.append(event)
            self._has_event.set()

    def close(self, final: ProviderEnded) -> None:
        """Queue the final event; the first one counts."""
        if self._final is None:
            self._final = final
            self._has_event.set()
            self._has_room.set()

    async def get(self) -> ProviderEvent:
        """Take the oldest event; waits for one. Once the queue is closed and empty, the final one.

        Cancellation-safe: no event is lost.
        """
        while True:
            if self._waiting:
                self._has_room.set()
                return self._waiting.popleft()
            if self._final is not None:
                return self._final
            self._has_event.clear()
            await self._has_event.wait()
