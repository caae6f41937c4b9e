"""One provider from its start to its failure, and how long it may be away.

Invariant: where another provider could take over, nobody waits for this one longer than the policy
says; where none could, it has its own time.
"""

from __future__ import annotations

__all__ = ["Failure", "ProviderRun"]

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..clock import Clock
from ..errors import ProviderError
from ..providers.base import ProviderDisconnected, ProviderEnded, ProviderEvent, ProviderReady
from .agent_seat import AgentSeat
from .slices import Slices

_START_TIMEOUT_S = 120.0
"""Time that the last provider gets to be ready, if it has no bound of its own: the longest that can
be configured for those that have."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A provider that can't be reached, or not any more."""

    error: ProviderError
    was_ready: bool
    """It was lost in mid-call."""


class ProviderRun:
    """Runs the provider that has the seat.

    Args:
        seat: The agent's side of the call.
        follow: Does what an event asks for.
        after_s: Time in s without the provider after which another one is to be tried.
        clock: Monotonic time in ms.
    """

    def __init__(
        self,
        seat: AgentSeat,
        follow: Callable[[ProviderEvent], Awaitable[None]],
        *,
        after_s: float,
        clock: Clock,
    ) -> None:
        self._seat = seat
        self._follow = follow
        self._after_s = after_s
        self._clock = clock

    async def run(self) -> Failure | None:
        """Start the provider and follow its events; return how it failed, or None if it did not."""
        try:
            await self._start()
        except ProviderError as error:
            await self._follow(ProviderEnded(error))
            return Failure(error, was_ready=False)
        try:
            error_at_end = await self._follow_events()
        except TimeoutError:
            error_at_end = self._too_late()
            await self._follow(ProviderEnded(error_at_end))
        return None if error_at_end is None else Failure(error_at_end, was_ready=True)

    async def _start(self) -> None:
        """Start the provider, in time.

        Raises:
            ProviderError: it can't be reached, or not in time.
        """
        has_next = self._seat.next_name is not None
        try:
            async with asyncio.timeout(self._after_s if has_next else _START_TIMEOUT_S):
                await self._seat.provider.start()
        except TimeoutError as exc:
            raise self._too_late() from exc

    async def _follow_events(self) -> ProviderError | None:
        """Follow the events to the last one; return the error that it ended with.

        Raises:
            TimeoutError: the provider was away for too long, and another one could take over.
        """
        slices = Slices(self._clock)
        async with asyncio.timeout(None) as patience:
            async for event in self._seat.provider.events():
                self._follow_connection(event, patience)
                await self._follow(event)
                if isinstance(event, ProviderEnded):
                    return event.error
                await slices.end_one()
        return None

    def _follow_connection(self, event: ProviderEvent, patience: asyncio.Timeout) -> None:
        if isinstance(event, ProviderReady):
            self._seat.find_provider()
            patience.reschedule(None)
        elif isinstance(event, ProviderDisconnected):
            self._seat.lose_provider()
            if self._seat.next_name is not None:
                patience.reschedule(asyncio.get_running_loop().time() + self._after_s)

    def _too_late(self) -> ProviderError:
        name = self._seat.name
        return ProviderError(name, "not there in time", code="fall_back_timeout", retryable=True)
