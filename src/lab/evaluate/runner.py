"""Runs a recording through the gate: the engine's own classes, fed in the engine's own order.

Slot k of the far end is shown at its start (``20 k`` ms), the gate's time passes, then frame k of
the capture is judged at its end (``20 (k + 1)`` ms). Invariant: but for the time that it took, a
run depends on recording and configuration alone.
"""

from __future__ import annotations

__all__ = ["GateRun", "make_gate", "run_gate"]

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from ...core.audio import FRAME_MS, AudioFormat
from ...core.audio_gating_manager import AudioGatingManager
from ...core.config import GatingConfig
from ...core.gate_decision import GateAction, GateDecision, GateEvent, GateEventType
from ...core.vad_manager import EnhancedVADManager
from .intervals import Interval, clipped
from .recording import PlayedCall, Slot

_CALL_ID = "recording"
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
    """What of the capture reached the provider as audio, where it was captured."""
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
    timer_ns: Callable[[], int] = time.perf_counter_ns,
) -> GateRun:
    """Run a call through a gate; a recording goes on whatever the gate says.

    Args:
        call: The call.
        provider: Instance name, kind or alias.
        gate: A manager that has no call yet.
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
    ledger = _Ledger()
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
        forwarded=clipped(ledger.forwarded, 0.0, call.duration_ms),
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

    def __init__(self) -> None:
        self.events: list[GateEvent] = []
        self._frames: list[bytes] = []
        self._numbers: dict[int, int] = {}
        self._forwarded: set[int] = set()

    @property
    def forwarded(self) -> list[Interval]:
        """The frames that went out, as stream time."""
        return [
            (float(number * FRAME_MS), float((number + 1) * FRAME_MS))
            for number in sorted(self._forwarded)
        ]

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
