"""Everything that a gate is told of one call, as values: what recording and replay rest on.

Invariant: the same inputs in the same order give the same decisions; an input is complete by
itself.
"""

from __future__ import annotations

__all__ = [
    "AgentSpeaking",
    "FarEndPlayed",
    "FrameCaptured",
    "GateBegun",
    "GateEnded",
    "GateInput",
    "GateReconfigured",
    "GateTap",
    "ProviderSpeechStarted",
    "ProviderSpeechStopped",
    "TimePassed",
]

from dataclasses import dataclass
from typing import Protocol

from .audio import AudioFormat
from .config import GatingConfig
from .gate_decision import GateDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class GateBegun:
    """A call has begun, or begun anew for a provider that takes over."""

    now_ms: float
    provider: str
    """Instance name, kind or alias."""
    capture_format: AudioFormat
    far_end_format: AudioFormat
    config: GatingConfig
    """In force from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCaptured:
    """The line has delivered audio, in the capture's format; a decision follows."""

    now_ms: float
    audio: bytes
    placed_ms: float | None = None
    """When it ended at the caller's line; None where the line does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """A slot went by; a decision follows."""

    now_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEndPlayed:
    """The line has played 20 ms, in the far end's format."""

    now_ms: float
    audio: bytes
    is_agent_audio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpeaking:
    """The provider's word on whether it is generating agent audio."""

    now_ms: float
    is_speaking: bool
    audio_ms: float
    """Agent audio generated since its last word, in ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpeechStarted:
    """The provider's word that the caller speaks; a decision follows."""

    now_ms: float
    capture_ms: float | None
    """Start of the speech on the same clock; None where the provider does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpeechStopped:
    """The provider's word that the caller's turn has ended."""

    now_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReconfigured:
    """The operator has turned something that holds for running calls too."""

    now_ms: float
    config: GatingConfig


@dataclass(frozen=True, slots=True)
class GateEnded:
    """The call is forgotten."""


GateInput = (
    GateBegun
    | FrameCaptured
    | TimePassed
    | FarEndPlayed
    | AgentSpeaking
    | ProviderSpeechStarted
    | ProviderSpeechStopped
    | GateReconfigured
    | GateEnded
)
"""One thing that a gate is told."""


class GateTap(Protocol):
    """Whoever is told what one call's gate is told. Called in the audio path: be quick."""

    def receive(self, given: GateInput, decision: GateDecision | None) -> None:
        """Take an input, and what the gate made of it where it decides about such.

        An error that it raises is counted and ends the tapping of the call, not the call.
        """
