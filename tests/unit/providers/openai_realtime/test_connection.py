"""Where a session connects to, and what its failures mean."""

from __future__ import annotations

import errno
import logging
import socket
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.frames import Close
from websockets.http11 import Response

from voxgate.config.provider_models import AuthHeader, OpenAIRealtimeConfig
from voxgate.errors import ProviderError
from voxgate.providers.openai_realtime import connection
from voxgate.providers.openai_realtime.connection import (
    connection_url,
    error_for_exception,
    is_key_exposed,
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
    ("url", "key", "exposed"),
    [
        ("ws://192.168.1.5/v1", "sk", True),
        ("ws://example.com/v1", "sk", True),
        ("ws://example.com/v1", None, False),
        ("wss://example.com/v1", "sk", False),
        ("ws://127.0.0.1:9/v1", "sk", False),
        ("ws://[::1]:9/v1", "sk", False),
        ("ws://localhost/v1", "sk", False),
    ],
)
def test_a_key_in_clear_text_is_noticed(url: str, key: str | None, exposed: bool) -> None:
    """Only on this machine, or inside TLS, is a key safe."""
    assert is_key_exposed(OpenAIRealtimeConfig(url=url), key) is exposed


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


def test_the_library_can_not_be_made_to_log_headers() -> None:
    """At DEBUG it writes every header of the handshake, the key among them."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        assert not connection._library_log.isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(level)


def _status(status: int) -> InvalidStatus:
    return InvalidStatus(Response(status, "", Headers(), b"sk-secret in a body"))


@pytest.mark.parametrize(
    ("exc", "code", "retryable"),
    [
        (_status(401), "invalid_api_key", False),
        (_status(503), "http_503", True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "connection_refused", True),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "dns_failed", True),
        (ssl.SSLCertVerificationError("self-signed"), "tls_untrusted", False),
        (ssl.SSLError("wrong version number"), "tls_failed", False),
        (TimeoutError("slow"), "connect_timeout", True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "network_failed", True),
        (OSError("Multiple exceptions"), "network_failed", True),
        (InvalidURI("x://y", "not a WebSocket URI"), "bad_url", False),
        (InvalidMessage("did not receive a valid HTTP response"), "bad_handshake", True),
        (EOFError("stream ends"), "bad_handshake", True),
        (InvalidProxy("http://user:secret@p/x", "path is meaningless"), "bad_proxy", False),
        (InvalidProxyStatus(Response(407, "", Headers(), b"secret")), "proxy_refused", False),
        (InvalidProxyStatus(Response(502, "", Headers(), b"secret")), "proxy_failed", True),
        (InvalidProxyMessage("secret"), "proxy_failed", True),
        (WebSocketException("odd"), "websocket_failed", True),
        (ConnectionClosedOK(Close(1001, "bye"), None), "close_1001", True),
        (ConnectionClosedError(Close(4000, "no"), None), "close_4000", False),
        (ConnectionClosedError(None, Close(1011, "ping timeout")), "close_1011", True),
        (ConnectionClosedError(None, Close(1009, "too big")), "close_1009", False),
        (ConnectionClosedError(None, None), "close_1006", True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_failure_has_a_code_and_a_hint(exc: Exception, code: str, retryable: bool) -> None:
    """Third-party exceptions stop here; no text of theirs goes on."""
    error = error_for_exception(exc)

    assert (error.code, error.retryable) == (code, retryable)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("proxy", "url", "expected"),
    [
        ("environment", "wss://api.openai.com/v1/realtime", True),
        ("environment", "ws://127.0.0.1:8000/v1/realtime", None),
        ("environment", "ws://localhost:8000/v1/realtime", None),
        ("none", "wss://api.openai.com/v1/realtime", None),
        ("http://10.0.0.1:3128", "wss://api.openai.com/v1/realtime", "http://10.0.0.1:3128"),
    ],
)
def test_the_proxy_is_the_configured_one(proxy: str, url: str, expected: object) -> None:
    """The environment's is not asked for this machine; one that is named is always used."""
    assert connection._proxy(OpenAIRealtimeConfig(url=url, proxy=proxy)) == expected
