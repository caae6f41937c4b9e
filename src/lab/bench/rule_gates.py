"""The gates that engines and frameworks use today, in code of our own: evidence, then open.

A detector says of each frame whether it takes it for the caller; the rule around it is the same for
all: evidence over an audible agent opens the gate, and 700 ms without any closes it again.
Invariant: a frame is judged by itself and what came before it.
"""

from __future__ import annotations

__all__ = ["Detector", "detect_by_level", "detect_by_time", "detect_smoothed_vad", "run_rule"]

import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import webrtcvad

from ...core.audio import FRAME_MS
from ...core.gate_decision import GateEvent, GateEventType, GateReason
from ...core.levels import rms
from ..evaluate.intervals import Interval, clipped, merged
from ..evaluate.recording import Recording
from ..evaluate.runner import GateRun
from ..scenarios.signals import RATE_HZ

Flags = list[bool]
Detector = Callable[[Recording], Flags]
"""Says of each 20 ms frame of a recording whether it is evidence of the caller."""

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


def detect_by_level(recording: Recording) -> Flags:
    """Return the usual engine rule: WebRTC VAD calls the frame speech, and it is loud."""
    vad = webrtcvad.Vad(_VAD_MODE)
    return [
        bool(vad.is_speech(frame, RATE_HZ)) and rms(np.frombuffer(frame, "<i2")) >= _USUAL_RMS
        for frame in recording.capture
    ]


def detect_smoothed_vad(recording: Recording) -> Flags:
    """Return WebRTC VAD in mode 3, smoothed: speech in 7 of the last 10 frames."""
    return smoothed_vad(recording.capture)


def smoothed_vad(frames: Sequence[bytes]) -> Flags:
    """Return for each frame whether 7 of the last 10 were speech to WebRTC VAD in mode 3."""
    vad = webrtcvad.Vad(_VAD_MODE)
    recent: deque[bool] = deque(maxlen=_SMOOTHED_FRAMES)
    flags = []
    for frame in frames:
        recent.append(bool(vad.is_speech(frame, RATE_HZ)))
        flags.append(sum(recent) >= _SMOOTHED_SPEECH)
    return flags


def detect_by_time(recording: Recording) -> Flags:
    """Return smoothed VAD, deaf for a second after each start of the agent."""
    flags = smoothed_vad(recording.capture)
    audible = audible_slots(recording)
    since = _PROTECTION_MS
    for slot, is_audible in enumerate(audible):
        is_start = is_audible and not (slot and audible[slot - 1])
        since = 0 if is_start else since + FRAME_MS
        flags[slot] = flags[slot] and since >= _PROTECTION_MS
    return flags


def audible_slots(recording: Recording) -> Flags:
    """Return for each slot whether agent audio is played in it or was 250 ms before."""
    left_ms = 0
    flags = []
    for is_agent in recording.agent_slots:
        left_ms = _GRACE_MS if is_agent else max(0, left_ms - FRAME_MS)
        flags.append(is_agent or left_ms > 0)
    return flags


def run_rule(recording: Recording, detect: Detector) -> GateRun:
    """Run a recording through a detector and the rule around it."""
    start_ns = time.perf_counter_ns()
    evidence = detect(recording)
    events, is_forwarded = _decide(evidence, audible_slots(recording))
    taken_us = (time.perf_counter_ns() - start_ns) / 1000
    return GateRun(
        events=tuple(events),
        forwarded=clipped(_intervals(is_forwarded), 0.0, recording.duration_ms),
        us_per_frame_p50=taken_us / max(1, len(recording.capture)),
    )


def _decide(evidence: Flags, audible: Flags) -> tuple[list[GateEvent], Flags]:
    """Return what happened, and which frames the provider got."""
    events: list[GateEvent] = []
    forwarded: Flags = []
    silent_ms = _TURN_END_MS
    is_open = True
    for slot, (is_speech, is_audible) in enumerate(zip(evidence, audible, strict=True)):
        was_talking = silent_ms < _TURN_END_MS
        silent_ms = 0 if is_speech else silent_ms + FRAME_MS
        if not is_audible:
            is_open = True
        elif is_open and not was_talking and not is_speech:
            is_open = False
        elif is_speech and not was_talking:
            is_open = True
            events.append(_commitment((slot + 1) * FRAME_MS))
        forwarded.append(is_open)
    return events, forwarded


def _commitment(t_ms: float) -> GateEvent:
    return GateEvent(
        type=GateEventType.BARGE_IN_COMMITTED, t_ms=float(t_ms), reason=GateReason.BARGE_IN
    )


def _intervals(flags: npt.ArrayLike) -> tuple[Interval, ...]:
    slots = np.flatnonzero(np.asarray(flags, bool))
    return merged((float(s * FRAME_MS), float((s + 1) * FRAME_MS)) for s in slots)
