"""What calls share: the embedded server, parts of local agents, announcements, keys of providers.

What is needed is decided by which providers can answer at all. Invariant: what one of them needs
is there before the first call and until after the last one, or the engine does not start; of parts
only those that can't be reached now may come later.
"""

from __future__ import annotations

__all__ = ["CallServices", "ProviderAccess"]

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import structlog

from ..config.local_models import ChatReplyConfig, LocalConfig
from ..config.models import SCRIPTED, AppConfig, provider_references
from ..config.provider_models import OpenAIRealtimeConfig, ProviderConfig
from ..errors import (
    ConfigError,
    ConfigProblem,
    LocalProtocolError,
    ProviderError,
    TransportError,
)
from ..local_agent.agent_parts import AgentParts, make_parts
from ..local_agent.part_pool import LocalPart, PartPool
from ..local_agent.voice import Voice
from ..providers.registry import ProviderRegistry
from ..realtime_server.server import RealtimeServer
from .announcements import Announcements, make_announcements
from .embedded_server import EmbeddedAgent, choose_agent, make_server, needs_server

_HOW = "restart voxgate for it, or name another one"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccess:
    """What it takes to reach a configured provider."""

    config: ProviderConfig
    """What the operator set; an ``embedded`` URL is replaced by a real one."""
    api_key: str | None = field(default=None, repr=False)
    """The key, or None where none is wanted, or its variable is not set."""
    parts: AgentParts | None = None
    """The parts of a local agent, started if they can be had; None for any other provider."""


class CallServices:
    """Starts and holds what the providers of calls need.

    Args:
        config: Everything that an operator may turn.
        environ: Where keys are read from, by the names that the configuration gives.
        providers: The kinds of provider that there are.
    """

    def __init__(
        self, config: AppConfig, *, environ: Mapping[str, str], providers: ProviderRegistry
    ) -> None:
        self._config = config
        self._environ = environ
        self._providers = providers
        self._realtime_server: RealtimeServer | None = None
        self._pool = PartPool()
        self._parts: dict[str, AgentParts] = {}
        self._embedded: EmbeddedAgent | None = None
        self._announcements = Announcements()

    @property
    def announcements(self) -> Announcements:
        """What callers hear when a provider fails; nothing before the start."""
        return self._announcements

    @property
    def refused_realtime_sessions(self) -> int:
        """Clients that the embedded server had no room for, so far; 0 where it does not run."""
        server = self._realtime_server
        return 0 if server is None else server.refused_sessions

    @property
    def local_parts(self) -> Mapping[tuple[str, str], LocalPart]:
        """The parts of local agents, by provider and section; equal ones are one object."""
        return self._pool.parts

    async def start(self) -> None:
        """Start what a provider that can answer needs; where that fails, nothing is left running.

        Raises:
            ConfigError: the key of such a provider is not set, or an announcement can't be had.
            ProviderError: the kind of such a provider is not available, or a part of it can't be
                had; one that can't be reached is a warning.
            TransportError: the embedded server's address can't be bound.
        """
        for name in self._config.answering_providers:
            self._providers.require(self._config.providers[name].kind)
        if problems := list(self._missing_keys(self._config)):
            raise ConfigError(problems)
        try:
            self._embedded = self._choose_agent() if needs_server(self._config) else None
            errors = await self._start_parts()
            if self._embedded is not None:
                self._embedded = self._settled(self._embedded, errors)
                await self._start_realtime_server(self._embedded)
            self._announcements = await make_announcements(
                self._config.announcements, voice=self._voice()
            )
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything; idempotent."""
        server, self._realtime_server = self._realtime_server, None
        try:
            if server is not None:
                await server.stop()
        finally:
            self._parts.clear()
            await self._pool.stop()

    def problems_of(self, config: AppConfig) -> list[ConfigProblem]:
        """Return what providers lack that can answer by another configuration."""
        return [
            *self._missing_kinds(config),
            *self._missing_starts(config),
            *self._missing_keys(config),
        ]

    async def prepare(self, config: AppConfig) -> Announcements:
        """Return the announcements of another configuration that is to hold; nothing changes yet.

        What is started goes on as it is: of the keys that need a restart, none may differ.

        Raises:
            ConfigError: a provider that can answer by it lacks what has to be there before a call:
                its key, its parts, the embedded server; or an announcement can't be had.
        """
        if problems := self.problems_of(config):
            raise ConfigError(problems)
        if config.announcements == self._config.announcements:
            return self._announcements
        return await make_announcements(config.announcements, voice=self._voice())

    def follow(self, config: AppConfig, announcements: Announcements) -> None:
        """Let another configuration, and what :meth:`prepare` returned for it, hold."""
        self._config = config
        self._announcements = announcements

    def access_to(self, name: str, among: AppConfig | None = None) -> ProviderAccess:
        """Return what it takes to reach one of the providers that can answer.

        Args:
            name: Of the provider.
            among: The configuration that its call began with; that in force if left out.

        Raises:
            LocalProtocolError: it is the embedded server, and that does not run.
        """
        config = (among or self._config).providers[name]
        api_key = self._api_key(config)
        if isinstance(config, OpenAIRealtimeConfig) and config.is_embedded:
            if self._realtime_server is None:
                raise LocalProtocolError(f"{name}: the embedded server does not run")
            config = replace(config, url=self._realtime_server.url)
            if self._embedded is not None and self._embedded.provider is not None:
                self._pool.try_again(self._embedded.provider)
        return ProviderAccess(config=config, api_key=api_key, parts=self._parts.get(name))

    # -- private steps -----------------------------------------------------------------------------

    def _api_key(self, config: ProviderConfig) -> str | None:
        variable = _key_variable(config)
        return None if variable is None else self._environ.get(variable)

    def _missing_key(self, config: ProviderConfig) -> str | None:
        """Return the variable of a provider's key if it is wanted and not set."""
        variable = _key_variable(config)
        is_there = variable is None or bool((self._api_key(config) or "").strip())
        return None if is_there else variable

    def _missing_kinds(self, config: AppConfig) -> Iterator[ConfigProblem]:
        """Find providers that can answer, of kinds that are not available."""
        for key, name in provider_references(config.engine, config.routes):
            kind = config.providers[name].kind
            try:
                self._providers.require(kind)
            except ProviderError as error:
                rule = f"is of the kind {kind}, {error.reason}"
                yield _refusal(key, name, rule)

    def _missing_starts(self, config: AppConfig) -> Iterator[ConfigProblem]:
        """Find providers that can answer only once something was started that is not."""
        for key, name in provider_references(config.engine, config.routes):
            provider = config.providers[name]
            if isinstance(provider, LocalConfig) and name not in self._parts:
                yield _refusal(
                    key, name, f"has parts that voxgate starts at its start only; {_HOW}"
                )
            is_embedded = isinstance(provider, OpenAIRealtimeConfig) and provider.is_embedded
            if is_embedded and self._realtime_server is None:
                rule = f"is the embedded server, which voxgate starts at its start only; {_HOW}"
                yield _refusal(key, name, rule)

    def _missing_keys(self, config: AppConfig) -> Iterator[ConfigProblem]:
        """Find keys for want of which calls would fail."""
        for name in self._needed_providers(config):
            if (variable := self._missing_key(config.providers[name])) is None:
                continue
            rule = f"is not set; provider {name!r} reads its key from it"
            yield ConfigProblem(key=variable, value="", rule=rule, source="environment")

    def _needed_providers(self, config: AppConfig) -> tuple[str, ...]:
        """Return the providers that can answer, and the one that was named to lend its parts."""
        names = config.answering_providers
        agent = choose_agent(config) if needs_server(config) else None
        if agent is None or agent.provider is None or agent.is_optional:
            return names
        return tuple(dict.fromkeys((*names, agent.provider)))

    async def _start_parts(self) -> dict[str, ProviderError]:
        """Start the parts of all providers that have any, all at once.

        Returns:
            By name, why a provider that nobody insists on can't be had.

        Raises:
            ProviderError: a part of another one can't be had, now or ever.
        """
        needed = self._needed_providers(self._config)
        lent = self._embedded.provider if self._embedded is not None else None
        for name in dict.fromkeys(filter(None, (*needed, lent))):
            config = self._config.providers[name]
            if isinstance(config, LocalConfig):
                key = self._api_key(config)
                parts = make_parts(config, key)
                self._parts[name] = await self._pool.add(name, config, parts, key)
        optional: dict[str, ProviderError] = {}
        for (name, section), error in (await self._pool.start(self._parts)).items():
            named = _named(error, f"providers.{name}.{section}")
            if name not in needed:
                optional[name] = named
            elif not error.retryable:
                raise named from error
            else:
                self._warn_of(name, section, error)
        return optional

    def _warn_of(self, name: str, section: str, error: ProviderError) -> None:
        part = getattr(self._config.providers[name], section)
        _log.warning(
            "local_agent.part_unreachable",
            provider=name,
            part=section,
            address=_address(getattr(part, "url", None)),
            error=str(error),
        )

    def _voice(self) -> Voice | None:
        """Return the voice of the first local agent that has one by now."""
        started = (name for name in self._parts if self._pool.has_started(name, "voice"))
        name = next(started, None)
        return None if name is None else self._parts[name].voice

    def _choose_agent(self) -> EmbeddedAgent:
        """Return who is to answer in the embedded server."""
        agent = choose_agent(self._config)
        lender = self._config.providers.get(agent.provider or "")
        if lender is not None and (variable := self._missing_key(lender)):
            return EmbeddedAgent(reason=f"{variable} is not set")
        return agent

    def _settled(self, agent: EmbeddedAgent, errors: Mapping[str, ProviderError]) -> EmbeddedAgent:
        """Return who answers in the embedded server, now that the parts have started or not."""
        name = agent.provider
        if name is not None and agent.is_optional and not self._has_all(name):
            error = errors.get(name)
            if error is not None:
                _log.warning("realtime_server.agent_unavailable", error=str(error))
            agent = EmbeddedAgent(reason=f"the parts of {name} can't be started")
        answered_by = agent.provider or SCRIPTED
        _log.info("realtime_server.agent_chosen", answered_by=answered_by, reason=agent.reason)
        return agent

    def _has_all(self, name: str) -> bool:
        return all(self._pool.has_started(name, part) for part in ("recogniser", "reply", "voice"))

    async def _start_realtime_server(self, agent: EmbeddedAgent) -> None:
        section = self._config.realtime_server
        config = self._config.providers.get(agent.provider or "")
        parts = self._parts.get(agent.provider or "")
        local = config if isinstance(config, LocalConfig) else None
        server = make_server(self._config, agent=local, parts=parts)
        try:
            await server.start()
        except OSError as exc:
            raise TransportError(
                f"realtime_server {section.host}:{section.port}",
                f"can't listen: {exc.strerror or exc}",
                code=errno.errorcode.get(exc.errno or 0),
                retryable=exc.errno == errno.EADDRINUSE,
            ) from exc
        self._realtime_server = server


def _refusal(key: str, name: str, rule: str) -> ConfigProblem:
    return ConfigProblem(key=key, value=repr(name), rule=rule, source="configuration")


def _named(error: ProviderError, key: str) -> ProviderError:
    """Return an error of a part with the key of the part."""
    reason = f"{error.peer}: {error.reason}"
    return ProviderError(key, reason, code=error.code, retryable=error.retryable)


def _address(url: str | None) -> str | None:
    """Return host and port of a URL, and nothing that may be a secret."""
    return None if url is None else urlsplit(url).netloc.rpartition("@")[2]


def _key_variable(config: ProviderConfig) -> str | None:
    """Return the environment variable with a provider's key; None where none is wanted."""
    if isinstance(config, OpenAIRealtimeConfig) and config.is_embedded:
        return None
    if isinstance(config, LocalConfig):
        return config.reply.api_key_env if isinstance(config.reply, ChatReplyConfig) else None
    variable: str | None = getattr(config, "api_key_env", None)
    return variable
