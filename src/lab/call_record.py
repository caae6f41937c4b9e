"""What a simulated call was made of and what the gate made of it, on one clock.

Invariant: everything is kept by captured frame; the n-th frame that the phone sent is the n-th that
the engine decided about.
"""

from __future__ import annotations

__all__ = ["CallRecord", "Frame", "GateEventRecord", "GateRecorder", "PhoneSlot"]

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..call_observer import CallEnded, CallObserver
from ..core.audio import FRAME_MS, AudioFormat
from ..core.gate_decision import GateAction, GateDecision, GateEvent, GateEventType, GateState
from ..core.playout import PlayoutFrame
from ..providers.base import AgentAudio, CallerSpeechStarted, ProviderEvent
from ..transports.base import LineAudio, LineEvent

Frame = npt.NDArray[np.int16]
"""20 ms: int16 [shape=(160,), mono, 8 kHz]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSlot:
    """20 ms at the caller's end of the line."""

    t_ms: float
    """When it was, on the engine's clock."""
    far_end: Frame
    """What the caller heard."""
    near_end: Frame
    """What the caller said."""
    noise: Frame
    """What else was heard in the caller's room."""
    echo: Frame
    """What came back of the far end."""
    capture: Frame
    """What the line delivered to the engine."""


@dataclass(frozen=True, slots=True)
class GateEventRecord:
    """A gate event, and how much the agent still had to say then."""

    event: GateEvent
    agent_left_ms: float
    """Agent audio that had been generated and not yet played, in ms."""


@dataclass(slots=True, kw_only=True)
class CallRecord:
    """One simulated call.

    Its ``repr`` is short on purpose: ``asyncio.Runner`` makes that of its task, and so of the
    result, for nothing at its end. All samples of three calls took it 18 s.
    """

    slots: list[PhoneSlot] = field(default_factory=list, repr=False)
    states: list[GateState] = field(default_factory=list, repr=False)
    """The gate's state after each captured frame."""
    forwarded: set[int] = field(default_factory=set, repr=False)
    """Captured frames that were let through to the provider, at once or later."""
    gate_events: list[GateEventRecord] = field(default_factory=list, repr=False)
    provider_speech_ms: list[float] = field(default_factory=list, repr=False)
    """When the provider's turn detector reported the caller's speech."""
    is_complete: bool = False
    """The caller came to the end of the script; else the call ended before."""
    end_reason: str = "the engine did not take the call"
    """Why the call ended, in the engine's words."""


class GateRecorder(CallObserver):
    """Fills the engine's half of the record of one call.

    Args:
        record: The record to fill.
        playout_format: Format of the agent's audio on the line.
    """

    def __init__(self, record: CallRecord, playout_format: AudioFormat) -> None:
        self._record = record
        self._playout_format = playout_format
        self._frames: list[bytes] = []
        """Every captured frame, kept alive so that none has the identity of another."""
        self._numbers: dict[int, int] = {}
        """Number of a captured frame by its identity, which it keeps if it leaves as it came."""
        self._agent_left_ms: Counter[str] = Counter()
        self._flushed: set[str] = set()

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
        number = len(self._frames)
        if frame is None:
            self._keep_forwarded(decision.audio)
        else:
            number = self._numbers.get(id(frame), number)
            self._record.states.append(decision.state)
            self._keep_forwarded(decision.audio_for(frame))
            if decision.action is GateAction.FORWARD:
                self._record.forwarded.add(number)
        self._keep_released(decision.released, number)

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        """Take what was played off what the agent has still to say."""
        del call_id, now_ms
        if frame.item_id is not None:
            self._agent_left_ms[frame.item_id] -= FRAME_MS

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        """Keep the event."""
        del call_id
        left_ms = sum(max(0, left_ms) for left_ms in self._agent_left_ms.values())
        self._record.gate_events.append(GateEventRecord(event, left_ms))
        if event.type is GateEventType.INTERRUPTED:
            self._flushed.update(self._agent_left_ms)
            self._agent_left_ms.clear()

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        """Keep when the provider heard the caller, and how much the agent has to say."""
        del call_id
        if isinstance(event, CallerSpeechStarted):
            self._record.provider_speech_ms.append(now_ms)
            self._keep_forwarded(event.decision.audio)
        elif isinstance(event, AgentAudio) and event.item_id not in self._flushed:
            duration_ms = self._playout_format.duration_ms(len(event.audio))
            self._agent_left_ms[event.item_id] += round(duration_ms)

    def on_call_ended(self, event: CallEnded) -> None:
        """Keep why."""
        detail = f": {event.detail}" if event.detail else ""
        self._record.end_reason = f"{event.reason}{detail}"

    def _keep_forwarded(self, chunks: Iterable[bytes]) -> None:
        numbers = (self._numbers.get(id(chunk)) for chunk in chunks)
        self._record.forwarded.update(number for number in numbers if number is not None)

    def _keep_released(self, released: Sequence[bytes], number: int) -> None:
        """Keep held frames that left as something else, without echo: they have no identity.

        They are the newest ones before the frame of that number.
        """
        for age, chunk in enumerate(reversed(released), 1):
            if id(chunk) not in self._numbers and number >= age:
                self._record.forwarded.add(number - age)
