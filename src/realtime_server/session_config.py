"""What a client may set on a session: one strict model of the API's ``session`` object.

The same model holds what is in force (every field has a default) and checks what a client sends.
Fields that this server has no use for, such as prompts, are checked and kept, so that a client sees
what it set.

Invariant: a session in force is valid; an update is taken whole or not at all.
"""

from __future__ import annotations

__all__ = [
    "AudioConfig",
    "FunctionTool",
    "InputConfig",
    "MaxTokens",
    "Modality",
    "OutputConfig",
    "PcmFormat",
    "PcmaFormat",
    "PcmuFormat",
    "Prompt",
    "Reasoning",
    "SemanticVad",
    "ServerVad",
    "SessionConfig",
    "StrictModel",
    "ToolChoice",
    "TurnDetection",
    "Voice",
    "VoiceId",
    "WireFormat",
    "merged",
]

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


class StrictModel(BaseModel):
    """Refuses unknown fields and converts nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PcmFormat(StrictModel):
    """Little-endian int16, mono; the rate must be given and only 24 kHz exists."""

    type: Literal["audio/pcm"]
    rate: Literal[24000]


class PcmuFormat(StrictModel):
    """G.711 mu-law, mono 8 kHz; carries no rate."""

    type: Literal["audio/pcmu"]


class PcmaFormat(StrictModel):
    """G.711 A-law, mono 8 kHz; carries no rate."""

    type: Literal["audio/pcma"]


WireFormat = Annotated[PcmFormat | PcmuFormat | PcmaFormat, Field(discriminator="type")]
"""A format object; its ``type`` says which."""

_PCM_24K = PcmFormat(type="audio/pcm", rate=24000)


class ServerVad(StrictModel):
    """Ends a turn after a fixed silence; defaults as the API documents them."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    prefix_padding_ms: Annotated[int, Field(ge=0, le=10_000)] = 300
    silence_duration_ms: Annotated[int, Field(ge=0, le=10_000)] = 500
    idle_timeout_ms: Annotated[int, Field(ge=5000, le=30_000)] | None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(StrictModel):
    """Ends a turn when the caller seems to be done."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]
"""A ``turn_detection`` object; the client may also set null for none."""


class NoiseReduction(StrictModel):
    """Filtering of the input before turn detection; kept, not done, by this server."""

    type: Literal["near_field", "far_field"]
    strength: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0


class Transcription(StrictModel):
    """Transcripts of what the caller says; every one fails here, for want of a recogniser."""

    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    prompt: Annotated[str, Field(max_length=1024)] | None = None
    keywords: list[str] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class InputConfig(StrictModel):
    """``session.audio.input``."""

    format: WireFormat = _PCM_24K
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription | None = None
    turn_detection: TurnDetection | None = ServerVad(type="server_vad")


class VoiceId(StrictModel):
    """A voice of the client's own."""

    id: str


Voice = (
    Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]
    | VoiceId
)


class OutputConfig(StrictModel):
    """``session.audio.output``; any voice sounds like the one that there is, at normal speed."""

    format: WireFormat = _PCM_24K
    voice: Voice = "marin"
    speed: Annotated[float, Field(ge=0.25, le=1.5)] = 1.0


class AudioConfig(StrictModel):
    """``session.audio``."""

    input: InputConfig = InputConfig()
    output: OutputConfig = OutputConfig()


class FunctionTool(StrictModel):
    """A function that an answerer may have called; the scripted one never does."""

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class NamedTool(StrictModel):
    """The choice of one function."""

    type: Literal["function"]
    name: str


class TracingConfig(StrictModel):
    """Where traces would go."""

    group_id: str | None = None
    workflow_name: str | None = None
    metadata: dict[str, Any] | None = None


class TokenLimits(StrictModel):
    """Limits of :class:`RetentionRatio`."""

    post_instructions: Annotated[int, Field(ge=0)] | None = None


class RetentionRatio(StrictModel):
    """How much of a long conversation a model would keep."""

    type: Literal["retention_ratio"]
    retention_ratio: Annotated[float, Field(ge=0.0, le=1.0)]
    token_limits: TokenLimits | None = None


class Prompt(StrictModel):
    """A stored prompt."""

    id: str
    version: str | None = None
    variables: dict[str, str] | None = None


class Reasoning(StrictModel):
    """How hard a model would think."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


def _one_modality(values: list[str]) -> list[str]:
    if len(values) != 1:
        raise PydanticCustomError(
            "invalid_modalities",
            "Invalid modalities: {given}. Supported combinations are: ['text'] and ['audio'].",
            {"given": str(values)},
        )
    return values


Modality = Annotated[list[Literal["text", "audio"]], AfterValidator(_one_modality)]
"""What an answer is made of: ``["audio"]`` or ``["text"]``."""

ToolChoice = Literal["auto", "none", "required"] | NamedTool
"""Whether a model would have to call a function."""

MaxTokens = Annotated[int, Field(ge=1, le=4096)] | Literal["inf"]
"""Tokens of an answer, at most."""


class SessionConfig(StrictModel):
    """The ``session`` object of the API, of the type ``realtime``."""

    type: Literal["realtime"]
    model: str = ""
    output_modalities: Modality = ["audio"]
    instructions: str = ""
    audio: AudioConfig = AudioConfig()
    tools: list[FunctionTool] = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    max_output_tokens: MaxTokens = "inf"
    tracing: Literal["auto"] | TracingConfig | None = None
    truncation: Literal["auto", "disabled"] | RetentionRatio = "auto"
    prompt: Prompt | None = None
    reasoning: Reasoning | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_transcription_session(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("type") == "transcription":
            raise PydanticCustomError(
                "transcription_session",
                "Passing a transcription session update event to a realtime session is not "
                "allowed.",
            )
        return value


def merged(current: SessionConfig, update: SessionConfig) -> SessionConfig:
    """Return the session with the fields that an update names; what it does not name stays.

    An object of another ``type`` (a turn detector, a format) replaces the one in force whole.
    """
    patch = update.model_dump(exclude_unset=True)
    return SessionConfig.model_validate(_merge(current.model_dump(), patch))


def _merge(current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    result = dict(current)
    for key, value in patch.items():
        before = current.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and _is_same_kind(before, value):
            result[key] = _merge(before, value)
        else:
            result[key] = value
    return result


def _is_same_kind(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return before.get("type") == after.get("type")
