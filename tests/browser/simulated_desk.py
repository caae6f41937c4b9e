"""A desk of fifty calls that nobody has: their sound is real, what the gate said of it is scripted.

The engine runs and has no call; its desk is told of simulated ones as it is told of calls, so that
what a test sees is the page, and not how fast this machine serves calls.
"""

from __future__ import annotations

__all__ = ["SimulatedCalls", "simulated_desk"]

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from browser.desk_service import DeskedEngine
from support.telephone import mulaw_frames, spoken
from voxgate.call_observer import CallEnded, CallObserver, CallStarted, Observers
from voxgate.clock import monotonic_ms
from voxgate.core.call_stats import CallStats
from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.core.playout import PlayoutFrame
from voxgate.engine import AIEngine

_FRAME_SAMPLES = 160
_SLOT_S = 0.02
_MOST_SLOTS_LATE = 25
"""What a busy machine is late for beyond that is left out."""
_ECHO_DB = -17.0
_NOISE_RMS = 26.0
_LINES = ("audiosocket", "twilio", "browser")


@dataclass(frozen=True, slots=True)
class _Slot:
    """20 ms of a simulated call."""

    far_end: bytes | None
    decision: GateDecision
    events: tuple[tuple[GateEventType, GateReason], ...] = ()


def _frame_rms(sentence: str) -> list[float]:
    audio = spoken(sentence).astype(float)
    usable = audio[: len(audio) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
    return [float(level) for level in np.sqrt(np.mean(usable**2, axis=1))]


def _decided(
    state: GateState,
    reason: GateReason,
    *,
    capture_rms: float,
    is_forwarded: bool,
    near_end_rms: float | None = None,
) -> GateDecision:
    near_end = None if near_end_rms is None else 20 * float(np.log10(near_end_rms / 32768 + 1e-5))
    return GateDecision(
        action=GateAction.FORWARD if is_forwarded else GateAction.WITHHOLD,
        state=state,
        reason=reason,
        measurements=GateMeasurements(
            capture_rms=capture_rms, noise_floor=_NOISE_RMS, near_end_dbfs=near_end
        ),
    )


def _agent_speaks(sentence: str, *, slots: int | None = None) -> Iterator[_Slot]:
    """The gate is closed: what comes back is echo."""
    for n, frame in enumerate(islice(mulaw_frames(sentence), slots)):
        echo = float(np.std(np.frombuffer(frame, "<i2").astype(float))) * 10 ** (_ECHO_DB / 20)
        decision = _decided(
            GateState.CLOSED,
            GateReason.AGENT_AUDIBLE,
            capture_rms=echo + _NOISE_RMS,
            near_end_rms=echo / 40 + 10,
            is_forwarded=False,
        )
        closed = ((GateEventType.GATE_CLOSED, GateReason.AGENT_AUDIBLE),)
        yield _Slot(frame, decision, closed if n == 0 else ())


def _caller_interrupts(sentence: str, *, is_confirmed: bool) -> Iterator[_Slot]:
    """A candidate, a barge-in, and what comes of it."""
    for n, level in enumerate(_frame_rms(sentence)):
        state, reason = GateState.BARGE_IN, GateReason.BARGE_IN
        events: tuple[tuple[GateEventType, GateReason], ...] = ()
        if n < 4:
            state, reason = GateState.CANDIDATE, GateReason.CANDIDATE
        elif n > 22:
            state, reason = GateState.OPEN, GateReason.CALLER_TURN
        if n == 0:
            events = ((GateEventType.CANDIDATE_STARTED, GateReason.CANDIDATE),)
        if n == 4:
            events = ((GateEventType.BARGE_IN_COMMITTED, GateReason.BARGE_IN),)
        if n == 23 and is_confirmed:
            events = ((GateEventType.INTERRUPTED, GateReason.PROVIDER_SPEECH),)
        if n == 23 and not is_confirmed:
            events = ((GateEventType.RESUMED, GateReason.CONFIRM_TIMEOUT),)
        decision = _decided(
            state, reason, capture_rms=level + _NOISE_RMS, near_end_rms=level, is_forwarded=n >= 4
        )
        yield _Slot(None, decision, events)
        if n == 23 and not is_confirmed:
            return


def _caller_speaks(sentence: str) -> Iterator[_Slot]:
    for n, level in enumerate(_frame_rms(sentence)):
        opened = ((GateEventType.GATE_OPENED, GateReason.AGENT_SILENT),) if n == 0 else ()
        is_word = level > 60
        decision = _decided(
            GateState.OPEN,
            GateReason.CALLER_SPEECH if is_word else GateReason.HANGOVER,
            capture_rms=level + _NOISE_RMS,
            is_forwarded=True,
        )
        yield _Slot(None, decision, opened)


def _nobody_speaks(slots: int, *, is_noisy: bool = False) -> Iterator[_Slot]:
    for n in range(slots):
        level = _NOISE_RMS * (3 + n % 7) if is_noisy else _NOISE_RMS * (1 + n % 3 / 10)
        reason = GateReason.LINE_NOISE if is_noisy else GateReason.LINE_SILENCE
        decision = _decided(GateState.OPEN, reason, capture_rms=level, is_forwarded=False)
        yield _Slot(None, decision)


@cache
def _script() -> tuple[_Slot, ...]:
    """Return half a minute of a conversation, of which every call begins somewhere else."""
    return (
        *_agent_speaks("hello"),
        *_nobody_speaks(25),
        *_caller_speaks("card_question"),
        *_nobody_speaks(30, is_noisy=True),
        *_agent_speaks("service_time", slots=120),
        *_caller_interrupts("interruption", is_confirmed=True),
        *_nobody_speaks(20),
        *_agent_speaks("go_on", slots=90),
        *_caller_interrupts("stop", is_confirmed=False),
        *_agent_speaks("card_payment", slots=130),
        *_nobody_speaks(40),
        *_caller_speaks("thanks"),
        *_nobody_speaks(60, is_noisy=True),
    )


class SimulatedCalls:
    """Tells observers of calls, each 20 ms.

    Args:
        observers: Told.
    """

    def __init__(self, observers: CallObserver) -> None:
        self._observers = observers
        self._calls: dict[str, Iterator[_Slot]] = {}
        self._begun = 0

    def begin(self, count: int, *, named: str | None = None) -> None:
        """Begin so many calls.

        Args:
            count: How many.
            named: Id of the call, where there is one; by default ids that telephone systems give.
        """
        for n in range(self._begun, self._begun + count):
            call_id = named or str(uuid5(NAMESPACE_URL, f"call {n}"))
            self._observers.on_call_started(
                CallStarted(
                    call_id=call_id,
                    provider="embedded",
                    line=_LINES[n % 3],
                    started_ms=monotonic_ms(),
                )
            )
            script = _script()
            start = n * 137 % len(script)
            self._calls[call_id] = islice(cycle(script), start, None)
        self._begun += count

    def end(self, count: int) -> None:
        """So many callers hang up."""
        for call_id in list(self._calls)[:count]:
            del self._calls[call_id]
            self._observers.on_call_ended(
                CallEnded(
                    call_id=call_id,
                    provider="embedded",
                    reason="caller_hangup",
                    duration_ms=61_000.0,
                    gate=replace(CallStats(), barge_ins=2, interruptions=1, resumed=1),
                    playout_underruns=0,
                    skipped_slots=0,
                )
            )

    async def run(self) -> None:
        """Go on until cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s = max(due_s + _SLOT_S, loop.time() - _MOST_SLOTS_LATE * _SLOT_S)
            self._step(monotonic_ms())
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    def _step(self, now_ms: float) -> None:
        told = self._observers
        for call_id, slots in self._calls.items():
            slot = next(slots)
            if slot.far_end is not None:
                frame = PlayoutFrame(audio=slot.far_end, is_agent_audio=True, item_id="a")
                told.on_playout(call_id, now_ms, frame)
            told.on_decision(call_id, now_ms, b"", slot.decision)
            for kind, reason in slot.events:
                told.on_gate_event(call_id, GateEvent(type=kind, t_ms=now_ms, reason=reason))


class _ToldEngine(AIEngine):
    """An engine whose later observers are told of simulated calls."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.told = Observers()
        self.simulated_calls = 0

    @property
    def running_calls(self) -> int:
        return self.simulated_calls

    def add_observer(self, observer: CallObserver) -> None:
        self.told.add(observer)

    def remove_observer(self, observer: CallObserver) -> None:
        self.told.remove(observer)


class _SimulatedDesk(DeskedEngine):
    engine_kind = _ToldEngine


@asynccontextmanager
async def simulated_desk(folder: Path, calls: int) -> AsyncIterator[tuple[str, SimulatedCalls]]:
    """Run a desk of simulated calls; gives its address and the calls.

    Args:
        folder: Where the configuration is written.
        calls: How many begin at once.
    """
    async with _SimulatedDesk.running(folder) as service:
        engine = service.engine
        assert isinstance(engine, _ToldEngine)
        simulated = SimulatedCalls(engine.told)
        simulated.begin(calls)
        engine.simulated_calls = calls
        running = asyncio.create_task(simulated.run())
        try:
            yield service.url, simulated
        finally:
            running.cancel()
            await asyncio.wait([running])
