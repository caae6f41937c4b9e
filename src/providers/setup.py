"""What the engine hands to whichever provider answers a call."""

from __future__ import annotations

__all__ = ["DEFAULT_HOLD_MS", "ProviderSetup"]

from dataclasses import dataclass, field

from ..clock import Clock, monotonic_ms
from ..config.provider_models import ProviderConfig
from ..local_agent.agent_parts import AgentParts
from .base import CallAudio
from .gating import GatingManager
from .tools import ToolRegistry

DEFAULT_HOLD_MS = 10_000
"""Caller's audio held while a provider is away, in ms; what is older answers no question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSetup:
    """Everything that a provider of any kind needs for one call."""

    config: ProviderConfig
    """What the operator set; an ``embedded`` URL is already replaced by a real one."""
    call_id: str
    """The call, as the manager knows it."""
    name: str | None = None
    """Its name in the configuration, for the log; None for the name of its kind."""
    call_audio: CallAudio
    """Formats of the call's line."""
    manager: GatingManager
    """The gate; a provider that is not gated does not ask it about frames."""
    clock: Clock = monotonic_ms
    """The manager's clock."""
    api_key: str | None = field(default=None, repr=False)
    """The key, or None where none is wanted."""
    hold_ms: float = DEFAULT_HOLD_MS
    """Caller's audio that is held while the provider is away, in ms, oldest dropped beyond."""
    parts: AgentParts | None = None
    """What a local agent is made of, started; None for providers that are no local agent."""
    is_gated: bool = False
    """The gate is in front of the provider, for kinds that can do without it."""
    tools: ToolRegistry = field(default_factory=ToolRegistry)
    """Functions that the model may call, those that concern this call among them."""
