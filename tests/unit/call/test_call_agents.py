"""Who answers a call, and what each of them is given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.virtual_time import virtual_ms
from voxgate.call import CallAgents, CallServices
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import DeepgramConfig, OpenAIRealtimeConfig
from voxgate.config.route_models import RouteConfig, RouteMatch
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.vad_manager import EnhancedVADManager
from voxgate.errors import ProviderError
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider
from voxgate.providers.setup import ProviderSetup
from voxgate.providers.tools import ToolRegistry
from voxgate.transports.scripted import ScriptedLine

_CONFIG = AppConfig(
    engine=EngineConfig(default_provider="agent", fall_back_provider="deep", provider_hold_ms=1234),
    providers={
        "agent": OpenAIRealtimeConfig(
            url="ws://127.0.0.1:9/v1", api_key_env="KEY", tools=ToolsConfig(hangup=True)
        ),
        "deep": DeepgramConfig(url="ws://127.0.0.1:9/v1", api_key_env=None),
    },
    routes=(RouteConfig(match=RouteMatch(called_number="+49*"), provider="deep"),),
)


class Rig:
    """What agents are made of, and what their providers were given."""

    def __init__(self) -> None:
        self.setups: list[ProviderSetup] = []
        registry = ProviderRegistry()
        registry.register("openai_realtime", self._make)
        registry.register("deepgram", None)
        self.manager = AudioGatingManager(EnhancedVADManager(), _CONFIG.gating_config)
        services = CallServices(_CONFIG, environ={"KEY": "k-1"}, providers=registry)
        self.agents = CallAgents(registry, services, self.manager, ToolRegistry())

    def _make(self, setup: ProviderSetup) -> ScriptedProvider:
        self.setups.append(setup)
        return ScriptedProvider.from_setup(setup)


def test_a_route_names_the_providers_of_its_calls() -> None:
    """In order; the engine's are those of all others."""
    called = ScriptedLine("one", metadata={"called_number": "+4930123"})
    assert CallAgents.route(_CONFIG, called) == (0, ("deep",))
    assert CallAgents.route(_CONFIG, ScriptedLine("two")) == (None, ("agent", "deep"))


def test_a_provider_is_given_what_its_section_says_and_what_the_call_is() -> None:
    """Its key from the environment, the formats of the line, the one gate."""
    rig = Rig()
    line = ScriptedLine("one")
    agent = rig.agents.make(_CONFIG, line, "agent", virtual_ms)
    (setup,) = rig.setups
    assert (setup.name, setup.call_id, setup.api_key) == ("agent", "one", "k-1")
    assert setup.config == _CONFIG.providers["agent"]
    assert (setup.call_audio.capture, setup.call_audio.playout) == (
        line.capture_format,
        line.playout_format,
    )
    assert setup.manager is rig.manager
    assert setup.clock is virtual_ms
    assert setup.hold_ms == 1234
    assert setup.is_gated
    assert [spec.name for spec in setup.tools.specs] == ["hangup"]
    assert agent.control is not None


def test_an_agent_is_made_by_the_configuration_that_is_given() -> None:
    """Not by what holds by then."""
    rig = Rig()
    other = replace(_CONFIG.providers["agent"], tools=ToolsConfig())
    began_with = replace(_CONFIG, providers={**_CONFIG.providers, "agent": other})
    rig.agents.make(began_with, ScriptedLine("one"), "agent", virtual_ms)
    assert rig.setups[0].config == other
    assert rig.setups[0].tools.specs == ()


def test_a_kind_that_is_not_available_makes_none() -> None:
    """As an extra that is not installed."""
    rig = Rig()
    with pytest.raises(ProviderError):
        rig.agents.make(_CONFIG, ScriptedLine("one"), "deep", virtual_ms)


def test_a_provider_that_is_configured_no_more_is_gated_as_before() -> None:
    """A call that began with it may turn to it yet."""
    agents = Rig().agents
    config = replace(
        _CONFIG,
        engine=EngineConfig(default_provider="other"),
        providers={"other": DeepgramConfig(url="ws://127.0.0.1:9/v1", api_key_env=None)},
        routes=(),
    )
    kinds = agents.gating_under(config).kinds
    assert kinds == {
        "agent": "openai_realtime",
        "deep": "deepgram",
        "other": "deepgram",
    }


def test_the_gate_says_who_is_gated() -> None:
    """By the policy of the provider's kind; one that nobody knows is not."""
    agents = Rig().agents
    assert agents.gating_of("agent") is not None
    assert agents.gating_of("deep") is None
    assert agents.gating_of("nobody") is None
