"""Which providers there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.local_parts import ScriptedRecogniser, ScriptedReply, ScriptedVoice, parts_of
from support.scripted_gate import ScriptedGate
from voxgate.config.local_models import LocalConfig
from voxgate.config.provider_models import (
    PROVIDER_KINDS,
    DeepgramConfig,
    OpenAIRealtimeConfig,
    ProviderConfig,
)
from voxgate.core.audio import AudioFormat
from voxgate.errors import ProviderError
from voxgate.providers.base import CallAudio
from voxgate.providers.deepgram import DeepgramProvider
from voxgate.providers.local import LocalProvider
from voxgate.providers.openai_realtime import OpenAIRealtimeProvider
from voxgate.providers.registry import ProviderRegistry, default_registry
from voxgate.providers.scripted import ScriptedProvider
from voxgate.providers.setup import ProviderSetup


def _setup(config: ProviderConfig) -> ProviderSetup:
    audio = CallAudio(capture=AudioFormat(), playout=AudioFormat())
    return ProviderSetup(config=config, call_id="call-1", call_audio=audio, manager=ScriptedGate())


def test_every_kind_that_can_be_configured_is_known() -> None:
    """Nothing passes the configuration that the registry has never heard of."""
    assert set(default_registry().kinds) == set(PROVIDER_KINDS)


async def test_openai_realtime_can_be_made() -> None:
    """Making it connects to nothing."""
    registry = default_registry()

    provider = registry.create(_setup(OpenAIRealtimeConfig()))
    assert isinstance(provider, OpenAIRealtimeProvider)
    assert "openai_realtime" in registry.available


async def test_deepgram_can_be_made() -> None:
    """By its own configuration, with the functions of the call."""
    provider = default_registry().create(_setup(DeepgramConfig()))

    assert isinstance(provider, DeepgramProvider)
    assert not provider.capabilities.needs_gating


async def test_the_local_agent_can_be_made() -> None:
    """Of parts that somebody has started; without them it says so before the call begins."""
    parts = parts_of(ScriptedRecogniser(), ScriptedReply(), ScriptedVoice())
    setup = replace(_setup(LocalConfig()), parts=parts)
    provider = default_registry().create(setup)

    assert isinstance(provider, LocalProvider)
    assert not provider.capabilities.needs_gating
    gated = default_registry().create(replace(setup, is_gated=True))
    assert gated.capabilities.needs_gating
    with pytest.raises(ProviderError, match="its parts were not started"):
        default_registry().create(_setup(LocalConfig()))


@pytest.mark.parametrize("kind", PROVIDER_KINDS)
def test_every_kind_is_available(kind: str) -> None:
    """The engine asks at start-up."""
    assert callable(default_registry().require(kind))


def _without_a_client() -> ProviderRegistry:
    registry = ProviderRegistry()
    registry.register("deepgram", DeepgramProvider.from_setup)
    registry.register("local", None)
    return registry


def test_a_kind_without_a_client_says_so_before_any_call() -> None:
    """The answer names the kind and what there is instead."""
    with pytest.raises(ProviderError) as caught:
        _without_a_client().require("local")

    assert str(caught.value) == (
        "local: not available in this version; there is deepgram [provider_not_available]"
    )
    assert not caught.value.retryable


def test_a_kind_without_a_client_can_not_be_made_either() -> None:
    """Whoever skips the check meets the same error at the first call."""
    with pytest.raises(ProviderError, match="local: not available in this version"):
        _without_a_client().create(_setup(LocalConfig()))


def test_an_unknown_kind_is_an_error_that_lists_what_exists() -> None:
    """A typing error is not answered with silence."""
    with pytest.raises(ProviderError) as caught:
        default_registry().require("openai")

    assert caught.value.code == "provider_unknown"
    assert "openai_realtime" in str(caught.value)


def test_a_kind_is_registered_once() -> None:
    """Two factories for one name would make the order of imports decide."""
    registry = default_registry()

    with pytest.raises(ValueError, match=r"local: is registered already, as are openai_realtime"):
        registry.register("local", ScriptedProvider.from_setup)


async def test_a_kind_is_added_by_one_line() -> None:
    """A registry of one's own makes what it was told to."""
    registry = ProviderRegistry()
    registry.register("openai_realtime", ScriptedProvider.from_setup)

    assert isinstance(registry.create(_setup(OpenAIRealtimeConfig())), ScriptedProvider)


def test_an_empty_registry_says_that_there_is_none() -> None:
    """The message does not end in the middle."""
    with pytest.raises(ProviderError, match="there is none"):
        ProviderRegistry().require("deepgram")
