"""Where a session connects to, and what its failures mean."""

from __future__ import annotations

import pytest

from voxgate.config.provider_models import AuthHeader, OpenAIRealtimeConfig
from voxgate.errors import ProviderError
from voxgate.providers.openai_realtime import connection
from voxgate.providers.openai_realtime.connection import (
    connection_url,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://api.openai.com/v1/realtime", "wss://api.openai.com/v1/realtime?model=a+b"),
        ("ws://127.0.0.1:80/v1?x=1", "ws://127.0.0.1:80/v1?x=1&model=a+b"),
        ("wss://h/v1/realtime?model=other", "wss://h/v1/realtime?model=other"),
        (
            "wss://h.azure.com/openai/realtime?api-version=2025-04-01&deployment=d",
            "wss://h.azure.com/openai/realtime?api-version=2025-04-01&deployment=d",
        ),
    ],
)
def test_the_model_is_in_the_query_unless_the_operator_put_one_there(
    url: str, expected: str
) -> None:
    """What is in the URL stays; the model is written so that a URL can hold it."""
    assert connection_url(OpenAIRealtimeConfig(url=url, model="a b")) == expected


def test_embedded_is_no_address() -> None:
    """The engine knows where its embedded server listens; the provider does not."""
    with pytest.raises(ValueError, match="'embedded' must be replaced"):
        connection_url(OpenAIRealtimeConfig(url="embedded"))


@pytest.mark.parametrize(
    ("auth_header", "headers"),
    [
        (AuthHeader.BEARER, {"Authorization": "Bearer sk-1"}),
        (AuthHeader.API_KEY, {"api-key": "sk-1"}),
    ],
)
def test_the_key_is_in_one_header(auth_header: AuthHeader, headers: dict[str, str]) -> None:
    """White space around it, as files leave it, is taken off. No header asks for the beta."""
    config = OpenAIRealtimeConfig(auth_header=auth_header)

    assert connection._headers(config, " sk-1\n") == headers
    assert connection._headers(config, None) == {}


@pytest.mark.parametrize("key", ["", "  ", "sk\r\nX-Evil: 1", "sk-\u00e9"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    """An injected header would be one more than we meant to send."""
    with pytest.raises(ProviderError) as caught:
        connection._headers(OpenAIRealtimeConfig(), key)

    assert caught.value.code == "invalid_api_key"
    assert not caught.value.retryable
    assert "Evil" not in repr(caught.value)


def test_a_missing_key_is_no_matter_on_this_machine() -> None:
    """Servers on the loopback seldom ask for one."""
    config = OpenAIRealtimeConfig(url="ws://127.0.0.1:9/v1")

    assert connection._headers(config, "") == {}


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("environment", True),
        ("none", None),
        ("http://10.0.0.1:3128", "http://10.0.0.1:3128"),
    ],
)
def test_the_proxy_is_the_configured_one(proxy: str, expected: object) -> None:
    """The environment's, none, or the one that is named."""
    assert connection._proxy(OpenAIRealtimeConfig(proxy=proxy)) == expected
