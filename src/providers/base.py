"""What the engine asks of a provider, and what a provider tells the engine.

One provider object serves one call. Invariant: a provider never decides about audio; a gated one
asks the gating manager and sends what the decision says.
"""

from __future__ import annotations

__all__ = [
    "AgentAudio",
    "AgentAudioDone",
    "CallAudio",
    "CallerIdle",
    "CallerSpeechStarted",
    "CallerSpeechStopped",
    "Capabilities",
    "FunctionCalled",
    "FunctionReturned",
    "PromptProvider",
    "Provider",
    "ProviderDisconnected",
    "ProviderEnded",
    "ProviderEvent",
    "ProviderReady",
    "ProviderWarning",
    "RateLimit",
    "RateLimitsUpdated",
    "ResponseDone",
    "ResponseStarted",
    "Speaker",
    "TokenUsage",
    "Transcript",
    "UsageReported",
]

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from ..core.audio import AudioFormat
from ..core.gate_decision import GateDecision
from ..errors import ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a provider of this kind is like; known before it is started."""

    needs_gating: bool
    """The provider hears everything it is sent and its turn detector can't tell echo."""
    detects_turns: bool
    """The provider finds the caller's turns in the audio that it receives."""
    reports_interruption: bool
    """The provider says when the caller speaks over the agent."""


@dataclass(frozen=True, slots=True)
class ProviderReady:
    """The provider is connected and configured; audio flows. Sent again after a reconnect."""

    reconnected: bool = False
    """The call had a connection before."""
    held_frames: int = 0
    """Frames that waited while the provider was away and were sent now."""
    dropped_frames: int = 0
    """Frames lost because more waited than the bound allows."""


@dataclass(frozen=True, slots=True)
class ProviderDisconnected:
    """The connection was lost; the provider tries again by itself."""

    error: ProviderError
    """What broke it."""


@dataclass(frozen=True, slots=True)
class ProviderWarning:
    """The provider refused one request; the call goes on."""

    error: ProviderError
    """What the provider said."""


@dataclass(frozen=True, slots=True)
class ProviderEnded:
    """The provider is gone for good: the last event."""

    error: ProviderError | None = None
    """What ended it; None where it ended in good order."""


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The agent begins to answer."""

    response_id: str
    """The provider's id of the answer."""


@dataclass(frozen=True, slots=True)
class AgentAudio:
    """A piece of the agent's voice, in the call's playout format; faster than real time."""

    item_id: str
    """Which of the provider's pieces of speech it belongs to."""
    audio: bytes
    """The bytes; of any length."""


@dataclass(frozen=True, slots=True)
class AgentAudioDone:
    """All audio of the item has been generated; most of it is still to be played."""

    item_id: str
    """As in :class:`AgentAudio`."""


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """The answer is complete, or was cancelled."""

    response_id: str
    """As in :class:`ResponseStarted`."""
    status: str
    """``completed``, ``cancelled``, ``failed`` or ``incomplete``."""


@dataclass(frozen=True, slots=True)
class CallerSpeechStarted:
    """The provider's turn detector heard the caller."""

    decision: GateDecision
    """What the gate made of it: its events say whether the agent was interrupted."""
    capture_ms: float | None = None
    """Start of the speech on the call's capture clock, or None if the provider did not say."""


@dataclass(frozen=True, slots=True)
class CallerSpeechStopped:
    """The provider's turn detector heard the end of the caller's turn."""

    capture_ms: float | None = None
    """End of the speech on the call's capture clock, or None if the provider did not say."""


@dataclass(frozen=True, slots=True)
class CallerIdle:
    """The provider's idle timeout ran out: nobody spoke, and the agent asks whether anybody is."""


class Speaker(StrEnum):
    """Who said something."""

    CALLER = "caller"
    """Who called."""
    AGENT = "agent"
    """Who answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was said, as text: for observers, and never logged. It may come late."""

    speaker: Speaker
    """Who said it."""
    item_id: str
    """The provider's id of the piece of conversation."""
    text: str = field(repr=False)
    """All of the item if final, else the next piece of it."""
    is_final: bool
    """The text is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCalled:
    """The model calls a function; it runs now."""

    function_call_id: str
    """The provider's id of this one call of the function."""
    name: str
    """Name of the function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionReturned:
    """The model was given a function's result."""

    function_call_id: str
    """As in :class:`FunctionCalled`."""
    name: str
    """Name of the function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens that answers took, as the provider counts and bills them."""

    input_tokens: int = 0
    """Everything read for the answers, the cached ones among them."""
    cached_input_tokens: int = 0
    """Those that the provider had read before, which cost less."""
    input_audio_tokens: int = 0
    """Those that are audio."""
    output_tokens: int = 0
    """Everything that was generated."""
    output_audio_tokens: int = 0
    """Those that are audio."""

    def __add__(self, other: TokenUsage) -> TokenUsage:
        """Return both together."""
        return TokenUsage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            input_audio_tokens=self.input_audio_tokens + other.input_audio_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            output_audio_tokens=self.output_audio_tokens + other.output_audio_tokens,
        )


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What one answer took; the call's summary has the sum."""

    usage: TokenUsage
    """Tokens of the one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How much of one of the account's limits is left."""

    name: str
    """Such as ``requests`` or ``tokens``."""
    remaining: float | None
    """How much of it is left, in its own unit; None where the provider does not say."""
    reset_s: float | None
    """Time in s until the limit is whole again."""


@dataclass(frozen=True, slots=True)
class RateLimitsUpdated:
    """What is left of the account's limits."""

    limits: tuple[RateLimit, ...]
    """Those that the provider told."""


ProviderEvent = (
    ProviderReady
    | ProviderDisconnected
    | ProviderWarning
    | ProviderEnded
    | ResponseStarted
    | AgentAudio
    | AgentAudioDone
    | ResponseDone
    | CallerSpeechStarted
    | CallerSpeechStopped
    | CallerIdle
    | Transcript
    | FunctionCalled
    | FunctionReturned
    | UsageReported
    | RateLimitsUpdated
)


class Provider(Protocol):
    """One call's agent.

    Every implementation passes ``tests/integration/provider_conformance.py``.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this provider is like."""

    async def start(self) -> None:
        """Connect and configure.

        Raises:
            ProviderError: if it can't be reached or refuses us.
        """

    async def send_audio(self, frame: bytes) -> GateDecision:
        """Judge and send one captured frame in the call's capture format; never blocks on I/O.

        A provider that is not gated sends the very object and returns ``PASS_THROUGH``.
        """

    async def advance(self) -> GateDecision:
        """Let time pass without a frame; called once a 20 ms slot. Sends what the gate says."""

    async def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Stop the answer: the caller has heard so many ms of each unfinished item, in order."""

    def events(self) -> AsyncIterator[ProviderEvent]:
        """Yield events until :class:`ProviderEnded`; one consumer."""

    async def stop(self) -> None:
        """Close the connection; idempotent. ``events`` ends with :class:`ProviderEnded`."""


@runtime_checkable
class PromptProvider(Protocol):
    """What a provider has besides whose part in a frame never waits: the same without a coroutine.

    The engine then needs no task for a frame. These are called instead of the others, in the turn
    of the loop in which a frame is read or a slot is due, outside of a task.
    """

    def send_audio_at_once(self, frame: bytes) -> GateDecision:
        """Do what :meth:`Provider.send_audio` does."""

    def advance_at_once(self) -> GateDecision:
        """Do what :meth:`Provider.advance` does."""

    def interrupt_at_once(self, heard_ms: Mapping[str, float]) -> None:
        """Do what :meth:`Provider.interrupt` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAudio:
    """The formats of one call's line."""

    capture: AudioFormat
    """What :meth:`Provider.send_audio` gets."""
    playout: AudioFormat
    """What :class:`AgentAudio` carries."""
