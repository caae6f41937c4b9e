"""Calls that Twilio is to ask about: what comes after their streams.

Invariant: a question counts for the stream that was open last when it came, and no call is kept
longer than it is waited for.
"""

from __future__ import annotations

__all__ = ["AwaitedQuestions"]

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class AwaitedQuestions:
    """The questions that are still to come, by the SID of the call."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Event] = {}

    @contextmanager
    def awaiting(self, call_sid: str) -> Iterator[asyncio.Event]:
        """Say, by the event, when Twilio asks about a call; for the length of a block.

        The block begins with the stream: the question may come before anybody waits for it.
        """
        asked = self._asked[call_sid] = asyncio.Event()
        try:
            yield asked
        finally:
            if self._asked.get(call_sid) is asked:
                del self._asked[call_sid]

    def note(self, call_sid: str | None) -> None:
        """Take that Twilio has asked about a call; an unknown one is left out."""
        if (asked := self._asked.get(call_sid or "")) is not None:
            asked.set()
