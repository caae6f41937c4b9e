"""What calls share: the embedded server, parts of local agents, announcements, keys of providers.

What is needed is decided by which providers can answer at all. Invariant: what one of them needs
is there before the first call and until after the last one, or the engine does not start.
"""

from __future__ import annotations

__all__ = ["CallServices", "ProviderAccess"]

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..config.local_models import ChatReplyConfig, LocalConfig
from ..config.models import AppConfig
from ..config.provider_models import OpenAIRealtimeConfig, ProviderConfig
from ..errors import ConfigError, ConfigProblem, LocalProtocolError, TransportError
from ..local_agent.agent_parts import AgentParts, make_parts
from ..providers.registry import ProviderRegistry
from ..realtime_server.server import RealtimeServer
from .announcements import Announcements, make_announcements


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
            await self._start_parts()
            await self._start_realtime_server()
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

    def _check_keys(self) -> None:
        """Refuse to start where calls would fail for want of a key."""
        problems = []
        for name in self._config.answering_providers:
            config = self._config.providers[name]
            variable = _key_variable(config)
            if variable is None or (self._api_key(config) or "").strip():
                continue
            rule = f"is not set; provider {name!r} reads its key from it"
            problems.append(ConfigProblem(key=variable, value="", rule=rule, source="environment"))
        if problems:
            raise ConfigError(problems)

    async def _start_parts(self) -> None:
        for name in self._config.answering_providers:
            config = self._config.providers[name]
            if isinstance(config, LocalConfig):
                parts = make_parts(config, self._api_key(config))
                await parts.start()
                self._parts[name] = parts

    async def _start_realtime_server(self) -> None:
        answering = (self._config.providers[name] for name in self._config.answering_providers)
        if not any(isinstance(c, OpenAIRealtimeConfig) and c.is_embedded for c in answering):
            return
        section = self._config.realtime_server
        server = self._make_realtime_server()
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

    def _make_realtime_server(self) -> RealtimeServer:
        """Return the embedded server as ``realtime_server`` says, not yet started."""
        section = self._config.realtime_server
        return RealtimeServer(host=section.host, port=section.port, speed_ratio=section.speed_ratio)


def _key_variable(config: ProviderConfig) -> str | None:
    """Return the environment variable with a provider's key; None where none is wanted."""
    if isinstance(config, OpenAIRealtimeConfig) and config.is_embedded:
        return None
    if isinstance(config, LocalConfig):
        return config.reply.api_key_env if isinstance(config.reply, ChatReplyConfig) else None
    variable: str | None = getattr(config, "api_key_env", None)
    return variable
