"""The agents of calls: who may answer one, and what each of them is given.

Invariant: an agent is made by the configuration that its call began with, whatever holds by then;
how it is gated is the manager's to say.
"""

from __future__ import annotations

__all__ = ["CallAgents"]

from dataclasses import replace

from ..clock import Clock
from ..config.models import AppConfig
from ..config.route_models import CallFacts, first_route
from ..config.tools_config import ToolsConfig
from ..core.audio_gating_manager import AudioGatingManager
from ..core.config import GatingConfig, ProviderGatingPolicy
from ..providers.base import CallAudio
from ..providers.call_control import CallControl
from ..providers.registry import ProviderRegistry
from ..providers.setup import ProviderSetup
from ..providers.tools import ToolRegistry
from ..transports.base import CALLED_NUMBER, Line
from .candidate import Agent
from .services import CallServices


class CallAgents:
    """Makes the agents of an engine's calls.

    Args:
        providers: The kinds of provider.
        services: What calls share.
        manager: The gate.
        tools: Functions that the agent's model may call, on every call.
    """

    def __init__(
        self,
        providers: ProviderRegistry,
        services: CallServices,
        manager: AudioGatingManager,
        tools: ToolRegistry,
    ) -> None:
        self._providers = providers
        self._services = services
        self._manager = manager
        self._tools = tools

    @staticmethod
    def route(config: AppConfig, line: Line) -> tuple[int | None, tuple[str, ...]]:
        """Return which route a call takes, and the names of its providers, in order."""
        facts = CallFacts(
            line=line.kind,
            call_id=line.call_id,
            called_number=line.metadata.get(CALLED_NUMBER),
            parameters=line.metadata,
        )
        route = first_route(config.routes, facts)
        if route is None:
            return None, config.engine.candidates
        return route, config.routes[route].candidates

    def make(self, config: AppConfig, line: Line, name: str, clock: Clock) -> Agent:
        """Return the agent of a call by one provider.

        Only some lines can be transferred.

        Args:
            config: That the call began with.
            line: The telephone's side.
            name: Instance name of the provider.
            clock: The call's clock.

        Raises:
            LocalProtocolError: it is the embedded server, and that does not run.
            ProviderError: its kind is not available.
        """
        access = self._services.access_to(name, config)
        tools = getattr(access.config, "tools", None) or ToolsConfig()
        control = CallControl(tools, transfer=getattr(line, "transfer", None))
        setup = ProviderSetup(
            config=access.config,
            name=name,
            call_id=line.call_id,
            call_audio=CallAudio(capture=line.capture_format, playout=line.playout_format),
            manager=self._manager,
            clock=clock,
            api_key=access.api_key,
            hold_ms=config.engine.provider_hold_ms,
            parts=access.parts,
            is_gated=self.gating_of(name) is not None,
            tools=self._tools.extended(control.tools),
        )
        return Agent(self._providers.create(setup), control)

    def gating_of(self, name: str) -> ProviderGatingPolicy | None:
        """Return how a provider is gated by now; None if it is not."""
        policy = self._manager.config.policy_for(name)
        return None if policy is None or not policy.gating_enabled else policy

    def gating_under(self, config: AppConfig) -> GatingConfig:
        """Return how a configuration has providers gated, those included that it has no more.

        A running call may turn to one of them yet.
        """
        gating = config.gating_config
        known = {
            name: kind
            for name, kind in self._manager.config.kinds.items()
            if gating.policy_for(kind) is not None
        }
        return replace(gating, kinds={**known, **gating.kinds})
