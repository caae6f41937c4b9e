"""The providers of one call, one after the other: who takes over, and what the caller hears of it.

Invariant: a provider that is lost makes room for the next one, or ends the call, and is counted
once; a farewell that it has said ends the call all the same.
"""

from __future__ import annotations

__all__ = ["ProviderSuccession"]

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

from ..call_observer import CallObserver, ProviderSwitched
from ..clock import Clock
from ..core.audio import FRAME_MS
from ..core.gate_decision import GateDecision
from ..providers.base import Provider, ProviderEvent
from .agent_seat import AgentSeat
from .announcements import AnnouncementKind
from .announcer import Announcer
from .candidate import FallBackPolicy
from .closing import CallOver, close_sides
from .final_counts import add_counts, provider_counts
from .playout_control import PlayoutControl
from .provider_run import Failure, ProviderRun
from .slices import Slices


class ProviderSuccession:
    """Runs the providers of one call until one ends it, or none is left.

    Args:
        call_id: Id of the call.
        seat: Who has the agent's side.
        control: Its playout.
        announcer: Says that an agent was lost.
        policy: When the next one takes over.
        observer: Told who has taken over, and what the gate makes of the time between.
        clock: Monotonic time in ms.
        follow: Does what an event of a provider asks for.
        on_lost: Called when a provider was lost: its answers are.
    """

    def __init__(
        self,
        call_id: str,
        seat: AgentSeat,
        control: PlayoutControl,
        announcer: Announcer,
        *,
        policy: FallBackPolicy,
        observer: CallObserver,
        clock: Clock,
        follow: Callable[[ProviderEvent], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        self._call_id = call_id
        self._seat = seat
        self._control = control
        self._announcer = announcer
        self._policy = policy
        self._observer = observer
        self._clock = clock
        self._follow = follow
        self._on_lost = on_lost
        self._has_answered = False
        """One of them was ready."""
        self._counts: dict[str, Mapping[str, int]] = {}
        self._counted: Provider | None = None

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """What the providers counted that have left the seat, by their names."""
        return self._counts

    async def run(self) -> NoReturn:
        """Run one provider after the other.

        Raises:
            CallOver: one has ended the call, or none is left.
        """
        run = ProviderRun(self._seat, self._follow, after_s=self._policy.after_s, clock=self._clock)
        while True:
            failure = await run.run()
            if failure is None:
                raise CallOver("provider_ended")
            self._has_answered = self._has_answered or failure.was_ready
            self._seat.lose_provider()
            await self._finish_farewell()
            if self._seat.next_name is None:
                await self._give_up(failure)
            await self._fall_back(failure, self._seat.next_name)

    def keep_counts(self) -> None:
        """Add what the provider that has the seat counted, once, before it leaves."""
        name, provider = self._seat.name, self._seat.provider
        if provider is self._counted:
            return
        self._counted = provider
        if counts := provider_counts(provider):
            self._counts[name] = add_counts(self._counts.get(name, {}), counts)

    async def _finish_farewell(self) -> None:
        """Let a farewell end the call though its agent is gone; it may be interrupted still.

        An announced transfer is made too.
        """
        control = self._seat.control
        self._on_lost()
        while control is not None and control.is_leaving:  # noqa: ASYNC110 - by slots
            await asyncio.sleep(FRAME_MS / 1000)

    async def _fall_back(self, failure: Failure, next_name: str) -> None:
        """Give the call to the next provider, and let the caller hear a sentence meanwhile."""
        previous = self._seat.name
        self._seat.leave()
        self._control.flush()
        kind = AnnouncementKind.LOST if failure.was_ready else AnnouncementKind.FALL_BACK
        self._announcer.say(kind)
        await close_sides(self._call_id, ("provider", self._seat.provider.stop))
        self.keep_counts()
        async with self._policy.turn:
            pause = Slices(self._clock).end_one
            handover = await self._seat.take_next(self._tell_replayed, pause)
        if self._seat.is_playout_paused:
            self._control.pause()
        self._observer.on_provider_switched(
            ProviderSwitched(
                call_id=self._call_id,
                now_ms=self._clock(),
                previous=previous,
                provider=next_name,
                error=failure.error,
                was_ready=failure.was_ready,
                held_frames=handover.held_frames,
                dropped_frames=handover.dropped_frames,
                gate=handover.gate,
            )
        )

    def _tell_replayed(self, now_ms: float, frame: bytes | None, decision: GateDecision) -> None:
        self._observer.on_decision(self._call_id, now_ms, frame, decision)
        for event in decision.events:
            self._observer.on_gate_event(self._call_id, event)

    async def _give_up(self, failure: Failure) -> NoReturn:
        """Tell the caller that nobody can be reached, and end the call."""
        self._seat.leave()
        self._control.flush()
        await self._announcer.say_to_the_end(AnnouncementKind.UNREACHABLE)
        reason = "provider_lost" if self._has_answered else "provider_unreachable"
        raise CallOver(reason, str(failure.error)) from failure.error
