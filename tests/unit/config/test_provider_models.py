"""The models of configured providers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voxgate.config.local_models import LocalConfig
from voxgate.config.provider_models import (
    EMBEDDED,
    PROVIDER_KINDS,
    DeepgramConfig,
    DeepgramListenConfig,
    DeepgramSpeakConfig,
    DeepgramThinkConfig,
    InputTranscriptionConfig,
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
    default_providers,
)


def test_every_kind_has_a_model_and_a_default_instance() -> None:
    """What the configuration knows is what it shows."""
    assert {provider.kind for provider in default_providers().values()} == set(PROVIDER_KINDS)
    assert (DeepgramConfig().kind, LocalConfig().kind) == ("deepgram", "local")


def test_embedded_and_cloud_differ_in_the_address_only() -> None:
    """One configured line leads to the cloud because the other instance is ready."""
    providers = default_providers()
    embedded, cloud = providers["embedded"], providers["openai"]
    assert isinstance(embedded, OpenAIRealtimeConfig)
    assert isinstance(cloud, OpenAIRealtimeConfig)
    assert embedded.is_embedded
    assert not cloud.is_embedded
    assert embedded == OpenAIRealtimeConfig(url=EMBEDDED)
    assert cloud.url.startswith("wss://api.openai.com/")


@pytest.mark.parametrize(
    "url",
    ["embedded", "wss://api.openai.com/v1/realtime", "ws://127.0.0.1:8080/v1/realtime",
     "ws://[::1]:80", "wss://x.openai.azure.com/openai/v1/realtime?deployment=d"],
)  # fmt: skip
def test_addresses_of_servers_are_accepted(url: str) -> None:
    """The cloud, a proxy, Azure, loopback of both families."""
    assert OpenAIRealtimeConfig(url=url).url == url


@pytest.mark.parametrize(
    "url", ["https://api.openai.com", "wss://", "api.openai.com", "wss://user@h/", "embedded\n", ""]
)
def test_other_addresses_are_refused(url: str) -> None:
    """A web address, no host, or a password in the address is an error at load, not at a call."""
    with pytest.raises(ValueError, match=r"^url: "):
        OpenAIRealtimeConfig(url=url)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: OpenAIRealtimeConfig(output_speed=2.0), r"^output_speed: 2.0 is not in 0.25\.\."),
        (lambda: OpenAIRealtimeConfig(voice=""), r"^voice: '' is empty"),
        (lambda: OpenAIRealtimeConfig(api_key_env="a-b"), r"^api_key_env: \*\*\* is not the name"),
        (lambda: DeepgramConfig(api_key_env=""), r"^api_key_env: \*\*\* is not the name"),
        (lambda: TurnDetectionConfig(threshold=1.5), r"^threshold: 1.5 is not in 0.0..1.0"),
        (
            lambda: OpenAIRealtimeConfig(reconnect_initial_ms=600, reconnect_max_ms=500),
            r"^reconnect_max_ms: 500 is below reconnect_initial_ms \(600\)",
        ),
    ],
)
def test_a_model_built_in_code_is_checked(build: Callable[[], object], message: str) -> None:
    """No test can run on a configuration that a file could not hold."""
    with pytest.raises(ValueError, match=message):
        build()


def test_a_server_without_a_key_can_be_configured() -> None:
    """A compatible server on one's own network may want none."""
    assert OpenAIRealtimeConfig(api_key_env=None).api_key_env is None


def test_deepgram_is_reached_by_a_web_socket_only() -> None:
    """There is no embedded one; the address of another region is one."""
    url = "wss://api.eu.deepgram.com/v1/agent/converse"
    assert DeepgramConfig(url=url).url == url
    for other in (EMBEDDED, "https://agent.deepgram.com", "wss://user@h/"):
        with pytest.raises(ValueError, match=r"^url: .* is not a ws:// or wss:// address"):
            DeepgramConfig(url=other)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DeepgramListenConfig(model=""), r"^model: '' is empty"),
        (lambda: DeepgramThinkConfig(temperature=2.1), r"^temperature: 2.1 is not in 0.0..2.0"),
        (lambda: DeepgramThinkConfig(prompt="p" * 25_001), r"^prompt: .* is longer than 25000"),
        (lambda: DeepgramSpeakConfig(speed=0.4), r"^speed: 0.4 is not in 0.5..1.5"),
        (lambda: DeepgramConfig(keep_alive_ms=0), r"^keep_alive_ms: 0 is not in 1000..60000"),
        (
            lambda: DeepgramConfig(reconnect_initial_ms=600, reconnect_max_ms=500),
            r"^reconnect_max_ms: 500 is below reconnect_initial_ms \(600\)",
        ),
    ],
)
def test_deepgram_s_models_are_checked_too(build: Callable[[], object], message: str) -> None:
    """Each part by its own rules."""
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: TurnDetectionConfig(type=TurnDetectionType.SEMANTIC_VAD, idle_timeout_ms=6000),
            r"^idle_timeout_ms: 6000 needs type: server_vad",
        ),
        (lambda: TurnDetectionConfig(idle_timeout_ms=4999), r"^idle_timeout_ms: 4999 is not in"),
        (lambda: InputTranscriptionConfig(language="German"), r"is not a language as in en or de"),
        (lambda: OpenAIRealtimeConfig(session_renewal_s=1.0), r"^session_renewal_s: 1.0 is not in"),
    ],
)
def test_parts_of_the_realtime_provider_are_checked(
    build: Callable[[], object], message: str
) -> None:
    """What a server or a telephone network would refuse in the middle of a call."""
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("proxy", ["environment", "none", "http://10.0.0.1:3128", "https://p"])
def test_a_proxy_is_an_address_or_a_word(proxy: str) -> None:
    """And never an address with a password in it: that would be a secret in the file."""
    assert OpenAIRealtimeConfig(proxy=proxy).proxy == proxy
    for other in ("http://user:pass@proxy:3128", "proxy:3128", "socks5://p:1080"):
        with pytest.raises(ValueError, match="proxy"):
            OpenAIRealtimeConfig(proxy=other)
