"""What a simulated call was made of and what the gate made of it, on one clock.

Invariant: everything is kept by captured frame; the n-th frame that the phone sent is the n-th that
the engine decided about.
"""

from __future__ import annotations

__all__ = ["CallRecord", "GateEventRecord", "GateRecorder", "PhoneSlot"]

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..call_observer import CallObserver
from ..core.gate_decision import GateDecision, GateEvent, GateState
from ..core.playout import PlayoutFrame
from ..providers.base import CallerSpeechStarted, ProviderEvent
from ..transports.base import LineAudio, LineEvent

Frame = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSlot:
    """20 ms at the caller's end of the line."""

    t_ms: float
    """When it was, on the monotonic clock."""
    far_end: Frame
    """What the caller heard."""
    near_end: Frame
    """What the caller said."""
    noise: Frame
    """What else was on the line."""
    echo: Frame
    """What came back of the far end."""
    capture: Frame
    """What the line delivered to the engine."""


@dataclass(frozen=True, slots=True)
class GateEventRecord:
    """A gate event, and whether the line was playing the agent then."""

    event: GateEvent
    agent_was_playing: bool


@dataclass(slots=True, kw_only=True)
class CallRecord:
    """One simulated call."""

    slots: list[PhoneSlot] = field(default_factory=list)
    states: list[GateState] = field(default_factory=list)
    """The gate's state after each captured frame."""
    forwarded: set[int] = field(default_factory=set)
    """Captured frames that reached the provider, at once or released."""
    gate_events: list[GateEventRecord] = field(default_factory=list)
    provider_speech_ms: list[float] = field(default_factory=list)
    """When the provider's turn detector reported the caller's speech."""


_PLAYING_MS = 100.0
"""The agent counts as playing so long after its last frame."""


class GateRecorder(CallObserver):
    """Fills the engine's half of a record.

    Args:
        record: The record to fill.
    """

    def __init__(self, record: CallRecord) -> None:
        self._record = record
        self._numbers: dict[int, int] = {}
        """Number of a captured frame by the identity of its bytes, kept alive in ``_frames``."""
        self._frames: list[bytes] = []
        self._last_agent_ms = float("-inf")

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        """Number the frame."""
        del call_id, now_ms
        if isinstance(event, LineAudio):
            self._numbers[id(event.audio)] = len(self._frames)
            self._frames.append(event.audio)

    def on_decision(
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        """Keep the state, and which frames went to the provider."""
        del call_id, now_ms
        if frame is None:
            return
        self._record.states.append(decision.state)
        for chunk in decision.audio_for(frame):
            number = self._numbers.get(id(chunk))
            if number is not None:
                self._record.forwarded.add(number)

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        """Remember when the agent was last played."""
        del call_id
        if frame.is_agent_audio:
            self._last_agent_ms = now_ms

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        """Keep the event."""
        del call_id
        was_playing = event.t_ms - self._last_agent_ms <= _PLAYING_MS
        self._record.gate_events.append(GateEventRecord(event, was_playing))

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        """Keep when the provider heard the caller."""
        del call_id
        if isinstance(event, CallerSpeechStarted):
            self._record.provider_speech_ms.append(now_ms)
