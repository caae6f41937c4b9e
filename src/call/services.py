"""What calls share: the embedded server, parts of local agents, announcements, keys of providers.

What is needed is decided by which providers can answer at all. Invariant: what one of them needs
is there before the first call and until after the last one, or the engine does not start.
"""

from __future__ import annotations

__all__ = ["CallServices", "ProviderAccess"]

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from ..config.local_models import ChatReplyConfig, LocalConfig
from ..config.models import SCRIPTED, AppConfig
from ..config.provider_models import OpenAIRealtimeConfig, ProviderConfig
from ..errors import (
    ConfigError,
    ConfigProblem,
    LocalProtocolError,
    ProviderError,
    TransportError,
)
from ..local_agent.agent_parts import AgentParts, make_parts
from ..providers.registry import ProviderRegistry
from ..realtime_server.server import RealtimeServer
from .announcements import Announcements, make_announcements
from .embedded_server import EmbeddedAgent, choose_agent, make_server, needs_server

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccess:
    """What it takes to reach a configured provider."""

    config: ProviderConfig
    """What the operator set; an ``embedded`` URL is replaced by a real one."""
    api_key: str | None = field(default=None, repr=False)
    """The key, or None where none is wanted, or its variable is not set."""
    parts: AgentParts | None = None
    """The parts of a local agent, started; None for any other provider."""


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
        self._parts: dict[str, AgentParts] = {}
        self._announcements = Announcements()

    @property
    def announcements(self) -> Announcements:
        """What callers hear when a provider fails; nothing before the start."""
        return self._announcements

    async def start(self) -> None:
        """Start what a provider that can answer needs; where that fails, nothing is left running.

        Raises:
            ConfigError: the key of such a provider is not set, or an announcement can't be had.
            ProviderError: the kind of such a provider, or a part of it, is not available.
            TransportError: the embedded server's address can't be bound.
        """
        for name in self._config.answering_providers:
            self._providers.require(self._config.providers[name].kind)
        self._check_keys()
        try:
            for name in self._config.answering_providers:
                await self._start_parts(name)
            if needs_server(self._config):
                await self._start_realtime_server(await self._start_agent())
            voices = [parts.voice for parts in self._parts.values()]
            self._announcements = await make_announcements(
                self._config.announcements, voice=voices[0] if voices else None
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
            while self._parts:
                await self._parts.popitem()[1].stop()

    def access_to(self, name: str) -> ProviderAccess:
        """Return what it takes to reach one of the providers that can answer.

        Raises:
            LocalProtocolError: it is the embedded server, and that does not run.
        """
        config = self._config.providers[name]
        api_key = self._api_key(config)
        if isinstance(config, OpenAIRealtimeConfig) and config.is_embedded:
            if self._realtime_server is None:
                raise LocalProtocolError(f"{name}: the embedded server does not run")
            config = replace(config, url=self._realtime_server.url)
        return ProviderAccess(config=config, api_key=api_key, parts=self._parts.get(name))

    # -- private steps -----------------------------------------------------------------------------

    def _api_key(self, config: ProviderConfig) -> str | None:
        variable = _key_variable(config)
        return None if variable is None else self._environ.get(variable)

    def _missing_key(self, name: str) -> str | None:
        """Return the variable of a provider's key if it is wanted and not set."""
        config = self._config.providers[name]
        variable = _key_variable(config)
        is_there = variable is None or bool((self._api_key(config) or "").strip())
        return None if is_there else variable

    def _check_keys(self) -> None:
        """Refuse to start where calls would fail for want of a key."""
        problems = []
        for name in self._needed_providers():
            if (variable := self._missing_key(name)) is None:
                continue
            rule = f"is not set; provider {name!r} reads its key from it"
            problems.append(ConfigProblem(key=variable, value="", rule=rule, source="environment"))
        if problems:
            raise ConfigError(problems)

    def _needed_providers(self) -> tuple[str, ...]:
        """Return the providers that can answer, and the one that was named to lend its parts."""
        names = self._config.answering_providers
        agent = choose_agent(self._config) if needs_server(self._config) else None
        if agent is None or agent.provider is None or agent.is_optional:
            return names
        return tuple(dict.fromkeys((*names, agent.provider)))

    async def _start_parts(self, name: str) -> None:
        """Start the parts of a provider, if it is of the kind that has any, once."""
        config = self._config.providers[name]
        if isinstance(config, LocalConfig) and name not in self._parts:
            parts = make_parts(config, self._api_key(config))
            await parts.start()
            self._parts[name] = parts

    async def _start_agent(self) -> EmbeddedAgent:
        """Start the parts that answer in the embedded server, if any do; return whose they are."""
        agent = choose_agent(self._config)
        if agent.provider is not None and (variable := self._missing_key(agent.provider)):
            agent = EmbeddedAgent(reason=f"{variable} is not set")
        if agent.provider is not None:
            try:
                await self._start_parts(agent.provider)
            except ProviderError as error:
                if not agent.is_optional:
                    raise
                _log.warning("realtime_server.agent_unavailable", error=str(error))
                agent = EmbeddedAgent(reason=f"the parts of {agent.provider} can't be started")
        answered_by = agent.provider or SCRIPTED
        _log.info("realtime_server.agent_chosen", answered_by=answered_by, reason=agent.reason)
        return agent

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


def _key_variable(config: ProviderConfig) -> str | None:
    """Return the environment variable with a provider's key; None where none is wanted."""
    if isinstance(config, OpenAIRealtimeConfig) and config.is_embedded:
        return None
    if isinstance(config, LocalConfig):
        return config.reply.api_key_env if isinstance(config.reply, ChatReplyConfig) else None
    variable: str | None = getattr(config, "api_key_env", None)
    return variable
