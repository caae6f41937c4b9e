"""Who answers in the embedded server: the parts of a local agent, or sentences rendered beforehand.

Invariant: what is chosen by itself never keeps the engine from starting; what the operator chose by
name is had, or the engine does not start.
"""

from __future__ import annotations

__all__ = ["EmbeddedAgent", "choose_agent", "make_server", "needs_server"]

from collections.abc import Callable
from dataclasses import dataclass

from ..config.local_models import LocalConfig, RuleReplyConfig
from ..config.models import AUTO, SCRIPTED, AppConfig
from ..config.provider_models import OpenAIRealtimeConfig
from ..local_agent.agent_parts import AgentParts
from ..local_agent.required_packages import missing_packages
from ..realtime_server.local_answerer import LocalAnswerer
from ..realtime_server.server import RealtimeServer

_AUTO_NAME = "local"
"""Name of the provider whose parts answer where nobody chose; without it, the first of the kind."""
_GREETING = "Hello, how can I help you?"
"""What is said first where neither client nor configuration says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedAgent:
    """Who answers."""

    provider: str | None = None
    """Name of the local provider whose parts do; None: sentences rendered beforehand."""
    reason: str
    """Why, for the log."""
    is_optional: bool = False
    """Whether sentences will do where the parts can't be started."""


def needs_server(config: AppConfig) -> bool:
    """Return whether a provider that can answer is the embedded server."""
    answering = (config.providers[name] for name in config.answering_providers)
    return any(isinstance(each, OpenAIRealtimeConfig) and each.is_embedded for each in answering)


def choose_agent(
    config: AppConfig, *, missing: Callable[[LocalConfig], str | None] = missing_packages
) -> EmbeddedAgent:
    """Return who answers by a configuration.

    Args:
        config: The configuration.
        missing: Says what has to be installed for a local agent, or None if all is there.
    """
    name = config.realtime_server.answered_by
    if name == SCRIPTED:
        return EmbeddedAgent(reason="configured")
    if name != AUTO:
        return EmbeddedAgent(provider=name, reason="configured")
    local = _first_local(config)
    if local is None:
        return EmbeddedAgent(reason="there is no provider of the kind local")
    name, section = local
    if lacking := missing(section):
        return EmbeddedAgent(reason=lacking)
    return EmbeddedAgent(provider=name, reason="its packages are installed", is_optional=True)


def _first_local(config: AppConfig) -> tuple[str, LocalConfig] | None:
    """Return the local provider that answers where nobody chose, and its name."""
    named = (_AUTO_NAME, config.providers.get(_AUTO_NAME))
    for name, section in (named, *config.providers.items()):
        if isinstance(section, LocalConfig):
            return name, section
    return None


def make_server(
    config: AppConfig, *, agent: LocalConfig | None = None, parts: AgentParts | None = None
) -> RealtimeServer:
    """Return the embedded server, not yet started.

    Args:
        config: Where its section stands.
        agent: The configuration of the parts.
        parts: What answers, started; None: sentences rendered beforehand.
    """
    section = config.realtime_server
    if agent is None or parts is None:
        return RealtimeServer(
            host=section.host,
            port=section.port,
            max_sessions=section.max_sessions,
            speed_ratio=section.speed_ratio,
        )

    def answerer() -> LocalAnswerer:
        return LocalAnswerer(
            parts.reply,
            parts.voice,
            greeting=agent.greeting or _GREETING,
            follows_instructions=not isinstance(agent.reply, RuleReplyConfig),
        )

    return RealtimeServer(
        host=section.host,
        port=section.port,
        max_sessions=section.max_sessions,
        speed_ratio=section.speed_ratio,
        answerer_factory=answerer,
        recogniser=parts.recogniser,
    )
