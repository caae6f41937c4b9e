"""The events of a Realtime server that the provider acts on.

Whatever else arrives is data too: an event of no interest, or one that can't be read. Invariant:
what was said, and what a function is called with, is in no ``repr``.
"""

from __future__ import annotations

__all__ = [
    "AnswerEvent",
    "CallerEvent",
    "ErrorReported",
    "EventIgnored",
    "EventMalformed",
    "EventUnknown",
    "FunctionRequest",
    "HousekeepingEvent",
    "IdleTriggered",
    "OutputAudioDelta",
    "OutputAudioDone",
    "RateLimitsReported",
    "ResponseCreated",
    "ResponseEnded",
    "ServerEvent",
    "SessionCreated",
    "SessionUpdated",
    "SpeechStarted",
    "SpeechStopped",
    "TranscriptReceived",
    "TranscriptionFailed",
    "TurnCommitted",
]

from dataclasses import dataclass, field

from ..base import RateLimit, Speaker, TokenUsage


@dataclass(frozen=True, slots=True)
class SessionCreated:
    """The server is there; it waits for our configuration."""


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The configuration is in force."""

    input_format: str | None
    """Name of the format that audio is taken in, or None if the server does not say."""
    output_format: str | None
    """Name of the format that audio is sent in, or None if the server does not say."""


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """The model begins to answer."""

    response_id: str


@dataclass(frozen=True, slots=True)
class OutputAudioDelta:
    """A piece of the agent's voice in the session's output format."""

    response_id: str
    item_id: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class OutputAudioDone:
    """All audio of an item was sent."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRequest:
    """The model calls a function; its response may say so more than once."""

    response_id: str
    function_call_id: str
    """Under which the server wants the result."""
    name: str
    arguments: str = field(repr=False)
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseEnded:
    """The answer is complete, or was given up."""

    response_id: str
    status: str
    error_code: str | None = None
    """Why a failed response failed, or None."""
    error_type: str | None = None
    functions: tuple[FunctionRequest, ...] = ()
    """Functions that are called in its output."""
    usage: TokenUsage | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The turn detector heard the caller."""

    audio_start_ms: float | None
    """On the provider's audio clock, prefix padding included; None if the server did not say."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The turn detector heard the end of the caller's turn."""

    audio_end_ms: float | None
    """On the provider's audio clock; None if the server did not say."""


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """The caller's turn is an item of the conversation now."""

    item_id: str


@dataclass(frozen=True, slots=True)
class IdleTriggered:
    """The idle timeout ran out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptReceived:
    """What was said in an item, or the next piece of it."""

    speaker: Speaker
    item_id: str
    text: str = field(repr=False)
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionFailed:
    """The recogniser could not do a turn of the caller; the model heard it all the same."""

    code: str | None
    type: str | None


@dataclass(frozen=True, slots=True)
class RateLimitsReported:
    """What is left of the account's limits."""

    limits: tuple[RateLimit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReported:
    """The server refused something, or is in trouble. Its message is left out: it quotes keys."""

    code: str | None
    type: str | None
    param: str | None
    event_id: str | None
    """The client event that caused it, or None."""


@dataclass(frozen=True, slots=True)
class EventIgnored:
    """An event of the protocol that the provider has no use for."""

    type: str


@dataclass(frozen=True, slots=True)
class EventUnknown:
    """An event that is not in the protocol as we know it."""

    type: str


@dataclass(frozen=True, slots=True)
class EventMalformed:
    """Not an event, or one without what makes it one."""

    reason: str
    """Closed set: ``not_json``, ``not_an_object``, ``no_type``, ``no_item_id``, ``no_audio`` or
    ``no_function``."""


AnswerEvent = ResponseCreated | OutputAudioDelta | OutputAudioDone | FunctionRequest | ResponseEnded
"""What happens in an answer of the agent."""

CallerEvent = (
    SpeechStarted
    | SpeechStopped
    | TurnCommitted
    | IdleTriggered
    | TranscriptReceived
    | TranscriptionFailed
)
"""What is heard of the caller; and transcripts, which are of both."""

HousekeepingEvent = (
    SessionCreated
    | SessionUpdated
    | RateLimitsReported
    | ErrorReported
    | EventIgnored
    | EventUnknown
    | EventMalformed
)
"""What is about the session itself, or nothing."""

ServerEvent = AnswerEvent | CallerEvent | HousekeepingEvent
