"""When to ask the server for an answer: one at a time, and again after a rate limit.

Functions that returned, turns that we ended ourselves and sessions that were lost in the middle of
an answer each want one. Invariant: never is one asked for while another is under way, and one
answer serves everybody who wanted one before it began.
"""

from __future__ import annotations

__all__ = ["RESPONSE_ID", "ResponseRequests"]

from collections.abc import Iterable

from ..base import RateLimit

RESPONSE_ID = "answer-"
"""Start of the event ids of our requests: an error that names one is about the answer."""

_PATIENCE_MS = 10_000
"""A request that was neither granted nor refused for so long is forgotten."""

_BUSY_MS = 200
"""Pause after a request that came too early; what tells of the other answer's end is sooner."""

_MAX_RETRIES = 3
"""Attempts after a rate limit; beyond, the caller speaks again and is the next attempt."""

_RETRY_MS = (500, 20_000)
"""Bounds of the pause before an attempt; longer, and the caller has given up."""


class ResponseRequests:
    """Who wants an answer, and since when one may be asked for."""

    __slots__ = ("_due_ms", "_is_wanted", "_limits", "_n_retries", "_sent_ms")

    def __init__(self) -> None:
        self._is_wanted = False
        self._due_ms = 0.0
        self._sent_ms: float | None = None
        self._limits: tuple[RateLimit, ...] = ()
        self._n_retries = 0

    @property
    def is_wanted(self) -> bool:
        """Whether an answer is wanted and was not asked for."""
        return self._is_wanted

    @property
    def is_pending(self) -> bool:
        """Whether an answer is wanted, or was asked for and has not begun."""
        return self._is_wanted or self._sent_ms is not None

    def want(self) -> None:
        """Ask for an answer as soon as none is under way."""
        if not self._is_wanted:
            self._due_ms = 0.0  # else a rate limit may still have to be waited out
        self._is_wanted = True

    def take(self, now_ms: float, *, is_free: bool) -> bool:
        """Say whether to ask now, and note that it is done.

        Args:
            now_ms: Monotonic time.
            is_free: No answer is under way.
        """
        is_waiting = self._sent_ms is not None and now_ms < self._sent_ms + _PATIENCE_MS
        if not self._is_wanted or not is_free or is_waiting or now_ms < self._due_ms:
            return False
        self._is_wanted = False
        self._sent_ms = now_ms
        return True

    def receive_started(self) -> None:
        """Note that an answer begins, whoever asked for it."""
        self._is_wanted = False
        self._sent_ms = None

    def receive_busy(self, now_ms: float) -> None:
        """Note that our request was refused because another answer is under way."""
        self._sent_ms = None
        self._is_wanted = True
        self._due_ms = now_ms + _BUSY_MS

    def receive_refused(self) -> None:
        """Note that our request was refused for good."""
        self._sent_ms = None

    def receive_limits(self, limits: Iterable[RateLimit]) -> None:
        """Note what is left of the account's limits."""
        self._limits = tuple(limits)

    def receive_rate_limited(self, now_ms: float) -> bool:
        """Note that an answer failed for a rate limit; True if it is asked for again, later."""
        self._sent_ms = None
        if self._n_retries >= _MAX_RETRIES:
            return False
        self._n_retries += 1
        self._is_wanted = True
        self._due_ms = now_ms + self._pause_ms()
        return True

    def receive_completed(self) -> None:
        """Note that an answer came through: the next rate limit has all its attempts again."""
        self._n_retries = 0

    def forget(self) -> None:
        """Want nothing any more: the caller speaks, and that turn is answered instead."""
        self._is_wanted = False

    def lose_session(self) -> None:
        """Note that whatever was asked for will not come."""
        self._is_wanted = self._is_wanted or self._sent_ms is not None
        self._sent_ms = None

    def _pause_ms(self) -> float:
        """Return what the server says that it takes, or ever more seconds where it does not."""
        used_up = [
            limit.reset_s
            for limit in self._limits
            if limit.remaining is not None and limit.remaining <= 0 and limit.reset_s is not None
        ]
        pause_ms = 1000 * (max(used_up) if used_up else 2.0 ** (self._n_retries - 1))
        low_ms, high_ms = _RETRY_MS
        return min(max(pause_ms, low_ms), high_ms)
