"""One call: the one place where an inbound frame and an outbound frame pass through.

*In*: line -> :meth:`CallSession._take_frame` -> seat -> ``provider.send_audio`` (which asks the
gate). *Out*: provider event -> playout -> :meth:`CallSession._play_slot` -> line, and what the line
plays in each slot is shown to the gate as far-end. Where a provider fails the next one takes its
seat, and the caller hears a sentence meanwhile. Invariant: nothing here decides about audio; what
the gate says of playout is carried out within one frame.
"""

from __future__ import annotations

__all__ = ["CallSession"]

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from ..call_observer import CallEnded, CallObserver, CallStarted
from ..clock import Clock
from ..core.audio_gating_manager import AudioGatingManager
from ..core.gate_decision import GateDecision, GateEvent
from ..core.line_playout import LinePlayout
from ..core.pacing import SlotPacer
from ..core.playout import PlayoutFrame
from ..core.stream_clock import StreamClock
from ..providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStarted,
    Provider,
    ProviderEvent,
    ResponseDone,
    ResponseStarted,
    TokenUsage,
    UsageReported,
)
from ..providers.call_control import CallControl
from ..transports.base import Line, LineAudio, LineCapabilities, LineEvent, LineHangup, LinePlayed
from .agent_seat import AgentSeat
from .announcements import Announcements
from .announcer import Announcer
from .call_turns import Rest, await_rest
from .candidate import Agent, Candidate, FallBackPolicy
from .closing import CallOver, close_sides, first_word
from .final_counts import line_counts
from .frame_intake import FrameIntake
from .playout_control import PlayoutControl
from .provider_succession import ProviderSuccession
from .slot_player import SlotPlayer

_MAX_ANSWERS = 256
"""Answers of a provider that may be under way at a time; one or two are usual."""

_log = structlog.get_logger(__name__)


class CallSession:
    """Wires one call: line, gate, playout and provider.

    Args:
        line: The telephone's side.
        provider: The agent's side; not yet started. It asks the same manager under the call id of
            the line.
        provider_name: Instance name of the provider: the gate's policy goes by its kind.
        manager: The gate.
        observer: Told of everything.
        clock: The clock of the manager and of the provider.
        control: What the agent wants done to the call; None if it may do nothing.
        successors: Providers that take over, in this order, where those before them failed.
        fall_back: When they do, and what they get of the time before.
        announcements: What the caller hears then.
        route: Position of the route that the call took; None without one.
    """

    def __init__(
        self,
        line: Line,
        provider: Provider,
        *,
        provider_name: str,
        manager: AudioGatingManager,
        observer: CallObserver,
        clock: Clock,
        control: CallControl | None = None,
        successors: Sequence[Candidate] = (),
        fall_back: FallBackPolicy | None = None,
        announcements: Announcements | None = None,
        route: int | None = None,
    ) -> None:
        self.call_id = line.call_id
        self._line = line
        self._observer = observer
        self._clock = clock
        self._route = route
        policy = fall_back or FallBackPolicy()
        self._seat = AgentSeat(
            line,
            provider_name,
            Agent(provider, control),
            manager=manager,
            clock=clock,
            successors=successors,
            hold_ms=policy.hold_ms,
        )
        self._answers: set[str] = set()
        self._usage: TokenUsage | None = None
        self._transfer: asyncio.Task[None] | None = None
        self._playout = LinePlayout(
            line.playout_format, max_lead_ms=_usable_lead_ms(line.capabilities)
        )
        self._is_in_step = not self._playout.is_buffered
        """One frame is sent for each that comes."""
        self._pacer = SlotPacer(clock(), in_step=self._is_in_step)
        self._slots = SlotPlayer(
            self.call_id, self._pacer, play=self._play_slot, skip=self._skip_slot, clock=clock
        )
        self._intake = FrameIntake(
            line, take_frame=self._take_frame, follow=self._follow_line, clock=clock
        )
        self._stream_clock = StreamClock()
        self._announcer = Announcer(
            self.call_id,
            Announcements() if announcements is None else announcements,
            self._playout,
            line.playout_format,
            clock,
        )
        self._control = PlayoutControl(
            line, self._playout, self._seat, self._announcer, observer, clock
        )
        self._providers = self._make_succession(policy)

    async def run(self) -> CallEnded:
        """Serve the call from start to end; never raises but for cancellation.

        Cancellation hangs up, closes the provider and forgets the call.
        """
        started_ms = self._clock()
        self._observer.on_call_started(
            CallStarted(
                call_id=self.call_id,
                provider=self._seat.name,
                line=self._line.kind,
                started_ms=started_ms,
                metadata=self._line.metadata,
                route=self._route,
                capture_format=self._line.capture_format,
                playout_format=self._line.playout_format,
            )
        )
        over = CallOver("drained")
        try:
            over = await self._serve(started_ms)
        finally:
            duration_ms = self._clock() - started_ms
            try:
                await self._close()
            finally:
                ended = self._forget(over, duration_ms)
        return ended

    def _make_succession(self, policy: FallBackPolicy) -> ProviderSuccession:
        return ProviderSuccession(
            self.call_id,
            self._seat,
            self._control,
            self._announcer,
            policy=policy,
            observer=self._observer,
            clock=self._clock,
            follow=self._follow_provider,
            on_lost=self._answers.clear,
        )

    # -- the call's tasks --------------------------------------------------------------------------

    async def _serve(self, now_ms: float) -> CallOver:
        """Run the call's tasks until the first one ends the call; return why."""
        over: CallOver | None = None
        try:
            self._seat.open_gate(now_ms)
            async with asyncio.TaskGroup() as tasks:
                name = f"call {self.call_id}"
                tasks.create_task(self._slots.run(), name=f"{name} playout")
                tasks.create_task(self._intake.run(), name=f"{name} line")
                tasks.create_task(self._intake.run_turns(), name=f"{name} frames")
                tasks.create_task(self._providers.run(), name=f"{name} provider")
        except* CallOver as group:
            over = first_word(group)
        except* Exception as group:  # noqa: BLE001 - one call's trouble never reaches another
            _log.error("call.failed", call_id=self.call_id, exc_info=group)
            over = over or CallOver("internal_error", type(group.exceptions[0]).__name__)
        assert over is not None, "a task group without an error never ends"  # noqa: S101
        return over

    def _follow_line(self, event: LineEvent) -> None:
        """Take what is no audio."""
        now_ms = self._clock()
        self._observer.on_line_event(self.call_id, now_ms, event)
        if isinstance(event, LinePlayed):
            self._playout.report_played(event.n_frames, now_ms)
        elif isinstance(event, LineHangup):
            raise CallOver(event.reason, event.detail)

    def _take_frame(self, event: LineAudio, now_ms: float) -> Rest | None:
        """Give the provider, which asks the gate, one captured frame, and play what is due."""
        self._observer.on_line_event(self.call_id, now_ms, event)
        placed_ms = self._place_frame(event, now_ms)
        if not self._seat.is_prompt:
            return partial(self._give_frame, event.audio, now_ms, placed_ms)
        decision = self._seat.send_audio_at_once(event.audio, now_ms, placed_ms)
        return self._follow_frame(event.audio, now_ms, decision)

    async def _give_frame(self, audio: bytes, now_ms: float, placed_ms: float | None) -> None:
        decision = await self._seat.send_audio(audio, now_ms, placed_ms)
        await await_rest(self._follow_frame(audio, now_ms, decision))

    def _follow_frame(
        self, audio: bytes, now_ms: float, decision: GateDecision | None
    ) -> Rest | None:
        """Do what the gate says of a frame, and play the slot whose frame it is."""
        rest = None
        if decision is not None:
            self._observer.on_frame_processed(self.call_id, self._clock() - now_ms)
            self._observer.on_decision(self.call_id, now_ms, audio, decision)
            if decision.events:
                rest = self._follow_gate(decision.events)
        if self._is_in_step:
            self._slots.receive_frame()
        return rest

    def _place_frame(self, event: LineAudio, now_ms: float) -> float | None:
        """Tell the pacer when a frame was captured; return it where the line says it."""
        duration_ms = self._line.capture_format.duration_ms(len(event.audio))
        placed_ms = None
        if event.timestamp_ms is not None:
            placed_ms = self._stream_clock.place(event.timestamp_ms + duration_ms, now_ms)
        place_ms = now_ms if placed_ms is None else placed_ms
        self._pacer.on_inbound(place_ms, duration_ms, came_ms=now_ms)
        return placed_ms

    def _skip_slot(self, slot_ms: float, now_ms: float) -> None:
        self._seat.skip_slot(self._playout.skip_slot(slot_ms), now_ms)

    def _play_slot(self, slot_ms: float, now_ms: float) -> Rest | None:
        """Send what is due, show the gate what the line plays in this slot, and let time pass."""
        slot = self._playout.next_slot(slot_ms, now_ms)
        for frame in slot.sent:
            self._line.send_audio(frame.audio)
        self._announcer.receive_slot(slot.played, now_ms)
        self._observer.on_playout(self.call_id, now_ms, slot.played)
        if not self._seat.is_prompt:
            return partial(self._pass_slot, slot.played, now_ms)
        return self._follow_slot(now_ms, self._seat.pass_slot_at_once(slot.played, now_ms))

    async def _pass_slot(self, played: PlayoutFrame, now_ms: float) -> None:
        decision = await self._seat.pass_slot(played, now_ms)
        await await_rest(self._follow_slot(now_ms, decision))

    def _follow_slot(self, now_ms: float, decision: GateDecision | None) -> Rest | None:
        """Do what the gate says of the time that has passed."""
        rest = None
        if decision is not None:
            self._observer.on_decision(self.call_id, now_ms, None, decision)
            if decision.events:
                rest = self._follow_gate(decision.events)
            self._follow_control(now_ms)
        return rest

    def _follow_control(self, now_ms: float) -> None:
        """Transfer or end the call if the agent wants that, and its last word was heard."""
        control = self._seat.control
        if control is None or not control.is_leaving:
            return
        is_active = self._playout.is_active or bool(self._answers)
        if control.is_transfer_due(now_ms, is_agent_active=is_active):
            # By a task of its own: it may take seconds, and is to end before the line is closed.
            name = f"call {self.call_id} transfer"
            self._transfer = asyncio.create_task(control.transfer(), name=name)
        elif control.is_hangup_due(now_ms, is_agent_active=is_active):
            raise CallOver("agent_hangup")

    # -- the provider ------------------------------------------------------------------------------

    async def _follow_provider(self, event: ProviderEvent) -> None:
        self._observer.on_provider_event(self.call_id, self._clock(), event)
        if isinstance(event, AgentAudio):
            self._playout.enqueue(self._seat.name_item(event.item_id), event.audio)
        elif isinstance(event, AgentAudioDone):
            self._playout.finish(self._seat.name_item(event.item_id))
        elif isinstance(event, CallerSpeechStarted):
            await self._follow_speech(event)
        elif isinstance(event, ResponseStarted):
            if len(self._answers) < _MAX_ANSWERS:  # a provider that ends none has no more of them
                self._answers.add(event.response_id)
        elif isinstance(event, ResponseDone):
            self._answers.discard(event.response_id)
        elif isinstance(event, UsageReported):
            self._usage = event.usage + (self._usage or TokenUsage())

    async def _follow_speech(self, event: CallerSpeechStarted) -> None:
        """Do what the gate says of the provider's word that the caller speaks.

        What was said before an announcement does not interrupt it, unless the gate has paused it
        for what is said now. A provider that is shielded hears nothing else, and need not say when
        that was.
        """
        is_shielded = self._announcer.is_saying and self._seat.is_shielded(self._clock())
        is_old = is_shielded or self._announcer.is_said_after(event.capture_ms)
        if self._control.is_paused or not is_old:
            events = event.decision.events
            await await_rest(self._follow_gate(events, is_word_of_provider=True))

    def _follow_gate(
        self, events: Sequence[GateEvent], *, is_word_of_provider: bool = False
    ) -> Rest | None:
        """Do to playout what the gate says, and tell the observers.

        A provider that is not gated is followed at its every word that the caller speaks; that is
        an interruption only if there was something to interrupt.
        """
        is_blind = is_word_of_provider and not self._seat.provider.capabilities.needs_gating
        is_told = not is_blind or self._playout.is_active or bool(self._answers)
        return self._control.follow(events, is_told=is_told)

    # -- the end -----------------------------------------------------------------------------------

    async def _close(self) -> None:
        await close_sides(
            self.call_id,
            ("line", self._line.hangup),
            ("transfer", self._stop_transfer),
            ("provider", self._seat.provider.stop),
        )

    async def _stop_transfer(self) -> None:
        """Give up a transfer that is not done: its line has ended."""
        if self._transfer is not None:
            self._transfer.cancel()
            await asyncio.wait({self._transfer})

    def _forget(self, over: CallOver, duration_ms: float) -> CallEnded:
        """Let the gate forget the call, and sum it up for the observers."""
        self._seat.close_gate()
        self._providers.keep_counts()
        ended = CallEnded(
            call_id=self.call_id,
            provider=self._seat.name,
            predecessors=self._seat.predecessors,
            reason=over.reason,
            detail=over.detail,
            duration_ms=duration_ms,
            gate=self._seat.stats,
            playout_underruns=self._playout.underruns,
            skipped_slots=self._pacer.skipped_slots,
            usage=self._usage,
            playout_dropped_ms=self._playout.dropped_ms,
            line_counts=line_counts(self._line),
            provider_counts=self._providers.counts,
        )
        self._observer.on_call_ended(ended)
        return ended


def _usable_lead_ms(capabilities: LineCapabilities) -> float:
    """Return how far a line may be sent ahead: not at all where it could not be told to forget."""
    return capabilities.max_lead_ms if capabilities.can_flush else 0.0
