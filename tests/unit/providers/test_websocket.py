"""What the failures of a connection mean, and who is shown the key."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from types import SimpleNamespace
from typing import Any, Literal

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

from support.socket_talk import FakeConnection
from voxgate.errors import ProviderError
from voxgate.providers import websocket
from voxgate.providers.websocket import (
    checked_key,
    error_for_close,
    error_for_exception,
    error_for_status,
    is_key_exposed,
    is_loopback,
    open_websocket,
    send_at_once,
    takes_at_once,
)


def _status(status: int) -> InvalidStatus:
    return InvalidStatus(Response(status, "", Headers(), b"dg-secret in a body"))


@pytest.mark.parametrize(
    ("exc", "code", "retryable"),
    [
        (_status(401), "invalid_api_key", False),
        (_status(402), "insufficient_quota", False),
        (_status(503), "http_503", True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "connection_refused", True),
        (OSError(errno.EMFILE, "too many open files"), "no_descriptors", True),
        (OSError(errno.ENFILE, "too many open files"), "no_descriptors", True),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "dns_failed", True),
        (ssl.SSLCertVerificationError("self-signed"), "tls_untrusted", False),
        (ssl.SSLError("wrong version number"), "tls_failed", False),
        (TimeoutError("slow"), "connect_timeout", True),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "network_failed", True),
        (InvalidURI("x://y", "not a WebSocket URI"), "bad_url", False),
        (InvalidMessage("did not receive a valid HTTP response"), "bad_handshake", True),
        (EOFError("stream ends"), "bad_handshake", True),
        (InvalidProxy("http://user:secret@p/x", "path is meaningless"), "bad_proxy", False),
        (InvalidProxyStatus(Response(407, "", Headers(), b"secret")), "proxy_refused", False),
        (InvalidProxyStatus(Response(502, "", Headers(), b"secret")), "proxy_failed", True),
        (InvalidProxyMessage("secret"), "proxy_failed", True),
        (OSError("Multiple exceptions"), "network_failed", True),
        (WebSocketException("odd"), "websocket_failed", True),
        (ConnectionClosedOK(Close(1001, "bye"), None), "close_1001", True),
        (ConnectionClosedError(Close(1008, "no"), None), "close_1008", False),
        (ConnectionClosedError(Close(4000, "no"), None), "close_4000", False),
        (ConnectionClosedError(None, Close(1011, "ping timeout")), "close_1011", True),
        (ConnectionClosedError(None, Close(1009, "too big")), "close_1009", False),
        (ConnectionClosedError(None, None), "close_1006", True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_failure_has_a_code_and_a_hint(exc: Exception, code: str, retryable: bool) -> None:
    """Third-party exceptions stop here; no text of theirs goes on."""
    error = error_for_exception(exc, "peer")

    assert (error.peer, error.code, error.retryable) == ("peer", code, retryable)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (302, "http_302", False),
        (400, "bad_request", False),
        (403, "permission_denied", False),
        (404, "not_found", False),
        (408, "http_408", True),
        (425, "http_425", True),
        (429, "rate_limit_exceeded", True),
        (500, "http_500", True),
    ],
)
def test_each_status_has_a_code_and_a_hint(status: int, code: str, retryable: bool) -> None:
    """The table, line by line."""
    error = error_for_status(status, "peer")
    assert (error.code, error.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("header", "wish_s"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("1.5", None),
        ("-1", None),
        ("9" * 400, None),
    ],
)
def test_what_a_server_asks_to_be_waited_for_is_kept(
    header: str | None, wish_s: float | None
) -> None:
    """Whole seconds; whatever else it writes there is no wish."""
    headers = Headers() if header is None else Headers({"Retry-After": header})
    error = error_for_exception(InvalidStatus(Response(429, "", headers, b"")), "peer")

    assert (error.code, error.retryable) == ("rate_limit_exceeded", True)
    assert error.retry_after_s == wish_s


@pytest.mark.parametrize(
    ("close_code", "retryable"),
    [
        (1000, True),
        (1001, True),
        (1006, True),
        (1011, True),
        (1012, True),
        (1013, True),
        (1002, False),
        (1003, False),
        (1007, False),
        (1008, False),
        (1009, False),
        (3000, False),
        (4000, False),
    ],
)
def test_each_close_code_has_a_hint(close_code: int, retryable: bool) -> None:
    """The session cap closes with 1001, the beta's refusal with 4000."""
    error = error_for_close(close_code, "peer")

    assert (error.code, error.retryable) == (f"close_{close_code}", retryable)


def test_a_broken_connection_is_not_said_to_be_closed_by_the_server() -> None:
    """1006 never travels; it means that nobody said goodbye."""
    assert "lost" in str(error_for_close(1006, "peer"))
    assert "server closed" in str(error_for_close(1000, "peer"))


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("ws://127.0.0.1:80/v1", True),
        ("ws://[::1]:80", True),
        ("ws://localhost/", True),
        ("wss://agent.deepgram.com", False),
        ("ws://192.0.2.1", False),
        ("ws:///", False),
    ],
)
def test_this_machine_is_known_by_its_addresses(url: str, here: bool) -> None:
    """A key in clear text is safe there, and nowhere else."""
    assert is_loopback(url) is here
    assert is_key_exposed(url, "dg-1") is (not here and url.startswith("ws:"))
    assert not is_key_exposed(url, None)


@pytest.mark.parametrize("key", ["", "  ", "dg\r\nX-Evil: 1", "dg-\u00e9"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    """An injected header would be one more than we meant to send."""
    with pytest.raises(ProviderError) as caught:
        checked_key(key, "wss://h", peer="peer")

    assert (caught.value.code, caught.value.retryable) == ("invalid_api_key", False)
    assert "Evil" not in repr(caught.value)


def test_a_key_is_shown_as_it_was_meant() -> None:
    """White space around it, as files leave it, is taken off; a local server may want none."""
    assert checked_key(" dg-1\n", "wss://h", peer="peer") == "dg-1"
    assert checked_key(None, "wss://h", peer="peer") is None
    assert checked_key("", "ws://127.0.0.1", peer="peer") is None


def test_the_library_can_not_be_made_to_log_headers() -> None:
    """At DEBUG it writes every header of the handshake, the key among them."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        assert not websocket._library_log.isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(level)


async def test_what_opening_raises_is_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a redirect is an answer like any other: it is not followed."""

    def refuse(url: str, **arguments: object) -> object:
        assert arguments["proxy"] is None
        assert arguments["additional_headers"] == {"A": "b"}
        raise ConnectionRefusedError

    monkeypatch.setattr(websocket, "_Connect", refuse)
    with pytest.raises(ProviderError) as caught:
        await open_websocket("ws://127.0.0.1:1", {"A": "b"}, peer="peer")
    assert caught.value.code == "connection_refused"


def test_a_redirect_is_handed_back() -> None:
    """The library follows what it is not handed back."""
    redirect = _status(302)
    connecting = websocket._Connect("ws://127.0.0.1:1")
    assert connecting.process_redirect(redirect) is redirect


@pytest.mark.parametrize(
    ("proxy", "url", "expected"),
    [
        (True, "wss://api.example.com/v1", True),
        (True, "ws://127.0.0.1:8000/v1", None),
        (True, "ws://localhost:8000/v1", None),
        (None, "wss://api.example.com/v1", None),
        ("http://10.0.0.1:3128", "ws://127.0.0.1:8000/v1", "http://10.0.0.1:3128"),
    ],
)
async def test_the_environments_proxy_is_not_for_this_machine(
    proxy: str | Literal[True] | None,
    url: str,
    expected: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is named is always used. A SOCKS proxy needs a package, which is said."""

    def refuse(url: str, **arguments: object) -> object:
        assert arguments["proxy"] == expected
        raise ImportError

    monkeypatch.setattr(websocket, "_Connect", refuse)
    with pytest.raises(ProviderError) as caught:
        await open_websocket(url, {}, peer="peer", proxy=proxy)
    assert caught.value.code == "proxy_unsupported"


def test_a_message_is_sent_at_once_as_text_or_as_bytes() -> None:
    """Each as it is, over a connection that is open and whose peer reads."""
    connection: Any = FakeConnection()
    assert takes_at_once(connection)
    send_at_once(connection, "caf\u00e9")
    send_at_once(connection, b"\xff")

    assert connection.sent == ["caf\u00e9", b"\xff"]


@pytest.mark.parametrize(
    ("extensions", "is_continued", "writes"),
    [([object()], False, []), ([], True, []), ([], False, [b"first"])],
)
def test_what_is_more_than_a_frame_is_sent_by_the_library(
    extensions: list[object],
    is_continued: bool,
    writes: list[bytes],
) -> None:
    """Coded by an extension, or behind what is not sent yet."""
    sent: list[bytes] = []
    protocol = SimpleNamespace(
        extensions=extensions,
        expect_continuation_frame=is_continued,
        writes=writes,
        send_text=sent.append,
        send_binary=sent.append,
    )
    connection: Any = SimpleNamespace(protocol=protocol, send_data=lambda: sent.append(b"!"))
    send_at_once(connection, "caf\u00e9")
    send_at_once(connection, b"\xff")

    assert sent == ["caf\u00e9".encode(), b"!", b"\xff", b"!"]


def test_a_connection_that_would_have_to_wait_takes_nothing_at_once() -> None:
    """One whose peer does not read, and one that is gone."""
    slow: Any = FakeConnection()
    slow.unsent_bytes = 100_000
    gone: Any = FakeConnection()
    gone.is_broken = True

    assert (takes_at_once(slow), takes_at_once(gone)) == (False, False)
