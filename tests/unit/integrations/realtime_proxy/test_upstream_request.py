"""What the client asked for is asked of the provider, but for what is of one connection."""

from __future__ import annotations

import pytest

from voxgate.integrations.realtime_proxy.upstream_request import is_transcription, upstream_request

KEY = "Bearer sk-secret"


def test_path_query_and_headers_go_on_as_they_came() -> None:
    """Unknown ones too, in their order and with their case; what is encoded stays so."""
    request = upstream_request(
        "wss://api.example/",
        "/v1/realtime?model=a%2Fb&x=%20",
        [
            ("Host", "127.0.0.1:8190"),
            ("Authorization", KEY),
            ("OpenAI-Organization", "o"),
            ("api-key", "k"),
            ("Connection", "Upgrade, X-Hop"),
            ("X-Hop", "1"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", "abc"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.sk-1"),
            ("Proxy-Authorization", "of the way here"),
        ],
    )
    assert request.url == "wss://api.example/v1/realtime?model=a%2Fb&x=%20"
    assert request.headers == (
        ("Authorization", KEY),
        ("OpenAI-Organization", "o"),
        ("api-key", "k"),
    )
    assert request.subprotocols == ("realtime", "openai-insecure-api-key.sk-1")
    assert "secret" not in repr(request)
    assert "sk-1" not in repr(request)


def test_a_prefix_of_the_provider_stands_before_the_path() -> None:
    """Gateways have one."""
    assert upstream_request("ws://h/p", "/v1/x", ()).url == "ws://h/p/v1/x"


@pytest.mark.parametrize(
    ("target", "is_one"),
    [
        ("/v1/realtime?intent=transcription", True),
        ("/v1/realtime?model=m", False),
        ("/v1/realtime", False),
        ("/v1/realtime?intent=conversation&intent=transcription", False),
    ],
)
def test_a_session_that_only_transcribes_says_so_in_its_query(target: str, is_one: bool) -> None:
    """It has no agent."""
    assert is_transcription(target) is is_one
