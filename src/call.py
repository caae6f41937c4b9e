"""One call: the one place where an inbound frame and an outbound frame pass through.

*In*: line -> :meth:`CallSession._receive_line` -> ``provider.send_audio`` (which asks the gate).
*Out*: provider event -> playout -> :meth:`CallSession._play_slot` -> line, and every frame really
sent is shown to the gate as far-end. Invariant: nothing here decides about audio; what the gate
says of playout is carried out within one frame.
"""

from __future__ import annotations

__all__ = ["CallSession"]

import asyncio
from collections.abc import Iterable

import structlog

from .call_observer import CallEnded, CallObserver, CallStarted
from .clock import Clock
from .core.audio_gating_manager import AudioGatingManager
from .core.gate_decision import GateEvent, GateEventType
from .core.pacing import SlotPacer
from .core.playout import Playout, PlayoutFrame
from .errors import ProviderError
from .providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStarted,
    Provider,
    ProviderEnded,
    ProviderEvent,
)
from .transports.base import Line, LineAudio, LineHangup

_SLICE_MS = 1.0
"""Time for which a burst is worked off before the loop gets its turn: half of the 2 ms that
nothing may hold it."""

_STOP_TIMEOUT_S = 5.0
"""Time that a provider gets to close its connection when its call is over."""

_log = structlog.get_logger(__name__)


class _CallOver(Exception):  # noqa: N818 - no error: it ends the call's task group
    """The call is over."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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
    ) -> None:
        self.call_id = line.call_id
        self._line = line
        self._provider = provider
        self._provider_name = provider_name
        self._manager = manager
        self._observer = observer
        self._clock = clock
        self._playout = Playout(line.playout_format)
        self._pacer = SlotPacer(clock())
        self._silence = PlayoutFrame(
            audio=line.playout_format.silence(line.playout_format.frame_bytes),
            is_agent_audio=False,
            item_id=None,
        )
        self._slice_start_ms = 0.0

    async def run(self) -> CallEnded:
        """Serve the call from start to end; never raises but for cancellation.

        Cancellation hangs up, closes the provider and forgets the call.
        """
        started_ms = self._clock()
        self._observer.on_call_started(
            CallStarted(call_id=self.call_id, provider=self._provider_name, started_ms=started_ms)
        )
        self._manager.start_call(
            self.call_id,
            provider=self._provider_name,
            now_ms=started_ms,
            capture_format=self._line.capture_format,
            far_end_format=self._line.playout_format,
        )
        reason = "drained"
        try:
            reason = await self._run_tasks()
        finally:
            ended = self._summarize(reason, started_ms)
            self._manager.cleanup_call(self.call_id)
            self._observer.on_call_ended(ended)
            await self._close()
        return ended

    # -- the call's tasks --------------------------------------------------------------------------

    async def _run_tasks(self) -> str:
        """Run the call's tasks until the first one ends the call; return the reason."""
        reason = "internal_error"
        try:
            async with asyncio.TaskGroup() as tasks:
                name = f"call {self.call_id}"
                tasks.create_task(self._receive_line(), name=f"{name} line")
                tasks.create_task(self._play(), name=f"{name} playout")
                tasks.create_task(self._receive_provider(), name=f"{name} provider")
        except* _CallOver as over:
            reason = _first_reason(over)
        except* Exception as group:  # noqa: BLE001 - one call's trouble never reaches another
            _log.error("call.failed", call_id=self.call_id, exc_info=group)
        return reason

    async def _receive_line(self) -> None:
        async for event in self._line.events():
            now_ms = self._clock()
            self._observer.on_line_event(self.call_id, now_ms, event)
            if isinstance(event, LineAudio):
                self._pacer.on_inbound(
                    now_ms, self._line.capture_format.duration_ms(len(event.audio))
                )
                decision = await self._provider.send_audio(event.audio)
                self._observer.on_decision(self.call_id, now_ms, event.audio, decision)
                await self._follow_gate(decision.events)
                await self._yield_in_burst()
            elif isinstance(event, LineHangup):
                raise _CallOver(event.reason)
        raise _CallOver("transport_error")

    async def _yield_in_burst(self) -> None:
        """Give the loop its turn where a burst leaves no other await that would."""
        if self._clock() - self._slice_start_ms >= _SLICE_MS:
            await asyncio.sleep(0)
            self._slice_start_ms = self._clock()

    async def _play(self) -> None:
        while True:
            now_ms = self._clock()
            skipped_before = self._pacer.skipped_slots
            due = self._pacer.slots_due(now_ms)
            for _ in range(self._pacer.skipped_slots - skipped_before):
                self._show_far_end(self._silence, now_ms)
            for _ in range(due):
                await self._play_slot(now_ms)
            await asyncio.sleep(max(0.0, self._pacer.next_deadline_ms - self._clock()) / 1000)

    async def _play_slot(self, now_ms: float) -> None:
        """Send what this 20 ms slot plays, show it to the gate, and let the gate's time pass."""
        frame = self._playout.next_frame()
        self._line.send_audio(frame.audio)
        self._observer.on_playout(self.call_id, now_ms, frame)
        self._show_far_end(frame, now_ms)
        decision = await self._provider.advance()
        self._observer.on_decision(self.call_id, now_ms, None, decision)
        await self._follow_gate(decision.events)

    def _show_far_end(self, frame: PlayoutFrame, now_ms: float) -> None:
        self._manager.receive_far_end(
            self.call_id, frame.audio, now_ms, is_agent_audio=frame.is_agent_audio
        )

    async def _receive_provider(self) -> None:
        try:
            await self._provider.start()
        except ProviderError as error:
            self._observer.on_provider_event(self.call_id, self._clock(), ProviderEnded(error))
            raise _CallOver("provider_unreachable") from error
        async for event in self._provider.events():
            self._observer.on_provider_event(self.call_id, self._clock(), event)
            await self._follow_provider(event)
        raise _CallOver("provider_ended")

    async def _follow_provider(self, event: ProviderEvent) -> None:
        if isinstance(event, AgentAudio):
            self._playout.enqueue(event.item_id, event.audio)
        elif isinstance(event, AgentAudioDone):
            self._playout.finish(event.item_id)
        elif isinstance(event, CallerSpeechStarted):
            await self._follow_gate(event.decision.events)
        elif isinstance(event, ProviderEnded):
            raise _CallOver("provider_ended")

    async def _follow_gate(self, events: Iterable[GateEvent]) -> None:
        """Do to playout what the gate says, and tell the observers."""
        for event in events:
            if event.type in _PAUSING:
                self._playout.pause()
            elif event.type in _RESUMING:
                self._playout.resume()
            elif event.type is GateEventType.INTERRUPTED:
                await self._provider.interrupt(self._playout.flush())
            self._observer.on_gate_event(self.call_id, event)

    # -- the end -----------------------------------------------------------------------------------

    def _summarize(self, reason: str, started_ms: float) -> CallEnded:
        return CallEnded(
            call_id=self.call_id,
            provider=self._provider_name,
            reason=reason,
            duration_ms=self._clock() - started_ms,
            gate=self._manager.get_stats(self.call_id),
            playout_underruns=self._playout.underruns,
            skipped_slots=self._pacer.skipped_slots,
        )

    async def _close(self) -> None:
        """Close both sides, whatever state they are in."""
        for name, close in (("provider", self._provider.stop), ("line", self._line.hangup)):
            try:
                async with asyncio.timeout(_STOP_TIMEOUT_S):
                    await close()
            except Exception:  # noqa: BLE001 - whatever it is, the other side is closed too
                _log.exception("call.close_failed", call_id=self.call_id, side=name)


_PAUSING = frozenset({GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED})
_RESUMING = frozenset({GateEventType.CANDIDATE_DROPPED, GateEventType.RESUMED})


def _first_reason(group: BaseExceptionGroup[_CallOver]) -> str:
    """Return the reason of the first of the tasks that ended the call."""
    for error in group.exceptions:
        if isinstance(error, _CallOver):
            return error.reason
        if isinstance(error, BaseExceptionGroup):
            return _first_reason(error)
    raise AssertionError("an exception group is never empty")
