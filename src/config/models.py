"""The models of ``config/ai-agent.yaml``, nested as in the file.

The core's own models (``vad``, ``audio_guard``, ``barge_in``, ``idle_fill`` and the policies under
``gating``) are those of ``core/config.py``. Invariant: a model that exists is valid, across its
fields too; a default stands here or there, once. The models of providers are in
``provider_models.py``, those of lines in ``line_models.py``.
"""

from __future__ import annotations

__all__ = [
    "AUTO",
    "LINE_KINDS",
    "SCRIPTED",
    "AppConfig",
    "EngineConfig",
    "GatingSection",
    "LogFormat",
    "LogLevel",
    "RealtimeServerConfig",
    "provider_references",
    "unknown_line",
    "unknown_provider",
]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from annotated_types import Interval

from ..core.config import (
    AudioGuardConfig,
    BargeInConfig,
    GatingConfig,
    IdleFillConfig,
    ProviderGatingPolicy,
    VadConfig,
    WithheldAudio,
)
from .announcement_models import AnnouncementsConfig
from .desk_model import DeskConfig
from .field_rules import check_fields
from .field_types import InstanceName
from .line_models import LinesConfig
from .listen_address import Host, Port, check_host, meet
from .provider_models import (
    PROVIDER_KINDS,
    OpenAIRealtimeConfig,
    ProviderConfig,
    ProviderKind,
    default_providers,
)
from .realtime_proxy_model import RealtimeProxyConfig
from .recording_model import RecordingConfig
from .route_models import RouteConfig
from .shown_value import shown_value
from .suggestion import known_names
from .tracing_model import TracingConfig

_STARVED_BY_DROP: frozenset[str] = frozenset({"openai_realtime", "deepgram"})
"""Kinds whose turn detector runs on the audio that they receive: without it, no turn ever ends."""


class LogLevel(StrEnum):
    """The least serious log events that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log events are written."""

    CONSOLE = "console"
    """Lines for a person at a terminal."""
    JSON = "json"
    """One JSON object a line, for a log collector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """The engine: which provider answers, and the bounds on what it takes on."""

    default_provider: InstanceName = "embedded"
    """Name under ``providers`` of the one that answers calls which take none of the ``routes``; of
    a kind that is available."""
    fall_back_provider: InstanceName | None = None
    """Name of the one that takes over where that can't be reached, or is lost in mid-call; null:
    none, and the call ends. A route has its own."""
    fall_back_after_s: Annotated[float, Interval(ge=0.5, le=120.0)] = 5.0
    """Time in s without a provider, at the start of a call and in the middle, after which the next
    one is tried, where there is one; the provider may give up sooner."""
    workers: Annotated[int, Interval(ge=1, le=64)] = 1
    """Processes that serve calls, on one port each line: about one a core. Each has what the engine
    has, and a call is one process's; not on Windows, where there is but one."""
    max_calls: Annotated[int, Interval(ge=1, le=10_000)] = 100
    """Calls at a time, of each of the workers; a further one is hung up at once and counted."""
    drain_timeout_s: Annotated[float, Interval(ge=0.0, le=3600.0)] = 30.0
    """Time in s that running calls get to end by themselves when the engine is told to stop."""
    provider_hold_ms: Annotated[int, Interval(ge=0, le=60_000)] = 10_000
    """Caller's audio in ms that is held while a provider reconnects, oldest dropped beyond."""
    log_level: LogLevel = LogLevel.INFO
    """Least serious events that are logged."""
    log_format: LogFormat = LogFormat.CONSOLE
    """Form of the log: console for people, json for collectors."""
    reload_on_change: bool = True
    """Whether the file is followed when it changes, while calls run; SIGHUP has it read in any
    case. A file that is wrong, or that needs a restart, changes nothing."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.fall_back_provider == self.default_provider:
            raise ValueError(
                f"fall_back_provider: {self.fall_back_provider!r} is the default provider, which "
                "it is to take over from"
            )

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the providers that are tried without a route, in this order."""
        return tuple(filter(None, (self.default_provider, self.fall_back_provider)))


LINE_KINDS: tuple[str, ...] = tuple(line.name for line in fields(LinesConfig))
"""Every kind of line, by its name under ``lines``."""

AUTO = "auto"
"""``realtime_server.answered_by``: the parts of a local provider, or sentences."""
SCRIPTED = "scripted"
"""``realtime_server.answered_by``: sentences rendered beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeServerConfig:
    """The server inside this process that providers with the url ``embedded`` speak to."""

    host: Host = "127.0.0.1"
    """Address to listen on. The server asks for no key: keep it on loopback."""
    port: Port = 0
    """TCP port to listen on; 0: any free one."""
    max_sessions: Annotated[int, Interval(ge=1, le=10_000)] = 200
    """Sessions at a time; a further one is answered with 503 and counted."""
    speed_ratio: Annotated[float, Interval(ge=0.5, le=100.0)] = 8.0
    """Speed of speech generation against real time; 8.0, as hosted models are well ahead of what
    has been played."""
    answered_by: InstanceName = "auto"
    """Who answers there: the recogniser, reply and voice of the provider of kind local that has
    this name; scripted: sentences rendered beforehand, whatever is said; auto: the provider local,
    or the first of the kind local, if the packages of its parts are installed, else scripted."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_host(self.host)


def _default_policies() -> dict[ProviderKind, ProviderGatingPolicy]:
    policies = GatingConfig().providers
    return {kind: policies[kind] for kind in PROVIDER_KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatingSection:
    """What the gate does for each kind of provider."""

    providers: Mapping[ProviderKind, ProviderGatingPolicy] = field(
        default_factory=_default_policies
    )
    """Policy by kind of provider, for every instance of the kind. A key left out of a policy has
    the default of that kind."""

    def __post_init__(self) -> None:
        names: dict[str, str] = {kind: kind for kind in PROVIDER_KINDS}
        for kind, policy in self.providers.items():
            if kind not in PROVIDER_KINDS:
                raise ValueError(
                    f"providers.{kind}: is not a known kind of provider: "
                    f"{', '.join(PROVIDER_KINDS)}"
                )
            _check_policy(kind, policy)
            for alias in policy.aliases:
                if names.setdefault(alias, kind) != kind:
                    raise ValueError(
                        f"providers.{kind}.aliases: {alias!r} is a name of {names[alias]} already"
                    )


def _check_policy(kind: str, policy: ProviderGatingPolicy) -> None:
    starves = policy.gating_enabled and policy.withheld_audio is WithheldAudio.DROP
    if starves and kind in _STARVED_BY_DROP:
        raise ValueError(
            f"providers.{kind}.withheld_audio: 'drop' would starve the turn detector of {kind}, "
            "which runs on the audio that it receives, and the agent would never answer; use "
            "silence or adaptive"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppConfig:
    """Everything that an operator may turn."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "extra": "forbid",
        "use_attribute_docstrings": True,
    }

    engine: EngineConfig = field(default_factory=EngineConfig)
    """Which provider answers, and how much the engine takes on."""
    lines: LinesConfig = field(default_factory=LinesConfig)
    """The telephone lines that bring calls."""
    providers: Mapping[InstanceName, ProviderConfig] = field(default_factory=default_providers)
    """The agents that can answer, by a name of your own. A file that has this section has these
    providers and no others."""
    routes: tuple[RouteConfig, ...] = ()
    """Which provider answers which call: the first of these that fits; without one, the default."""
    announcements: AnnouncementsConfig = field(default_factory=AnnouncementsConfig)
    """What callers hear when a provider fails."""
    gating: GatingSection = field(default_factory=GatingSection)
    """The gate between line and provider: policy by kind of provider."""
    vad: VadConfig = field(default_factory=VadConfig)
    """Voice activity: WebRTC VAD and the smoothing over it."""
    audio_guard: AudioGuardConfig = field(default_factory=AudioGuardConfig)
    """What is kept from a gated provider while the agent is silent: line noise and music."""
    barge_in: BargeInConfig = field(default_factory=BargeInConfig)
    """When a caller who speaks over the agent interrupts it."""
    idle_fill: IdleFillConfig = field(default_factory=IdleFillConfig)
    """Silence for the provider while the line delivers nothing."""
    realtime_server: RealtimeServerConfig = field(default_factory=RealtimeServerConfig)
    """The server inside this process that stands in for the cloud."""
    realtime_proxy: RealtimeProxyConfig = field(default_factory=RealtimeProxyConfig)
    """What ``voxgate proxy`` listens on and connects to; ``voxgate serve`` has no part in it."""
    desk: DeskConfig = field(default_factory=DeskConfig)
    """The operator's web page: live calls, thresholds, health, a phone to try the agent with."""
    recording: RecordingConfig = field(default_factory=RecordingConfig)
    """Recorded calls: what the gate measured and decided, and if wanted the audio."""
    tracing: TracingConfig = field(default_factory=TracingConfig)
    """Calls as OpenTelemetry traces."""

    def __post_init__(self) -> None:
        check_fields(self)
        for key, answering in provider_references(self.engine, self.routes):
            if answering not in self.providers:
                problem = unknown_provider(answering, self.providers)
                raise ValueError(f"{key}: {shown_value(answering)} {problem}")
        self._check_route_lines()
        self._check_answered_by()
        for name, provider in self.providers.items():
            if provider.kind not in self.gating.providers:
                raise ValueError(
                    f"gating.providers.{provider.kind}: is missing, and provider {name} needs it"
                )
            self._check_turns(name, provider)
        self._check_ports()
        self._check_desk_port()

    def _check_turns(self, name: str, provider: ProviderConfig) -> None:
        """Raise ValueError if a provider is left with nobody who finds the caller's turns."""
        if not isinstance(provider, OpenAIRealtimeConfig) or provider.turn_detection.finds_turns:
            return
        if not self.gating.providers[provider.kind].gating_enabled:
            raise ValueError(
                f"providers.{name}.turn_detection.type: 'none' leaves the caller's turns to the "
                f"gate, and gating.providers.{provider.kind}.gating_enabled is false, so that "
                "nobody would find them: use server_vad or semantic_vad, or turn the gate on"
            )

    def _check_answered_by(self) -> None:
        name = self.realtime_server.answered_by
        if name in (AUTO, SCRIPTED):
            return
        key = "realtime_server.answered_by"
        if name not in self.providers:
            problem = unknown_provider(name, self.providers)
            raise ValueError(f"{key}: {shown_value(name)} {problem}")
        if self.providers[name].kind != "local":
            kind = self.providers[name].kind
            raise ValueError(
                f"{key}: {name!r} is of the kind {kind}, and only one of the kind local has parts "
                f"to answer with; or say {AUTO} or {SCRIPTED}"
            )

    def _check_route_lines(self) -> None:
        matches = [(f"routes[{n}].match", route.match) for n, route in enumerate(self.routes)]
        for key, match in [*matches, ("recording.match", self.recording.match)]:
            if match.line not in (None, *LINE_KINDS):
                name = f"{match.line}"
                raise ValueError(f"{key}.line: {shown_value(name)} {unknown_line(name)}")

    def _check_ports(self) -> None:
        server = self.realtime_server
        answering = (self.providers[name] for name in self.answering_providers)
        if not any(isinstance(p, OpenAIRealtimeConfig) and p.is_embedded for p in answering):
            return  # the server is not started
        for line in fields(self.lines):
            section = getattr(self.lines, line.name)
            if not section.enabled or server.port == 0 or server.port != section.port:
                continue
            if meet(server.host, section.host):
                raise ValueError(
                    f"realtime_server.port: {server.port} is the port of lines.{line.name} already"
                )

    def _check_desk_port(self) -> None:
        """Raise ValueError if the desk wants the port of a line."""
        if not self.desk.enabled or self.desk.port == 0:
            return
        for line in fields(self.lines):
            section = getattr(self.lines, line.name)
            is_same = section.enabled and section.port == self.desk.port
            if is_same and meet(self.desk.host, section.host):
                raise ValueError(
                    f"desk.port: {self.desk.port} is the port of lines.{line.name} already"
                )

    @property
    def default_provider(self) -> ProviderConfig:
        """The configured provider that answers calls."""
        return self.providers[self.engine.default_provider]

    @property
    def answering_providers(self) -> tuple[str, ...]:
        """Names of the providers that can answer a call, each once: no other is ever reached."""
        names = (name for _, name in provider_references(self.engine, self.routes))
        return tuple(dict.fromkeys(names))

    @property
    def gating_config(self) -> GatingConfig:
        """The gate's own configuration, with the kind of every configured provider by name."""
        return GatingConfig(
            providers={str(kind): policy for kind, policy in self.gating.providers.items()},
            kinds={name: provider.kind for name, provider in self.providers.items()},
            vad=self.vad,
            audio_guard=self.audio_guard,
            barge_in=self.barge_in,
            idle_fill=self.idle_fill,
        )


def provider_references(
    engine: EngineConfig, routes: Iterable[RouteConfig]
) -> Iterator[tuple[str, str]]:
    """Yield key and name of every place that names a provider that answers."""
    yield "engine.default_provider", engine.default_provider
    if engine.fall_back_provider is not None:
        yield "engine.fall_back_provider", engine.fall_back_provider
    for number, route in enumerate(routes):
        yield f"routes[{number}].provider", route.provider
        if route.fall_back_provider is not None:
            yield f"routes[{number}].fall_back_provider", route.fall_back_provider


def unknown_provider(name: str, providers: Mapping[str, object]) -> str:
    """Return the rule that the name of a provider breaks that is not configured."""
    return f"is not the name of one of the providers; {known_names(name, providers)}"


def unknown_line(name: str) -> str:
    """Return the rule that the name of a line breaks that is none of the kinds."""
    return f"is not a kind of line; {known_names(name, LINE_KINDS)}"
