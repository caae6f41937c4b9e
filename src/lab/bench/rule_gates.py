"""The gates that engines and frameworks use today, in code of our own: evidence, then open.

A detector says of each slot whether it takes what was captured for the caller; the rule around it
is the same for all: evidence over an audible agent opens the gate, and 700 ms without any closes it
again. Invariant: a frame is judged by itself and what came before it.
"""

from __future__ import annotations

__all__ = [
    "AgentTail",
    "Detect",
    "MakeDetector",
    "SmoothedVad",
    "TimedVad",
    "make_level_detector",
    "make_smoothed_vad",
    "run_rule",
]

import time
from collections import deque
from collections.abc import Callable
from statistics import median

import numpy as np
import numpy.typing as npt
import webrtcvad

from ...core.audio import FRAME_MS
from ...core.gate_decision import GateEvent, GateEventType, GateReason
from ...core.levels import rms
from ..evaluate.intervals import Interval, clipped, merged
from ..evaluate.recording import PlayedCall, Slot
from ..evaluate.runner import GateRun
from ..scenarios.signals import RATE_HZ

Detect = Callable[[Slot], bool]
"""Says of each slot of a call, in order, whether its capture is evidence of the caller."""
MakeDetector = Callable[[], Detect]
"""Makes the detector of one call."""

_USUAL_RMS = 1500.0
"""Level that engines ask for: RMS in int16 units, -26.8 dBFS."""
_VAD_MODE = 3
_SMOOTHED_FRAMES, _SMOOTHED_SPEECH = 10, 7
_PROTECTION_MS = 1000
"""Time after the agent starts in which the time-based gate hears nobody."""
_GRACE_MS = 250
"""Time after its last frame in which the agent counts as audible."""
_TURN_END_MS = 700
"""Time without evidence after which a caller's turn has ended."""


def make_level_detector() -> Detect:
    """Return the usual engine rule: WebRTC VAD calls the frame speech, and it is loud."""
    vad = webrtcvad.Vad(_VAD_MODE)

    def detect(slot: Slot) -> bool:
        is_loud = rms(np.frombuffer(slot.capture, "<i2")) >= _USUAL_RMS
        return bool(vad.is_speech(slot.capture, RATE_HZ)) and is_loud

    return detect


def make_smoothed_vad() -> Detect:
    """Return WebRTC VAD in mode 3, smoothed."""
    vad = SmoothedVad()
    return lambda slot: vad.process(slot.capture)


class SmoothedVad:
    """WebRTC VAD in mode 3: speech in 7 of the last 10 frames."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_VAD_MODE)
        self._recent: deque[bool] = deque(maxlen=_SMOOTHED_FRAMES)

    def process(self, frame: bytes) -> bool:
        """Take the next frame of 20 ms at 8 kHz."""
        self._recent.append(bool(self._vad.is_speech(frame, RATE_HZ)))
        return sum(self._recent) >= _SMOOTHED_SPEECH


class AgentTail:
    """Tells whether agent audio is played, or was 250 ms ago."""

    def __init__(self) -> None:
        self._left_ms = 0

    def process(self, slot: Slot) -> bool:
        """Take the next slot."""
        self._left_ms = _GRACE_MS if slot.is_agent_audio else max(0, self._left_ms - FRAME_MS)
        return slot.is_agent_audio or self._left_ms > 0


class TimedVad:
    """Smoothed VAD, deaf for a second after each start of the agent."""

    def __init__(self) -> None:
        self._vad = SmoothedVad()
        self._tail = AgentTail()
        self._was_audible = False
        self._since_ms = _PROTECTION_MS

    def __call__(self, slot: Slot) -> bool:
        """Say of the next slot whether it is evidence of the caller."""
        is_audible = self._tail.process(slot)
        is_start = is_audible and not self._was_audible
        self._was_audible = is_audible
        self._since_ms = 0 if is_start else self._since_ms + FRAME_MS
        return self._vad.process(slot.capture) and self._since_ms >= _PROTECTION_MS


def run_rule(call: PlayedCall, make_detector: MakeDetector) -> GateRun:
    """Run a call through a detector and the rule around it."""
    detect, rule = make_detector(), _Rule()
    events: list[GateEvent] = []
    is_forwarded: list[bool] = []
    spans_ns = []
    for number, slot in enumerate(call.slots()):
        start_ns = time.perf_counter_ns()
        is_commitment, is_open = rule.decide(slot, is_speech=detect(slot))
        spans_ns.append(time.perf_counter_ns() - start_ns)
        is_forwarded.append(is_open)
        if is_commitment:
            barge_in = _barge_in((number + 1) * FRAME_MS)
            events += barge_in
            call.follow(barge_in)
    return GateRun(
        events=tuple(events),
        forwarded=clipped(_intervals(is_forwarded), 0.0, call.duration_ms),
        us_per_frame_p50=median(spans_ns) / 1000 if spans_ns else 0.0,
    )


class _Rule:
    """Opens and closes by evidence."""

    def __init__(self) -> None:
        self._tail = AgentTail()
        self._silent_ms = _TURN_END_MS
        self._is_open = True

    def decide(self, slot: Slot, *, is_speech: bool) -> tuple[bool, bool]:
        """Return whether a barge-in is committed with a slot, and whether its frame goes out."""
        is_audible = self._tail.process(slot)
        was_talking = self._silent_ms < _TURN_END_MS
        self._silent_ms = 0 if is_speech else self._silent_ms + FRAME_MS
        is_commitment = False
        if not is_audible:
            self._is_open = True
        elif self._is_open and not was_talking and not is_speech:
            self._is_open = False
        elif is_speech and not was_talking:
            self._is_open = is_commitment = True
        return is_commitment, self._is_open


def _barge_in(t_ms: float) -> tuple[GateEvent, ...]:
    """Return what is reported of a barge-in: it ends the agent's turn at once, nothing pauses."""
    return tuple(
        GateEvent(type=event_type, t_ms=float(t_ms), reason=GateReason.BARGE_IN)
        for event_type in (GateEventType.BARGE_IN_COMMITTED, GateEventType.INTERRUPTED)
    )


def _intervals(flags: npt.ArrayLike) -> tuple[Interval, ...]:
    slots = np.flatnonzero(np.asarray(flags, bool))
    return merged((float(s * FRAME_MS), float((s + 1) * FRAME_MS)) for s in slots)
