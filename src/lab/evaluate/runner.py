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
from .recording import Recording

_CALL_ID = "recording"


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

    @property
    def barge_in_ms(self) -> tuple[float, ...]:
        """When the gate opened over the agent."""
        committed = GateEventType.BARGE_IN_COMMITTED
        return tuple(event.t_ms for event in self.events if event.type is committed)


def make_gate(config: GatingConfig) -> AudioGatingManager:
    """Return a gating manager made as the engine makes its own."""
    return AudioGatingManager(EnhancedVADManager(config.vad), config)


def run_gate(
    recording: Recording,
    *,
    provider: str,
    gate: _Gate,
    timer_ns: Callable[[], int] = time.perf_counter_ns,
) -> GateRun:
    """Run a recording through a gate, open loop: it goes on whatever the gate says.

    Args:
        recording: The call.
        provider: Instance name, kind or alias.
        gate: A manager that has no call yet.
        timer_ns: Measures what each slot takes.
    """
    gate.start_call(
        _CALL_ID,
        provider=provider,
        now_ms=0.0,
        capture_format=recording.capture_format,
        far_end_format=recording.far_end_format,
    )
    tell_far_end = _far_end_teller(recording, gate)
    ledger = _Ledger(recording.capture)
    spans_ns = []
    for slot, frame in enumerate(recording.capture):
        start_ns = timer_ns()
        tell_far_end(slot)
        advanced = gate.advance(_CALL_ID, float(slot * FRAME_MS))
        decision = gate.process(_CALL_ID, frame, float((slot + 1) * FRAME_MS))
        spans_ns.append(timer_ns() - start_ns)
        ledger.enter(advanced, slot, None)
        ledger.enter(decision, slot, frame)
    return GateRun(
        events=tuple(ledger.events),
        forwarded=clipped(ledger.forwarded, 0.0, recording.duration_ms),
        us_per_frame_p50=median(spans_ns) / 1000,
    )


def _far_end_teller(recording: Recording, gate: _Gate) -> Callable[[int], None]:
    """Return what tells the gate, before each slot, what the line plays to the caller in it.

    Without a far end nobody reports playout. What is known of the agent is told then as a foreign
    engine tells it: when generation begins, with the duration of what was generated, and its end.
    """
    far_end, is_agent = recording.far_end, recording.agent_slots
    if far_end is not None:

        def show(slot: int) -> None:
            gate.receive_far_end(
                _CALL_ID, far_end[slot], float(slot * FRAME_MS), is_agent_audio=is_agent[slot]
            )

        return show

    def tell(slot: int) -> None:
        was_agent = slot > 0 and is_agent[slot - 1]
        if is_agent[slot] != was_agent:
            n_slots = 0
            while slot + n_slots < len(is_agent) and is_agent[slot + n_slots]:
                n_slots += 1
            gate.set_agent_speaking(
                _CALL_ID,
                is_agent[slot],
                float(slot * FRAME_MS),
                audio_ms=float(n_slots * FRAME_MS),
            )

    return tell


class _Ledger:
    """Enters what each decision did with which captured frame.

    A frame that goes out is the very object that was captured. A gate that sends something made of
    it (echo-cancelled, say) is followed by position: the held frames that a decision releases are
    the newest ones before it.
    """

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.events: list[GateEvent] = []
        self._numbers = {id(frame): number for number, frame in enumerate(frames)}
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
