"""The models of configured providers, one a kind.

A model here says what an operator may turn, not how the provider is spoken to. Invariant: a model
holds the *name* of the variable with a secret, never the secret.
"""

from __future__ import annotations

__all__ = [
    "EMBEDDED",
    "PROVIDER_KINDS",
    "AuthHeader",
    "DeepgramConfig",
    "DeepgramListenConfig",
    "DeepgramSpeakConfig",
    "DeepgramThinkConfig",
    "DeepgramThinkProvider",
    "Eagerness",
    "InputTranscriptionConfig",
    "NoiseReduction",
    "OpenAIRealtimeConfig",
    "ProviderConfig",
    "ProviderKind",
    "TurnDetectionConfig",
    "TurnDetectionType",
    "default_providers",
]

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, get_args

from annotated_types import Interval, Len

from .field_rules import Pattern, TaggedBy, check_fields
from .field_types import Name, VariableName, broken_address
from .local_models import LocalConfig
from .tools_config import ToolsConfig

ProviderKind = Literal["openai_realtime", "deepgram", "local"]
"""What a configured provider can be."""

PROVIDER_KINDS: tuple[ProviderKind, ...] = get_args(ProviderKind)
"""Every kind, in the order in which messages list them."""

EMBEDDED = "embedded"
"""The ``url`` of a provider that is the server inside this process."""

Url = Annotated[
    str,
    Pattern(
        r"embedded|wss?://[^\s/?#@]+([/?]\S*)?",
        "is neither 'embedded' nor a ws:// or wss:// address",
        broken_address,
    ),
]
SocketUrl = Annotated[
    str,
    Pattern(r"wss?://[^\s/?#@]+([/?]\S*)?", "is not a ws:// or wss:// address", broken_address),
]
Proxy = Annotated[
    str,
    Pattern(
        r"environment|none|https?://[^\s/?#@]+",
        "is neither environment, none nor the address of a proxy, which can't hold a password",
        broken_address,
    ),
]
BackoffMs = Annotated[int, Interval(ge=10, le=60_000)]


class AuthHeader(StrEnum):
    """How the key is shown to the server."""

    BEARER = "bearer"
    """``Authorization: Bearer KEY``: OpenAI and most servers that speak its protocol."""
    API_KEY = "api-key"
    """``api-key: KEY``: Azure."""


class TurnDetectionType(StrEnum):
    """What ends the caller's turn."""

    SERVER_VAD = "server_vad"
    """Silence of a set length."""
    SEMANTIC_VAD = "semantic_vad"
    """What was said: a finished sentence ends a turn sooner than a hesitation."""
    NONE = "none"
    """Our own gate: speech by what it lets through, the end by a silence; nothing else is sent."""


class Eagerness(StrEnum):
    """How soon semantic turn detection takes a turn for finished."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    AUTO = "auto"
    """The same as medium."""


class NoiseReduction(StrEnum):
    """The provider's own filter on what it hears."""

    NEAR_FIELD = "near_field"
    """For a microphone at the mouth: handsets and headsets."""
    FAR_FIELD = "far_field"
    """For a microphone in the room: speakerphones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDetectionConfig:
    """How the caller's turns are found, in the audio that the gate lets through."""

    type: TurnDetectionType = TurnDetectionType.SERVER_VAD
    """What ends the caller's turn: silence (server_vad) or meaning (semantic_vad) at the provider,
    or the gate's own hearing and silence (none)."""
    threshold: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.5
    """server_vad: activation, 0..1; higher needs louder speech. The provider's own default."""
    prefix_padding_ms: Annotated[int, Interval(ge=0, le=5000)] = 300
    """server_vad and none: ms of audio before the speech that belong to the turn. The provider's
    own default."""
    silence_duration_ms: Annotated[int, Interval(ge=100, le=10_000)] = 500
    """server_vad and none: ms of silence that end the turn; shorter answers sooner and cuts into
    pauses. The provider's own default."""
    eagerness: Eagerness = Eagerness.AUTO
    """semantic_vad: how soon a turn counts as finished. The provider's own default."""
    idle_timeout_ms: Annotated[int, Interval(ge=5000, le=30_000)] | None = None
    """server_vad: ms after the agent's last word without a word of the caller after which the agent
    speaks again; null: it waits. The provider's own bounds."""
    create_response: bool = True
    """Whether the turn is answered when it ends; without it nobody answers."""
    interrupt_response: bool = True
    """Whether the provider cancels its answer when it hears the caller."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.idle_timeout_ms is not None and self.type is not TurnDetectionType.SERVER_VAD:
            raise ValueError(f"idle_timeout_ms: {self.idle_timeout_ms} needs type: server_vad")

    @property
    def finds_turns(self) -> bool:
        """Whether the provider finds the caller's turns; else the gate does."""
        return self.type is not TurnDetectionType.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class InputTranscriptionConfig:
    """What the caller says as text, by a recogniser beside the model, which hears for itself."""

    model: Name = "gpt-4o-mini-transcribe"
    """Recogniser, as the server names it."""
    language: Annotated[str, Pattern(r"[a-z]{2,3}", "is not a language as in en or de")] | None = (
        None
    )
    """Language as in ISO 639-1; null: the recogniser finds out, later and less surely."""
    prompt: Annotated[str, Len(1, 1024)] | None = None
    """Words to expect, such as names of products; null: none."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIRealtimeConfig:
    """A server that speaks the OpenAI Realtime protocol: the cloud's, your own, or the embedded."""

    kind: Literal["openai_realtime"] = "openai_realtime"
    """Which client speaks to the provider, and which policy under ``gating.providers`` applies."""
    url: Url = "wss://api.openai.com/v1/realtime"
    """Address of the server, or ``embedded`` for the one inside this process, which needs no key.
    ``wss://`` anywhere but on this machine: ``ws://`` shows the key to the network."""
    model: Name = "gpt-realtime"
    """Name of the model, as the server knows it."""
    api_key_env: VariableName | None = "OPENAI_API_KEY"
    """Name of the environment variable with the key (never the key); null: the server wants none.
    Not read for ``embedded``."""
    auth_header: AuthHeader = AuthHeader.BEARER
    """How the key is shown: bearer (OpenAI) or api-key (Azure)."""
    voice: Name = "marin"
    """Voice of the agent; the provider locks it once the agent has spoken."""
    output_speed: Annotated[float, Interval(ge=0.25, le=1.5)] = 1.0
    """Speed of the voice as a ratio, 1.0 is natural."""
    instructions: Annotated[str, Len(0, 20_000)] = (
        "You are a friendly agent on the telephone. Answer in one or two short sentences, and stop "
        "when the caller speaks."
    )
    """What the agent is told to be, in plain text; at most 20,000 characters."""
    greeting: Annotated[str, Len(0, 2000)] | None = "Hello, how can I help you?"
    """What the agent says when the call begins; null: it waits for the caller to speak."""
    turn_detection: TurnDetectionConfig = field(default_factory=TurnDetectionConfig)
    """How the caller's turns are found."""
    input_transcription: InputTranscriptionConfig | None = None
    """What the caller says as text, for observers and for the memory of a renewed session; null:
    none. It costs extra."""
    tools: ToolsConfig = field(default_factory=ToolsConfig)
    """What the agent may do to its own call."""
    noise_reduction: NoiseReduction | None = None
    """The provider's filter before its turn detector; null (its default): none, as the gate keeps
    noise out already."""
    connect_timeout_s: Annotated[float, Interval(ge=0.1, le=120.0)] = 10.0
    """Time in s that connecting and configuring may take, each time."""
    max_reconnects: Annotated[int, Interval(ge=0, le=100)] = 5
    """Attempts to get a lost connection back inside a call; 0: the call ends at once."""
    reconnect_initial_ms: BackoffMs = 250
    """Pause in ms before the first attempt; it doubles with each further one."""
    reconnect_max_ms: BackoffMs = 5000
    """Longest pause in ms between attempts."""
    session_renewal_s: Annotated[float, Interval(ge=10.0, le=86_400.0)] = 3300.0
    """Age in s from which a session is replaced at the next quiet moment. OpenAI ends a session
    after 60 minutes."""
    proxy: Proxy = "environment"
    """Proxy to connect through; environment: as HTTPS_PROXY and NO_PROXY say, and none to this
    machine. A proxy that wants a password is for the environment, too."""

    def __post_init__(self) -> None:
        check_fields(self)
        _check_backoff(self.reconnect_initial_ms, self.reconnect_max_ms)

    @property
    def is_embedded(self) -> bool:
        """Whether the server is the one inside this process."""
        return self.url == EMBEDDED


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepgramListenConfig:
    """How Deepgram's agent hears: the recogniser, which also finds the caller's turns."""

    provider: Literal["deepgram"] = "deepgram"
    """Who recognises speech; Deepgram's agent knows no other."""
    model: Name = "nova-3"
    """Recogniser: a nova model, or a flux model (flux-general-en, flux-general-multi), which knows
    from what was said when a turn is over."""
    language: Name | None = "en"
    """Language of the caller as a tag such as en or es, or multi; null: the model's own. A flux
    model for one language does not use it."""

    def __post_init__(self) -> None:
        check_fields(self)


class DeepgramThinkProvider(StrEnum):
    """Whose model answers, at Deepgram's expense and on its bill."""

    OPEN_AI = "open_ai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    DEEPGRAM = "deepgram"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepgramThinkConfig:
    """How Deepgram's agent thinks: the language model."""

    provider: DeepgramThinkProvider = DeepgramThinkProvider.OPEN_AI
    """Whose model answers; those that Deepgram runs or resells, so that its key is enough."""
    model: Name = "gpt-4o-mini"
    """Name of the model, as its provider names it."""
    temperature: Annotated[float, Interval(ge=0.0, le=2.0)] | None = None
    """How freely the model chooses its words; null: its own default."""
    prompt: Annotated[str, Len(0, 25_000)] = (
        "You are a friendly agent on the telephone. Answer in one or two short sentences, and stop "
        "when the caller speaks."
    )
    """What the agent is told to be, in plain text; the server cuts off what exceeds 25,000
    characters."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepgramSpeakConfig:
    """How Deepgram's agent speaks."""

    provider: Literal["deepgram"] = "deepgram"
    """Whose voice; others would need a key of their own in every session, and are not offered."""
    voice: Name = "aura-2-thalia-en"
    """Voice, an aura or a flux one; its name ends in its language."""
    speed: Annotated[float, Interval(ge=0.5, le=1.5)] = 1.0
    """Speed of the voice as a ratio, 1.0 is natural; aura voices go down to 0.7."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepgramConfig:
    """Deepgram's Voice Agent: recogniser, model and voice. Its audio passes the gate untouched."""

    kind: Literal["deepgram"] = "deepgram"
    """Which client speaks to the provider, and which policy under ``gating.providers`` applies."""
    url: SocketUrl = "wss://agent.deepgram.com/v1/agent/converse"
    """Address of the server; Deepgram has others for the EU, Australia and India. ``wss://``
    anywhere but on this machine: ``ws://`` shows the key to the network."""
    api_key_env: VariableName | None = "DEEPGRAM_API_KEY"
    """Name of the environment variable with the key (never the key); null: the server wants
    none."""
    listen: DeepgramListenConfig = field(default_factory=DeepgramListenConfig)
    """How the agent hears."""
    think: DeepgramThinkConfig = field(default_factory=DeepgramThinkConfig)
    """How the agent thinks."""
    speak: DeepgramSpeakConfig = field(default_factory=DeepgramSpeakConfig)
    """How the agent speaks."""
    tools: ToolsConfig = field(default_factory=ToolsConfig)
    """What the agent may do to its own call."""
    greeting: Annotated[str, Len(0, 2000)] | None = "Hello, how can I help you?"
    """What the agent says when the call begins; null: it waits for the caller to speak."""
    mip_opt_out: bool = False
    """Whether Deepgram may not keep the calls to improve its models; it may cost more."""
    keep_alive_ms: Annotated[int, Interval(ge=1000, le=60_000)] = 8000
    """Time in ms without audio from the line after which the server is told that the call lives;
    the vendor asks for 8 s."""
    connect_timeout_s: Annotated[float, Interval(ge=0.1, le=120.0)] = 10.0
    """Time in s that connecting and configuring may take, each time."""
    max_reconnects: Annotated[int, Interval(ge=0, le=100)] = 5
    """Attempts to get a lost connection back inside a call; 0: the call ends at once."""
    reconnect_initial_ms: BackoffMs = 250
    """Pause in ms before the first attempt; it doubles with each further one."""
    reconnect_max_ms: BackoffMs = 5000
    """Longest pause in ms between attempts."""

    def __post_init__(self) -> None:
        check_fields(self)
        _check_backoff(self.reconnect_initial_ms, self.reconnect_max_ms)


ProviderConfig = Annotated[OpenAIRealtimeConfig | DeepgramConfig | LocalConfig, TaggedBy("kind")]
"""One configured provider, told apart by its ``kind``."""


def _check_backoff(initial_ms: int, max_ms: int) -> None:
    """Raise ValueError if the longest pause between attempts is shorter than the first."""
    if max_ms < initial_ms:
        raise ValueError(f"reconnect_max_ms: {max_ms} is below reconnect_initial_ms ({initial_ms})")


def default_providers() -> dict[str, ProviderConfig]:
    """Return the providers of a configuration that names none."""
    return {
        "embedded": OpenAIRealtimeConfig(url=EMBEDDED),
        "openai": OpenAIRealtimeConfig(),
        "deepgram": DeepgramConfig(),
        "local": LocalConfig(),
    }
