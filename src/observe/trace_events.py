"""What lines and providers say, as events of a trace.

Invariant: no audio, no words, no digits, no numbers dialled: what is not listed here is left out.
"""

from __future__ import annotations

__all__ = ["TRACED_EVENTS", "switch_event", "trace_event"]

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..call_observer import ProviderSwitched
from ..providers.base import (
    AgentAudioDone,
    CallerIdle,
    CallerSpeechStarted,
    CallerSpeechStopped,
    FunctionCalled,
    FunctionReturned,
    ProviderDisconnected,
    ProviderEnded,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    ResponseStarted,
    Transcript,
)
from ..recordings import CallEvent
from ..transports.base import LineDtmf, LineHangup, LineWarning

_Fields = Mapping[str, str | int | float | bool | None]


def _nothing(event: Any) -> _Fields:
    del event
    return {}


def _code(event: Any) -> _Fields:
    return {"code": event.error.code} if event.error is not None else {}


TRACED_EVENTS: Mapping[type, tuple[str, Callable[[Any], _Fields]]] = MappingProxyType(
    {
        LineDtmf: ("line.key_pressed", _nothing),
        LineWarning: ("line.warned", lambda event: {"code": event.code}),
        LineHangup: ("line.hung_up", lambda event: {"reason": event.reason}),
        ProviderReady: (
            "provider.ready",
            lambda event: {
                "reconnected": event.reconnected,
                "held_frames": event.held_frames,
                "dropped_frames": event.dropped_frames,
            },
        ),
        ProviderDisconnected: ("provider.disconnected", _code),
        ProviderWarning: ("provider.warned", _code),
        ProviderEnded: ("provider.ended", _code),
        ResponseStarted: (
            "provider.response_started",
            lambda event: {"response_id": event.response_id},
        ),
        ResponseDone: (
            "provider.response_done",
            lambda event: {"response_id": event.response_id, "status": event.status},
        ),
        AgentAudioDone: ("provider.audio_done", lambda event: {"item_id": event.item_id}),
        CallerSpeechStarted: (
            "provider.caller_speech_started",
            lambda event: {"capture_ms": event.capture_ms},
        ),
        CallerSpeechStopped: (
            "provider.caller_speech_stopped",
            lambda event: {"capture_ms": event.capture_ms},
        ),
        CallerIdle: ("provider.caller_idle", _nothing),
        Transcript: (
            "provider.transcribed",
            lambda event: {
                "speaker": event.speaker.value,
                "item_id": event.item_id,
                "is_final": event.is_final,
            },
        ),
        FunctionCalled: ("provider.function_called", lambda event: {"function": event.name}),
        FunctionReturned: ("provider.function_returned", lambda event: {"function": event.name}),
    }
)
"""Name and fields of each kind of event that a trace has."""


def trace_event(now_ms: float, event: object) -> CallEvent | None:
    """Return what a trace says of an event of a line or a provider; None if nothing."""
    traced = TRACED_EVENTS.get(type(event))
    if traced is None:
        return None
    name, fields_of = traced
    return CallEvent(now_ms=now_ms, name=name, fields=fields_of(event))


def switch_event(event: ProviderSwitched) -> CallEvent:
    """Return what a trace says of a provider that takes over."""
    return CallEvent(
        now_ms=event.now_ms,
        name="call.provider_switched",
        fields={
            "previous": event.previous,
            "provider": event.provider,
            "code": event.error.code,
            "was_ready": event.was_ready,
            "held_frames": event.held_frames,
            "dropped_frames": event.dropped_frames,
        },
    )
