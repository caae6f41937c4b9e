"""A gate that says what a test says, and an observer that keeps what it is told.

Both count on being looked at after the fact: they are given to a call, and asked when it is over.
"""

from __future__ import annotations

__all__ = [
    "PromptProvider",
    "ReadLine",
    "RecordingObserver",
    "ScriptedManager",
    "decision",
    "gate_event",
    "loud_frame",
    "made_prompt",
]

from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, cast

from voxgate.call_observer import CallEnded, CallObserver, CallStarted, ProviderSwitched
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateEvent,
    GateEventType,
    GateReason,
    GateState,
)
from voxgate.core.playout import PlayoutFrame
from voxgate.providers.base import ProviderEvent
from voxgate.providers.scripted import ScriptedProvider
from voxgate.transports.base import LineAudio, LineEvent
from voxgate.transports.scripted import ScriptedLine

T = TypeVar("T")


def loud_frame(number: int = 0) -> bytes:
    """Return 20 ms at 8 kHz whose every sample is 1000 and the number: no two are alike."""
    return (1000 + number).to_bytes(2, "little", signed=True) * 160


def gate_event(event_type: GateEventType, t_ms: float = 0.0) -> GateEvent:
    """Return something that happened at a gate."""
    return GateEvent(type=event_type, t_ms=t_ms, reason=GateReason.BARGE_IN)


def decision(*event_types: GateEventType, audio: tuple[bytes, ...] = ()) -> GateDecision:
    """Return a decision with events of these types, that sends ``audio``."""
    return GateDecision(
        action=GateAction.FORWARD if audio else GateAction.WITHHOLD,
        state=GateState.OPEN,
        reason=GateReason.BARGE_IN,
        audio=audio,
        events=tuple(map(gate_event, event_types)),
    )


class ScriptedManager(AudioGatingManager):
    """A gating manager that takes its decisions from a script where there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.frame_decisions: deque[GateDecision] = deque()
        self.idle_decisions: deque[GateDecision] = deque()
        self.far_end: list[tuple[bytes, bool]] = []
        """Every slot that was shown: its audio, and whether it is the agent's."""
        self.inputs: list[str] = []
        """Names of the inputs other than frames and slots, in order."""
        self.n_far_end_at_start: list[int] = []
        """How many slots had been shown when each call began."""

    def start_call(self, call_id: str, **kwargs: Any) -> None:
        super().start_call(call_id, **kwargs)
        self.n_far_end_at_start.append(len(self.far_end))
        self.inputs.append("start_call")

    def cleanup_call(self, call_id: str) -> None:
        super().cleanup_call(call_id)
        self.inputs.append("cleanup_call")

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        if self.frame_decisions:
            return self.frame_decisions.popleft()
        return super().process(call_id, frame, now_ms)

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        if self.idle_decisions:
            return self.idle_decisions.popleft()
        return super().advance(call_id, now_ms)

    def receive_far_end(
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None:
        super().receive_far_end(call_id, frame, now_ms, is_agent_audio=is_agent_audio)
        self.far_end.append((frame, is_agent_audio))


class RecordingObserver(CallObserver):
    """Keeps everything."""

    def __init__(self) -> None:
        self.told: list[str] = []
        """Names of the methods called, in order."""
        self.started: list[CallStarted] = []
        self.line_events: list[LineEvent] = []
        self.decisions: list[tuple[bytes | None, GateDecision]] = []
        self.durations_ms: list[float] = []
        self.gate_events: list[GateEvent] = []
        self.playout: list[PlayoutFrame] = []
        self.provider_events: list[ProviderEvent] = []
        self.switched: list[ProviderSwitched] = []
        self.ended: list[CallEnded] = []

    def forget(self) -> None:
        """Forget everything."""
        for kept in vars(self).values():
            kept.clear()

    def on_call_started(self, event: CallStarted) -> None:
        self.told.append("on_call_started")
        self.started.append(event)

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        self.told.append("on_line_event")
        self.line_events.append(event)

    def on_decision(
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        self.told.append("on_decision")
        self.decisions.append((frame, decision))

    def on_frame_processed(self, call_id: str, duration_ms: float) -> None:
        self.told.append("on_frame_processed")
        self.durations_ms.append(duration_ms)

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        self.told.append("on_gate_event")
        self.gate_events.append(event)

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        self.told.append("on_playout")
        self.playout.append(frame)

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        self.told.append("on_provider_event")
        self.provider_events.append(event)

    def on_provider_switched(self, event: ProviderSwitched) -> None:
        self.told.append("on_provider_switched")
        self.switched.append(event)

    def on_call_ended(self, event: CallEnded) -> None:
        self.told.append("on_call_ended")
        self.ended.append(event)


class PromptProvider(ScriptedProvider):
    """A scripted provider that does its part of a frame without a coroutine."""

    def send_audio_at_once(self, frame: bytes) -> GateDecision:
        return _at_once(self.send_audio(frame))

    def advance_at_once(self) -> GateDecision:
        return _at_once(self.advance())

    def interrupt_at_once(self, heard_ms: Mapping[str, float]) -> None:
        _at_once(self.interrupt(heard_ms))


def made_prompt(kind: type[ScriptedProvider]) -> type[ScriptedProvider]:
    """Return a kind of scripted provider that is prompt, and else the same."""
    own = {
        name: vars(PromptProvider)[name]
        for name in ("send_audio_at_once", "advance_at_once", "interrupt_at_once")
    }
    return type(kind.__name__, (kind,), own)


class ReadLine(ScriptedLine):
    """A scripted line whose audio is delivered as it is read, each frame alone."""

    def receive(self, event: LineEvent) -> None:
        if isinstance(event, LineAudio):
            self.deliver(event.audio, event.timestamp_ms)
        else:
            super().receive(event)


def _at_once(coroutine: Coroutine[object, None, T]) -> T:
    """Return what a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    raise AssertionError("it waits")
