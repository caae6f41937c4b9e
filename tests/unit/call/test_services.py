"""What calls share, with a server that needs no socket."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import voxgate.call.services
from support.stand_in_server import StandInServer
from voxgate.call import CallServices
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import OpenAIRealtimeConfig, ProviderConfig
from voxgate.errors import ConfigError, LocalProtocolError, ProviderError, TransportError
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider

_EMBEDDED = OpenAIRealtimeConfig(url="embedded", api_key_env="UNREAD")
_KEYED = OpenAIRealtimeConfig(api_key_env="AGENT_KEY")


def services_for(
    provider: ProviderConfig, environ: Mapping[str, str] | None = None
) -> CallServices:
    registry = ProviderRegistry()
    registry.register("openai_realtime", ScriptedProvider.from_setup)
    registry.register("local", None)
    config = AppConfig(
        engine=EngineConfig(default_provider="agent"),
        providers={"agent": provider, "other": OpenAIRealtimeConfig(api_key_env="OTHER_KEY")},
    )
    return CallServices(config, environ=environ or {}, providers=registry)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> StandInServer:
    """Stand in for the embedded server."""
    stand_in = StandInServer()
    monkeypatch.setattr(voxgate.call.services, "RealtimeServer", stand_in)
    return stand_in


class TestStart:
    """What is needed is there before the first call."""

    async def test_a_key_that_is_not_set_is_named_with_its_provider(self) -> None:
        """The provider that never answers needs no key."""
        with pytest.raises(ConfigError) as info:
            await services_for(_KEYED).start()
        assert [problem.key for problem in info.value.problems] == ["AGENT_KEY"]
        assert "provider 'agent'" in str(info.value)

    async def test_a_kind_that_cannot_be_had_is_an_error(self) -> None:
        """Before anything is started."""
        config = AppConfig(engine=EngineConfig(default_provider="local"))
        registry = ProviderRegistry()
        registry.register("local", None)
        services = CallServices(config, environ={}, providers=registry)
        with pytest.raises(ProviderError, match="local: not available"):
            await services.start()

    async def test_the_embedded_server_runs_where_it_can_answer(
        self, server: StandInServer
    ) -> None:
        """Its address takes the place of its name, and no key is read for it."""
        services = services_for(_EMBEDDED, {"UNREAD": "k-secret"})
        await services.start()
        access = services.access_to("agent")
        assert server.is_running
        assert isinstance(access.config, OpenAIRealtimeConfig)
        assert access.config.url == server.url
        assert access.api_key is None
        await services.stop()
        await services.stop()
        assert not server.is_running

    async def test_no_server_is_started_for_nobody(self, server: StandInServer) -> None:
        """An engine for the cloud opens no port."""
        services = services_for(_KEYED, {"AGENT_KEY": "k-secret"})
        await services.start()
        assert not server.is_running

    async def test_an_address_that_is_taken_is_an_error_of_ours(
        self, server: StandInServer
    ) -> None:
        """Named with the section, and worth another try."""
        server.error = OSError(98, "Address already in use")
        with pytest.raises(TransportError, match=r"realtime_server 127.0.0.1:0: can't") as info:
            await services_for(_EMBEDDED).start()
        assert info.value.retryable


class TestAccess:
    """What a provider of a call is given."""

    async def test_the_key_is_of_the_variable_that_the_configuration_names(self) -> None:
        """And never shown."""
        services = services_for(_KEYED, {"AGENT_KEY": "k-secret", "OTHER_KEY": "k-other"})
        await services.start()
        access = services.access_to("agent")
        assert (access.config, access.api_key) == (_KEYED, "k-secret")
        assert "k-secret" not in repr(access)

    def test_a_server_that_does_not_run_has_no_address(self) -> None:
        """A mistake of our own, and said so."""
        with pytest.raises(LocalProtocolError, match="embedded server does not run"):
            services_for(_EMBEDDED).access_to("agent")
