"""One call: the one place where an inbound frame and an outbound frame pass through.

*In*: line -> :meth:`CallSession._receive_line` -> ``provider.send_audio`` (which asks the gate).
*Out*: provider event -> playout -> :meth:`CallSession._play_slot` -> line, and what the line plays
in each slot is shown to the gate as far-end. Invariant: nothing here decides about audio; what the
gate says of playout is carried out within one frame.
"""

from __future__ import annotations

__all__ = ["CallSession"]

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

from ..call_observer import CallEnded, CallObserver, CallStarted
from ..clock import Clock
from ..core.audio import FRAME_MS
from ..core.audio_gating_manager import AudioGatingManager
from ..core.gate_decision import GateEvent, GateEventType
from ..core.line_playout import LinePlayout
from ..core.pacing import SlotPacer
from ..core.playout import PlayoutFrame
from ..core.stream_clock import StreamClock
from ..errors import ProviderError
from ..providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStarted,
    Provider,
    ProviderEnded,
    ProviderEvent,
    ResponseDone,
    ResponseStarted,
    TokenUsage,
    UsageReported,
)
from ..providers.call_control import CallControl
from ..transports.base import Line, LineAudio, LineCapabilities, LineHangup, LinePlayed

_SLICE_MS = 1.0
"""Time for which a burst is worked off before the loop gets its turn: half of the 2 ms that
nothing may hold it."""

_CLOSE_TIMEOUT_S = 5.0
"""Time that each side gets to close when the call is over."""

_PAUSING = frozenset({GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED})
_RESUMING = frozenset(
    {GateEventType.CANDIDATE_DROPPED, GateEventType.RESUMED, GateEventType.GATE_OPENED}
)

_log = structlog.get_logger(__name__)


class _CallOver(Exception):  # noqa: N818 - no error: it ends the call's task group
    """The call is over."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class _Slices:
    """Gives the loop its turn where a burst leaves no other await that would."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_ms = clock()

    async def end_one(self) -> None:
        """Yield if the loop was held for the length of a slice, or may have been."""
        if self._clock() - self._began_ms >= _SLICE_MS:
            await asyncio.sleep(0)
            self._began_ms = self._clock()


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
    ) -> None:
        self.call_id = line.call_id
        self._line = line
        self._provider = provider
        self._provider_name = provider_name
        self._manager = manager
        self._observer = observer
        self._clock = clock
        self._control = control
        self._answers: set[str] = set()
        self._usage: TokenUsage | None = None
        self._playout = LinePlayout(
            line.playout_format, max_lead_ms=_usable_lead_ms(line.capabilities)
        )
        self._pacer = SlotPacer(clock())
        self._stream_clock = StreamClock()
        self._is_gate_ours = False

    async def run(self) -> CallEnded:
        """Serve the call from start to end; never raises but for cancellation.

        Cancellation hangs up, closes the provider and forgets the call.
        """
        started_ms = self._clock()
        self._observer.on_call_started(
            CallStarted(
                call_id=self.call_id,
                provider=self._provider_name,
                started_ms=started_ms,
                metadata=self._line.metadata,
            )
        )
        over = _CallOver("drained")
        try:
            over = await self._serve(started_ms)
        finally:
            duration_ms = self._clock() - started_ms
            try:
                await self._close()
            finally:
                ended = self._forget(over, duration_ms)
        return ended

    # -- the call's tasks --------------------------------------------------------------------------

    async def _serve(self, now_ms: float) -> _CallOver:
        """Run the call's tasks until the first one ends the call; return why."""
        over: _CallOver | None = None
        try:
            self._open_gate(now_ms)
            async with asyncio.TaskGroup() as tasks:
                name = f"call {self.call_id}"
                tasks.create_task(self._receive_line(), name=f"{name} line")
                tasks.create_task(self._play(), name=f"{name} playout")
                tasks.create_task(self._receive_provider(), name=f"{name} provider")
        except* _CallOver as group:
            over = _first(group)
        except* Exception as group:  # noqa: BLE001 - one call's trouble never reaches another
            _log.error("call.failed", call_id=self.call_id, exc_info=group)
            over = over or _CallOver("internal_error", type(group.exceptions[0]).__name__)
        assert over is not None, "a task group without an error never ends"  # noqa: S101
        return over

    def _open_gate(self, now_ms: float) -> None:
        self._manager.start_call(
            self.call_id,
            provider=self._provider_name,
            now_ms=now_ms,
            capture_format=self._line.capture_format,
            far_end_format=self._line.playout_format,
        )
        self._is_gate_ours = True

    async def _receive_line(self) -> None:
        slices = _Slices(self._clock)
        async for event in self._line.events():
            now_ms = self._clock()
            self._observer.on_line_event(self.call_id, now_ms, event)
            if isinstance(event, LineAudio):
                await self._receive_frame(event, now_ms)
                await slices.end_one()
            elif isinstance(event, LinePlayed):
                self._playout.report_played(event.n_frames, now_ms)
            elif isinstance(event, LineHangup):
                raise _CallOver(event.reason, event.detail)
        raise _CallOver("transport_error")

    async def _receive_frame(self, event: LineAudio, now_ms: float) -> None:
        """Give the provider, which asks the gate, one captured frame."""
        self._place_frame(event, now_ms)
        decision = await self._provider.send_audio(event.audio)
        self._observer.on_decision(self.call_id, now_ms, event.audio, decision)
        await self._follow_gate(decision.events)

    def _place_frame(self, event: LineAudio, now_ms: float) -> None:
        """Tell pacer and gate when a frame was captured: as it came, unless the line says it."""
        duration_ms = self._line.capture_format.duration_ms(len(event.audio))
        if event.timestamp_ms is not None:
            now_ms = self._stream_clock.place(event.timestamp_ms + duration_ms, now_ms)
            self._manager.place_capture(self.call_id, now_ms)
        self._pacer.on_inbound(now_ms, duration_ms)

    async def _play(self) -> None:
        slices = _Slices(self._clock)
        while True:
            skipped_before = self._pacer.skipped_slots
            n_due = self._pacer.slots_due(self._clock())
            n_skipped = self._pacer.skipped_slots - skipped_before
            slot_ms = self._pacer.next_deadline_ms - (n_skipped + n_due) * FRAME_MS
            for _ in range(n_skipped):
                self._show_far_end(self._playout.skip_slot(slot_ms), self._clock())
                slot_ms += FRAME_MS
                await slices.end_one()
            for _ in range(n_due):
                await self._play_slot(slot_ms, self._clock())
                slot_ms += FRAME_MS
            await asyncio.sleep(max(0.0, self._pacer.next_deadline_ms - self._clock()) / 1000)

    async def _play_slot(self, slot_ms: float, now_ms: float) -> None:
        """Send what is due, show the gate what the line plays in this slot, and let time pass."""
        slot = self._playout.next_slot(slot_ms, now_ms)
        for frame in slot.sent:
            self._line.send_audio(frame.audio)
        self._observer.on_playout(self.call_id, now_ms, slot.played)
        self._show_far_end(slot.played, now_ms)
        decision = await self._provider.advance()
        self._observer.on_decision(self.call_id, now_ms, None, decision)
        await self._follow_gate(decision.events)
        self._follow_control(now_ms)

    def _follow_control(self, now_ms: float) -> None:
        """End the call if the agent wants that, and its last word was heard."""
        if self._control is None or not self._control.is_hangup_wanted:
            return
        is_active = self._playout.is_active or bool(self._answers)
        if self._control.is_hangup_due(now_ms, is_agent_active=is_active):
            raise _CallOver("agent_hangup")

    def _show_far_end(self, frame: PlayoutFrame, now_ms: float) -> None:
        self._manager.receive_far_end(
            self.call_id, frame.audio, now_ms, is_agent_audio=frame.is_agent_audio
        )

    async def _receive_provider(self) -> None:
        try:
            await self._provider.start()
        except ProviderError as error:
            self._observer.on_provider_event(self.call_id, self._clock(), ProviderEnded(error))
            raise _CallOver("provider_unreachable", str(error)) from error
        slices = _Slices(self._clock)
        async for event in self._provider.events():
            self._observer.on_provider_event(self.call_id, self._clock(), event)
            await self._follow_provider(event)
            await slices.end_one()
        raise _CallOver("provider_ended")

    async def _follow_provider(self, event: ProviderEvent) -> None:
        if isinstance(event, AgentAudio):
            self._playout.enqueue(event.item_id, event.audio)
        elif isinstance(event, AgentAudioDone):
            self._playout.finish(event.item_id)
        elif isinstance(event, CallerSpeechStarted):
            await self._follow_gate(event.decision.events)
        elif isinstance(event, ResponseStarted):
            self._answers.add(event.response_id)
        elif isinstance(event, ResponseDone):
            self._answers.discard(event.response_id)
        elif isinstance(event, UsageReported):
            self._usage = event.usage + (self._usage or TokenUsage())
        elif isinstance(event, ProviderEnded) and event.error is not None:
            raise _CallOver("provider_lost", str(event.error))

    async def _follow_gate(self, events: Iterable[GateEvent]) -> None:
        """Do to playout what the gate says, and tell the observers."""
        for event in events:
            if event.type in _PAUSING:
                self._playout.pause(self._clock())
                self._flush_line()
            elif event.type in _RESUMING:
                self._playout.resume()
            elif event.type is GateEventType.INTERRUPTED:
                heard_ms = self._playout.flush(self._clock())
                self._flush_line()
                await self._provider.interrupt(heard_ms)
                if self._control is not None:
                    self._control.withdraw_hangup()
            self._observer.on_gate_event(self.call_id, event)

    def _flush_line(self) -> None:
        """Let the line forget what it has not played, if it holds any, and fade out."""
        frames = self._playout.take_line_flush()
        if frames is None:
            return
        self._line.flush()
        for frame in frames:
            self._line.send_audio(frame.audio)

    # -- the end -----------------------------------------------------------------------------------

    async def _close(self) -> None:
        """Close both sides, whatever state they are in, and the second whatever the first does."""
        try:
            await self._close_side("line", self._line.hangup)
        finally:
            await self._close_side("provider", self._provider.stop)

    async def _close_side(self, name: str, close: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await close()
        except Exception:  # noqa: BLE001 - whatever it is, the call is over all the same
            _log.exception("call.close_failed", call_id=self.call_id, side=name)

    def _forget(self, over: _CallOver, duration_ms: float) -> CallEnded:
        """Let the gate forget the call, and sum it up for the observers."""
        gate = None
        if self._is_gate_ours:
            gate = self._manager.get_stats(self.call_id)
            self._manager.cleanup_call(self.call_id)
        ended = CallEnded(
            call_id=self.call_id,
            provider=self._provider_name,
            reason=over.reason,
            detail=over.detail,
            duration_ms=duration_ms,
            gate=gate,
            playout_underruns=self._playout.underruns,
            skipped_slots=self._pacer.skipped_slots,
            usage=self._usage,
        )
        self._observer.on_call_ended(ended)
        return ended


def _usable_lead_ms(capabilities: LineCapabilities) -> float:
    """Return how far a line may be sent ahead: not at all where it could not be told to forget."""
    return capabilities.max_lead_ms if capabilities.can_flush else 0.0


def _first(group: BaseExceptionGroup[_CallOver]) -> _CallOver:
    """Return the word of the first of the tasks that ended the call."""
    first = group.exceptions[0]
    assert isinstance(first, _CallOver), "a task group is flat, and its errors are in order"  # noqa: S101
    return first
