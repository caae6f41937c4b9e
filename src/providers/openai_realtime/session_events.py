"""What a session tells the conversation that it is a part of.

Most are events that the engine gets as they are; the conversation makes others of the rest, as it
knows gate and line.
"""

from __future__ import annotations

__all__ = ["CallerHeard", "SessionEvent", "SessionReady", "VoiceReceived"]

from dataclasses import dataclass

from ..base import (
    AgentAudioDone,
    CallerIdle,
    CallerSpeechStopped,
    FunctionCalled,
    ProviderWarning,
    RateLimitsUpdated,
    ResponseDone,
    ResponseStarted,
    Transcript,
    UsageReported,
)


@dataclass(frozen=True, slots=True)
class SessionReady:
    """The session is configured: audio may flow."""


@dataclass(frozen=True, slots=True)
class VoiceReceived:
    """A piece of the agent's voice that is to be played."""

    item_id: str
    wire: bytes
    """In the session's output format."""
    audio_ms: float


@dataclass(frozen=True, slots=True)
class CallerHeard:
    """The turn detector heard the caller."""

    capture_ms: float | None
    """On the call's clock, or None."""


SessionEvent = (
    SessionReady
    | ResponseStarted
    | VoiceReceived
    | AgentAudioDone
    | ResponseDone
    | CallerHeard
    | CallerSpeechStopped
    | CallerIdle
    | Transcript
    | FunctionCalled
    | UsageReported
    | RateLimitsUpdated
    | ProviderWarning
)
