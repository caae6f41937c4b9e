"""Shows live calls to whoever watches: one feed, one timer, one message for all.

Invariant: the feed is attached to the engine, and the timer runs, exactly as long as somebody
watches; a watcher never makes the engine, or another watcher, wait.
"""

from __future__ import annotations

__all__ = ["INTERVAL_MS", "Broadcast", "Watcher"]

import asyncio
from typing import Protocol

import structlog

from ...call_observer import CallObserver
from ...clock import Clock, monotonic_ms
from .call_roster import CallRoster
from .feed_messages import (
    PolicyOf,
    detail_message,
    hello_message,
    roster_message,
    tick_message,
)
from .live_feed import LiveFeed
from .outbox import Kind, Outbox

_log = structlog.get_logger(__name__)

INTERVAL_MS = 80.0
"""Time from one message to the next: four frames, 12.5 messages a second."""


class Observed(Protocol):
    """Who tells observers of its calls: the engine."""

    def add_observer(self, observer: CallObserver) -> None:
        """Tell another observer from now on."""

    def remove_observer(self, observer: CallObserver) -> None:
        """Tell an observer nothing more."""


class Watcher:
    """One browser window that watches."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.focus: str | None = None
        """Id of the call that it looks at closely."""
        self.roster_version = -1
        """The list of calls that it was given last."""


class Broadcast:
    """Gathers what happens on calls while somebody watches, and gives it to all who do.

    Args:
        engine: Whose calls they are.
        roster: Its list of calls, attached to the same engine.
        policy_of: Says how a provider is gated.
        clock: The engine's.
    """

    def __init__(
        self,
        engine: Observed,
        roster: CallRoster,
        policy_of: PolicyOf,
        clock: Clock = monotonic_ms,
    ) -> None:
        self._engine = engine
        self._roster = roster
        self._policy_of = policy_of
        self._clock = clock
        self._feed = LiveFeed(roster)
        self._watchers: set[Watcher] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._seq = 0
        self._roster_text = (-1, "")
        self._has_failed = False

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def join(self) -> Watcher:
        """Let another one watch; the first one starts the feed."""
        watcher = Watcher()
        watcher.outbox.put(Kind.HELLO, hello_message(INTERVAL_MS))
        self._give_roster(watcher)
        self._watchers.add(watcher)
        if self._ticking is None:
            self._engine.add_observer(self._feed)
            self._ticking = asyncio.create_task(self._tick_on(), name="desk feed")
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Let one go; the last one ends the feed. Idempotent."""
        self._watchers.discard(watcher)
        self._follow_focus()
        if not self._watchers and self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
            self._engine.remove_observer(self._feed)
            self._feed.clear()

    def focus(self, watcher: Watcher, call_id: str | None) -> None:
        """Let a watcher look at one call closely, or at none."""
        watcher.focus = call_id
        self._follow_focus()

    def tick(self) -> None:
        """Make the next message and give it to all."""
        now_ms = self._clock()
        self._seq += 1
        text = tick_message(self._seq, now_ms, self._feed.take_rows(now_ms))
        details = {call_id: self._detail(call_id, now_ms) for call_id in self._focused()}
        for watcher in self._watchers:
            if watcher.roster_version != self._roster.version:
                self._give_roster(watcher)
            watcher.outbox.put(Kind.TICK, text)
            detail = details.get(watcher.focus) if watcher.focus is not None else None
            if detail is not None:
                watcher.outbox.put(Kind.DETAIL, detail)
        if len(details) > 0:
            self._follow_focus()  # a call that is looked at may have begun since

    # -- private steps -----------------------------------------------------------------------------

    async def _tick_on(self) -> None:
        """Make a message in every interval; of those that are late, one."""
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        while True:
            next_s = max(next_s + INTERVAL_MS / 1000, loop.time())
            await asyncio.sleep(next_s - loop.time())
            try:
                self.tick()
            except Exception:  # noqa: BLE001 - the next one may succeed, and calls go on anyway
                if not self._has_failed:
                    _log.exception("desk.feed_failed")
                self._has_failed = True

    def _give_roster(self, watcher: Watcher) -> None:
        version = self._roster.version
        if self._roster_text[0] != version:
            text = roster_message(version, self._roster.running, self._policy_of)
            self._roster_text = (version, text)
        watcher.outbox.put(Kind.ROSTER, self._roster_text[1])
        watcher.roster_version = version

    def _detail(self, call_id: str, now_ms: float) -> str | None:
        detail = self._feed.take_detail(call_id, now_ms)
        return None if detail is None else detail_message(detail)

    def _focused(self) -> list[str]:
        return [watcher.focus for watcher in self._watchers if watcher.focus is not None]

    def _follow_focus(self) -> None:
        self._feed.look_closely(list(dict.fromkeys(self._focused())))
