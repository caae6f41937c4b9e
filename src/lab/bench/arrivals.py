"""What the line does to the captured frames before the gate gets them: late, in bursts, or never.

A :class:`LineGate` stands between a run in even slots and a gate, and passes the frames on when
they arrive. Invariant: frames arrive in order, each once or never, none before it was captured.
"""

from __future__ import annotations

__all__ = ["LINE_KINDS", "LineGate", "draw_arrivals"]

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.audio import FRAME_MS, AudioFormat
from ...core.audio_gating_manager import AudioGatingManager
from ...core.gate_decision import GateAction, GateDecision, GateEvent, GateReason, GateState
from ...core.held_audio import MAX_HELD_CHUNKS
from ..scenarios.signals import FRAME_SAMPLES, Rng

Times = npt.NDArray[np.float64]
"""ms [shape=(frames,)]: when each frame arrives; infinite for never."""

_MEAN_JITTER_MS, _MAX_JITTER_MS = 12.0, 80.0
"""Exponential delays, as of queues, and no jitter buffer before the gate: an interarrival jitter
(RFC 3550) of 11 ms, and 79 ms in one frame of a thousand, where ITU-T Y.1541 grants a network for
telephony 50 ms. A poor line that can still be used."""
_STALL_EVERY_S, _STALL_MS = 8.0, (300.0, 1500.0)
"""A tenth of the time: each call is to have some. Real ones are rarer and mostly shorter: a mobile
phone's handover holds packets back for 80 to 400 ms."""
_GAP_EVERY_S, _GAP_FRAMES = 4.0, (1, 11)
"""2.6 % of the frames, in bursts."""
_DTX_RATIO = 10**-2.5
"""Frames weaker than this, relative to the loud ones, are not sent: 25 dB."""
_DTX_HANGOVER_FRAMES = 10
"""200 ms that are still sent after the last louder frame."""


def draw_arrivals(kind: str, capture: npt.NDArray[np.int16], rng: Rng) -> Times:
    """Return when each frame of a capture arrives.

    Args:
        kind: One of :data:`LINE_KINDS`; any other line is an even one.
        capture: int16 [shape=(n,), mono, 8 kHz], whole frames.
        rng: Decides.
    """
    n_frames = len(capture) // FRAME_SAMPLES
    even = np.arange(1, n_frames + 1, dtype=np.float64) * FRAME_MS
    draw = LINE_KINDS.get(kind)
    return even if draw is None else draw(even, capture, rng)


def _jitter(even: Times, capture: npt.NDArray[np.int16], rng: Rng) -> Times:
    del capture
    late = np.minimum(rng.exponential(_MEAN_JITTER_MS, len(even)), _MAX_JITTER_MS)
    return np.maximum.accumulate(even + late)


def _stalls(even: Times, capture: npt.NDArray[np.int16], rng: Rng) -> Times:
    """Hold the frames back for a while, several times; then all of them come at once."""
    del capture
    times = even.copy()
    for start in _moments(even, _STALL_EVERY_S, rng):
        end = start + rng.uniform(*_STALL_MS)
        times[(even > start) & (even <= end)] = end
    return np.maximum.accumulate(times)


def _gaps(even: Times, capture: npt.NDArray[np.int16], rng: Rng) -> Times:
    del capture
    times = even.copy()
    for start in _moments(even, _GAP_EVERY_S, rng):
        first = int(start // FRAME_MS)
        times[first : first + int(rng.integers(*_GAP_FRAMES))] = np.inf
    return times


def _dtx(even: Times, capture: npt.NDArray[np.int16], rng: Rng) -> Times:
    """Leave out what is weak, as phones with silence suppression do."""
    del rng
    frames = capture[: len(even) * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES).astype(np.float64)
    power = np.mean(frames**2, axis=1)
    is_loud = power >= np.percentile(power, 95) * _DTX_RATIO
    sent = np.convolve(is_loud, np.ones(_DTX_HANGOVER_FRAMES + 1))[: len(even)] > 0
    return np.where(sent, even, np.inf)


def _moments(even: Times, every_s: float, rng: Rng) -> Times:
    """Return random times, so many as come to one in ``every_s``."""
    duration_ms = float(even[-1]) if len(even) else 0.0
    count = round(duration_ms / 1000 / every_s)
    return np.sort(rng.uniform(0.0, duration_ms, size=count))


LINE_KINDS: Mapping[str, Callable[[Times, npt.NDArray[np.int16], Rng], Times]] = {
    "jitter": _jitter,
    "stalls": _stalls,
    "gaps": _gaps,
    "dtx": _dtx,
}
"""Arrival times of a line by its kind: jittered, stalled, with gaps, with DTX."""


_NOTHING = GateDecision(
    action=GateAction.WITHHOLD, state=GateState.OPEN, reason=GateReason.INCOMPLETE_FRAME
)


class LineGate:
    """A gate at the end of a line.

    Slots of the far end and the passing of time go straight to the gate; captured frames when they
    arrive. Decisions on several frames come back as one.

    Args:
        gate: The gate.
        arrivals_ms: When each frame arrives.
    """

    def __init__(self, gate: AudioGatingManager, arrivals_ms: Times) -> None:
        self._gate = gate
        self._arrivals_ms = iter(arrivals_ms.tolist())
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._arrived: deque[bytes] = deque(maxlen=MAX_HELD_CHUNKS + 1)
        """The newest frames that the gate has got."""

    def start_call(
        self,
        call_id: str,
        *,
        provider: str,
        now_ms: float,
        capture_format: AudioFormat,
        far_end_format: AudioFormat | None,
    ) -> None:
        """Begin a call."""
        self._gate.start_call(
            call_id,
            provider=provider,
            now_ms=now_ms,
            capture_format=capture_format,
            far_end_format=far_end_format,
        )

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        """Take a frame that the caller's phone has just sent; pass on all that have arrived."""
        arrival_ms = next(self._arrivals_ms)
        if arrival_ms != np.inf:
            self._waiting.append((max(arrival_ms, now_ms), frame))
        events: list[GateEvent] = []
        audio: list[bytes] = []
        while self._waiting and self._waiting[0][0] <= now_ms:
            arrived_ms, arrived = self._waiting.popleft()
            decision = self._gate.process(call_id, arrived, arrived_ms)
            events += decision.events
            audio += self._let_out(decision)
            self._arrived.append(arrived)
            if decision.action is GateAction.FORWARD:
                audio.append(arrived)
        # What went out is said by the audio alone: the run enters each frame where it was captured.
        return replace(_NOTHING, audio=tuple(audio), events=tuple(events))

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        """Let time pass."""
        decision = self._gate.advance(call_id, now_ms)
        return replace(decision, audio=self._let_out(decision), released=())

    def receive_far_end(
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None:
        """Take one slot of the far end."""
        self._gate.receive_far_end(call_id, frame, now_ms, is_agent_audio=is_agent_audio)

    def set_agent_speaking(self, call_id: str, *args: Any, **options: Any) -> None:
        """Take a provider's word."""
        self._gate.set_agent_speaking(call_id, *args, **options)

    def _let_out(self, decision: GateDecision) -> tuple[bytes, ...]:
        """Return the held frames that go out, as they were captured: without echo or not."""
        n_released = len(decision.released)
        return tuple(self._arrived)[-n_released:] if n_released else ()
