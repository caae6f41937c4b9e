"""Runs a recording through the gate: the engine's own classes, fed in the engine's own order.

Slot k of the far end is shown at its start (``20 k`` ms), the gate's time passes, then frame k of
the capture is judged at its end (``20 (k + 1)`` ms). Invariant: but for the time that it took, a
run depends on recording and configuration alone.
"""

from __future__ import annotations

__all__ = ["FORWARDED_BELOW_DB", "GateRun", "make_gate", "run_gate"]

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import numpy as np

from ...core.audio import FRAME_MS, AudioFormat
from ...core.audio_gating_manager import AudioGatingManager
from ...core.config import GatingConfig
from ...core.g711 import decode
from ...core.gate_decision import GateAction, GateDecision, GateEvent, GateEventType
from ...core.levels import rms
from ...core.units import db_to_ratio
from ...core.vad_manager import EnhancedVADManager
from .intervals import Interval, clipped
from .recording import PlayedCall, Slot

_CALL_ID = "recording"
FORWARDED_BELOW_DB = 20.0
"""A frame that was turned down counts as forwarded down to so far below the caller's level."""
_ACTIVE_RATIO = 10**-1.25
"""RMS of the caller's active frames, at least, over that of the loudest one: 25 dB below it."""
_TAIL_SLOTS = 50
"""Slots after agent audio that count neither as audible nor as silent: its echo may still come."""


class _Gate(Protocol):
    """What of the gating manager a run uses."""

    def start_call(
        self,
        call_id: str,
        *,
        provider: str,
        now_ms: float,
        capture_format: AudioFormat,
        far_end_format: AudioFormat | None,
    ) -> None: ...

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision: ...

    def advance(self, call_id: str, now_ms: float) -> GateDecision: ...

    def receive_far_end(
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None: ...

    def set_agent_speaking(
        self,
        call_id: str,
        is_speaking: bool,  # noqa: FBT001 - as providers know it
        now_ms: float,
        *,
        audio_ms: float = 0.0,
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRun:
    """What a gate made of a recording."""

    events: tuple[GateEvent, ...]
    """In the order of time."""
    forwarded: tuple[Interval, ...]
    """What of the capture reached the provider as audio, where it was captured. A frame that was
    turned down is in it if it went out within 20 dB of the caller's level; see
    :data:`FORWARDED_BELOW_DB`."""
    us_per_frame_p50: float
    """Median time in us that the gate took for a 20 ms slot, far end and capture together."""
    us_agent_audible_p50: float | None = None
    """The same of slots with agent audio; None if it was not measured."""
    us_agent_silent_p50: float | None = None
    """The same of slots without agent audio, the second after it left out."""

    @property
    def barge_in_ms(self) -> tuple[float, ...]:
        """When the gate opened over the agent."""
        committed = GateEventType.BARGE_IN_COMMITTED
        return tuple(event.t_ms for event in self.events if event.type is committed)


def make_gate(config: GatingConfig) -> AudioGatingManager:
    """Return a gating manager made as the engine makes its own."""
    return AudioGatingManager(EnhancedVADManager(config.vad), config)


def run_gate(
    call: PlayedCall,
    *,
    provider: str,
    gate: _Gate,
    caller_speech: Sequence[Interval] = (),
    timer_ns: Callable[[], int] = time.perf_counter_ns,
) -> GateRun:
    """Run a call through a gate; a recording goes on whatever the gate says.

    Args:
        call: The call.
        provider: Instance name, kind or alias.
        gate: A manager that has no call yet.
        caller_speech: When the caller speaks: tells the level by which frames that the gate turns
            down count. Where nobody is known to speak, they count as forwarded.
        timer_ns: Measures what each slot takes.
    """
    gate.start_call(
        _CALL_ID,
        provider=provider,
        now_ms=0.0,
        capture_format=call.capture_format,
        far_end_format=call.far_end_format,
    )
    agent = _AgentTeller(gate)
    ledger = _Ledger(call.capture_format)
    times = _Times()
    for number, slot in enumerate(call.slots()):
        start_ns = timer_ns()
        agent.tell(number, slot)
        advanced = gate.advance(_CALL_ID, float(number * FRAME_MS))
        decision = gate.process(_CALL_ID, slot.capture, float((number + 1) * FRAME_MS))
        times.enter(timer_ns() - start_ns, is_agent_audio=slot.is_agent_audio)
        ledger.enter(advanced, number, None)
        ledger.enter(decision, number, slot.capture)
        if advanced.events or decision.events:
            call.follow((*advanced.events, *decision.events))
    return GateRun(
        events=tuple(ledger.events),
        forwarded=clipped(ledger.forwarded(caller_speech), 0.0, call.duration_ms),
        us_per_frame_p50=_p50_us(times.all_ns) or 0.0,
        us_agent_audible_p50=_p50_us(times.audible_ns),
        us_agent_silent_p50=_p50_us(times.silent_ns),
    )


class _AgentTeller:
    """Tells the gate, before each slot, what the line plays to the caller in it.

    Without a far end nobody reports playout. What is known of the agent is told then as a foreign
    engine tells it: when generation begins, with the duration of what was generated, and its end.
    """

    def __init__(self, gate: _Gate) -> None:
        self._gate = gate
        self._was_agent = False

    def tell(self, number: int, slot: Slot) -> None:
        """Tell of a slot."""
        now_ms, is_agent = float(number * FRAME_MS), slot.is_agent_audio
        if slot.far_end is not None:
            self._gate.receive_far_end(_CALL_ID, slot.far_end, now_ms, is_agent_audio=is_agent)
        elif is_agent != self._was_agent:
            self._was_agent = is_agent
            self._gate.set_agent_speaking(_CALL_ID, is_agent, now_ms, audio_ms=slot.spell_ms)


class _Times:
    """What slots took, in ns."""

    def __init__(self) -> None:
        self.all_ns: list[int] = []
        self.audible_ns: list[int] = []
        self.silent_ns: list[int] = []
        self._slots_since_agent = _TAIL_SLOTS

    def enter(self, span_ns: int, *, is_agent_audio: bool) -> None:
        """Enter a slot."""
        self._slots_since_agent = 0 if is_agent_audio else self._slots_since_agent + 1
        self.all_ns.append(span_ns)
        if is_agent_audio:
            self.audible_ns.append(span_ns)
        elif self._slots_since_agent > _TAIL_SLOTS:
            self.silent_ns.append(span_ns)


def _p50_us(spans_ns: Sequence[int]) -> float | None:
    return median(spans_ns) / 1000 if spans_ns else None


class _Ledger:
    """Enters what each decision did with which captured frame.

    A frame that goes out is the very object that was captured. A gate that sends something made of
    it (echo-cancelled, say) is followed by position: the held frames that a decision releases are
    the newest ones before it.
    """

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self.events: list[GateEvent] = []
        self._frames: list[bytes] = []
        self._numbers: dict[int, int] = {}
        self._forwarded: set[int] = set()
        self._turned_down: dict[int, float] = {}
        """RMS of frames that were turned down, as they went out, by slot."""

    def forwarded(self, caller_speech: Sequence[Interval]) -> list[Interval]:
        """Return the frames that went out, as stream time.

        Args:
            caller_speech: Tells the caller's level, by which frames that were turned down count.
        """
        too_soft: set[int] = set()
        if self._turned_down:
            least = self._caller_rms(caller_speech) * db_to_ratio(-FORWARDED_BELOW_DB)
            too_soft = {slot for slot, level in self._turned_down.items() if level < least}
        return [_interval(number) for number in sorted(self._forwarded - too_soft)]

    def _caller_rms(self, caller_speech: Sequence[Interval]) -> float:
        """Return the active level of the caller's frames as captured; 0 where nobody speaks."""
        slots = {
            slot
            for start_ms, end_ms in clipped(caller_speech, 0.0, len(self._frames) * FRAME_MS)
            for slot in range(int(start_ms // FRAME_MS), int(-(-end_ms // FRAME_MS)))
        }
        levels = np.array([rms(decode(self._frames[slot], self._format)) for slot in sorted(slots)])
        active = levels[levels >= levels.max(initial=0.0) * _ACTIVE_RATIO]
        return float(np.sqrt(np.mean(active**2))) if len(active) else 0.0

    def enter(self, decision: GateDecision, slot: int, frame: bytes | None) -> None:
        """Enter a decision made in a slot, on its frame or (None) before it."""
        self.events += decision.events
        if frame is not None:
            self._frames.append(frame)  # kept, so that no other gets its identity
            self._numbers[id(frame)] = slot
        if frame is not None and decision.action is GateAction.FORWARD:
            self._forwarded.add(slot)
        chunks = decision.audio if frame is None else decision.audio_for(frame)
        for chunk in chunks:
            number = self._numbers.get(id(chunk))
            if number is not None:
                self._forwarded.add(number)
        for age, chunk in enumerate(reversed(decision.released), 1):
            if id(chunk) not in self._numbers and slot >= age:
                self._forwarded.add(slot - age)
        measured = decision.measurements
        if frame is not None and measured is not None and measured.attenuation_db > 0.0:
            self._enter_turned_down(chunks[-1 - len(decision.released) :], slot)

    def _enter_turned_down(self, chunks: Sequence[bytes], slot: int) -> None:
        """Enter how loud a frame, and held ones released before it, went out."""
        for age, chunk in enumerate(reversed(chunks)):
            self._turned_down[slot - age] = rms(decode(chunk, self._format))


def _interval(slot: int) -> Interval:
    return float(slot * FRAME_MS), float((slot + 1) * FRAME_MS)
