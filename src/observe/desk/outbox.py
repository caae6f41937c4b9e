"""What one watcher is still to be sent: the newest message of each kind.

Invariant: a watcher that does not read holds one message of each kind and no more, and nobody waits
for it.
"""

from __future__ import annotations

__all__ = ["Kind", "Outbox"]

import asyncio
from enum import IntEnum


class Kind(IntEnum):
    """Kinds of messages, in the order in which those that wait are sent."""

    HELLO = 0
    ROSTER = 1
    TICK = 2
    DETAIL = 3


class Outbox:
    """The messages that wait for one watcher."""

    def __init__(self) -> None:
        self._waiting: dict[Kind, str] = {}
        self._is_filled = asyncio.Event()
        self.replaced = 0
        """Messages that were never sent, as a newer one of their kind came first."""

    def put(self, kind: Kind, message: str) -> None:
        """Let a message wait, in the place of an older one of its kind."""
        self.replaced += kind in self._waiting
        self._waiting[kind] = message
        self._is_filled.set()

    async def take(self) -> str:
        """Return the next message; waits for one. One consumer; cancellation loses nothing."""
        while not self._waiting:
            self._is_filled.clear()
            await self._is_filled.wait()
        return self._waiting.pop(min(self._waiting))
