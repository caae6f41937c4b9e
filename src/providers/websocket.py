"""Opens the WebSocket to a provider, and says what went wrong in the words of the error tree.

Invariant: the key goes to the host of the configured URL and nowhere else: not into a log, an error
or a redirect; and no text of the peer gets into an error, as servers quote keys and callers.
"""

from __future__ import annotations

__all__ = [
    "ABNORMAL_CLOSE",
    "MAX_MESSAGE_BYTES",
    "checked_key",
    "error_for_close",
    "error_for_exception",
    "error_for_status",
    "is_key_exposed",
    "is_loopback",
    "open_websocket",
    "send_at_once",
    "takes_at_once",
]

import errno
import ipaddress
import logging
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    WebSocketException,
)
from websockets.protocol import State

from ..errors import ProviderError
from .client_frames import serialize_message

ABNORMAL_CLOSE = 1006
"""RFC 6455 section 7.4.1: the connection ended without a close frame."""

MAX_MESSAGE_BYTES = 4 * 2**20
"""No message of a provider is near that: it is a minute of 24 kHz audio. A peer gone wild is
stopped there, as parsing holds up every call: 15 MB of JSON took half a second, measured."""

_PING_INTERVAL_S = 20.0
_PING_TIMEOUT_S = 20.0
"""A peer that is gone without a FIN is noticed after at most the sum of both."""

_CLOSE_TIMEOUT_S = 1.0
"""How long a hangup waits for the peer's own goodbye."""

_MAX_UNSENT_BYTES = 16_384
"""What may wait in the socket's write buffer for more to be written at once: half of what the
library lets wait, and a second and more of audio in base64."""

_RETRYABLE_CLOSES = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014})
"""RFC 6455 section 7.4.1 and the IANA registry: the peer went away, broke or is overloaded. The
others say that one side sent what the other does not take, and it would do so again."""

_RETRYABLE_STATUSES = frozenset({408, 425, 429})
_FIRST_SERVER_ERROR = 500

_STATUSES: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "the server refused the connection request"),
    401: ("invalid_api_key", "the API key was refused, or none was given"),
    402: ("insufficient_quota", "the account has no credit left"),
    403: ("permission_denied", "the key may not use this service, model or region"),
    404: ("not_found", "there is no such service or model under this URL"),
    408: ("http_408", "the server gave up waiting"),
    429: ("rate_limit_exceeded", "the account's limit of connections is used up for now"),
}

_NO_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})

_SECONDS = re.compile(r"[0-9]{1,6}")
"""RFC 9110 section 10.2.3: a delay is whole seconds."""

# The first match counts, so that the special ones come before what they are a case of.
_FAILURES: tuple[tuple[type[Exception], str, str, bool], ...] = (
    (InvalidProxy, "bad_proxy", "the proxy's address is none", False),
    (ProxyError, "proxy_failed", "the proxy could not connect", True),
    (InvalidURI, "bad_url", "the URL is not a WebSocket's", False),
    (InvalidHandshake, "bad_handshake", "the server does not speak WebSocket", True),
    (EOFError, "bad_handshake", "the server does not speak WebSocket", True),
    (socket.gaierror, "dns_failed", "the host name was not resolved", True),
    (
        ssl.SSLCertVerificationError,
        "tls_untrusted",
        "the server's certificate is not trusted",
        False,
    ),
    (ssl.SSLError, "tls_failed", "the server does not speak TLS as we do", False),
    (ConnectionRefusedError, "connection_refused", "nothing listens at the address", True),
    (TimeoutError, "connect_timeout", "the address does not answer", True),
    (OSError, "network_failed", "the network failed", True),
    (Exception, "websocket_failed", "the connection failed", True),
)

# At level DEBUG the library logs the handshake's headers, the key among them, and every message.
_library_log = logging.getLogger("voxgate.providers.websocket")
_library_log.setLevel(logging.INFO)


class _Connect(connect):
    """Follows no redirect: the library would show some headers to the new host."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def open_websocket(
    url: str,
    headers: Mapping[str, str],
    *,
    peer: str,
    proxy: str | Literal[True] | None = True,
) -> ClientConnection:
    """Connect to a server; the caller bounds the time and closes the connection.

    Args:
        url: A ``ws://`` or ``wss://`` address.
        headers: Headers of the request, the key among them.
        peer: How errors name the other side.
        proxy: Address of the proxy; True: the one that the environment names, if any, but not for
            this machine; None: none.

    Raises:
        ProviderError: if it can't be reached or refuses us.
    """
    try:
        return await _Connect(
            url,
            additional_headers=headers,
            compression=None,  # coded voice does not compress, and its latency is the caller's
            proxy=None if proxy is True and is_loopback(url) else proxy,
            open_timeout=None,
            ping_interval=_PING_INTERVAL_S,
            ping_timeout=_PING_TIMEOUT_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=MAX_MESSAGE_BYTES,
            logger=_library_log,
        )
    except (OSError, WebSocketException) as exc:
        raise error_for_exception(exc, peer) from exc
    except ImportError as exc:
        raise ProviderError(
            peer,
            "the environment names a SOCKS proxy, for which python-socks is missing",
            code="proxy_unsupported",
            retryable=False,
        ) from exc


def takes_at_once(connection: ClientConnection) -> bool:
    """Say whether a message can be sent without waiting: it is open, and its peer reads."""
    transport = connection.transport
    return (
        connection.protocol.state is State.OPEN
        and not transport.is_closing()
        and transport.get_write_buffer_size() <= _MAX_UNSENT_BYTES
    )


def send_at_once(connection: ClientConnection, message: str | bytes) -> None:
    """Send a message over a connection that :func:`takes_at_once`.

    The library's own ``send`` may wait, so that it takes a task, and one that is woken for each
    message: 15 % of all that a call costs without a gate (ADR 10).
    """
    protocol = connection.protocol
    if protocol.extensions or protocol.expect_continuation_frame or protocol.writes:
        _send_by_library(connection, message)
    else:
        connection.transport.write(serialize_message(message))


def _send_by_library(connection: ClientConnection, message: str | bytes) -> None:
    """Send where a frame is not all: an extension codes it, or something goes before."""
    if isinstance(message, str):
        connection.protocol.send_text(message.encode())
    else:
        connection.protocol.send_binary(message)
    connection.send_data()


def checked_key(api_key: str | None, url: str, *, peer: str) -> str | None:
    """Return the key as a header can carry it; None where none is to be shown.

    A server on this machine may have none; an empty key counts as none there.

    Raises:
        ProviderError: if no header can carry the key.
    """
    key = (api_key or "").strip()
    if api_key is None or (not key and is_loopback(url)):
        return None
    if not key or not key.isascii() or not key.isprintable():
        raise ProviderError(
            peer,
            "the API key is empty or has characters that no key has",
            code="invalid_api_key",
            retryable=False,
        )
    return key


def is_key_exposed(url: str, api_key: str | None) -> bool:
    """Return whether the key would cross a network unencrypted."""
    return api_key is not None and urlsplit(url).scheme == "ws" and not is_loopback(url)


def is_loopback(url: str) -> bool:
    """Return whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def error_for_exception(exc: Exception, peer: str) -> ProviderError:
    """Return what an exception of the network or the WebSocket library means."""
    if isinstance(exc, ConnectionClosed):
        frame = exc.rcvd or exc.sent
        return error_for_close(ABNORMAL_CLOSE if frame is None else frame.code, peer)
    if isinstance(exc, InvalidStatus):
        wish_s = _retry_after_s(exc.response.headers)
        return error_for_status(exc.response.status_code, peer, retry_after_s=wish_s)
    if isinstance(exc, OSError) and exc.errno in _NO_DESCRIPTORS:
        reason = "this process has no file descriptor left for a connection"
        return ProviderError(peer, reason, code="no_descriptors", retryable=True)
    if isinstance(exc, InvalidProxyStatus) and exc.response.status_code < _FIRST_SERVER_ERROR:
        reason = "the proxy refused to connect"
        return ProviderError(peer, reason, code="proxy_refused", retryable=False)
    code, reason, retryable = next(
        (code, reason, retryable)
        for kind, code, reason, retryable in _FAILURES
        if isinstance(exc, kind)
    )
    return ProviderError(peer, reason, code=code, retryable=retryable)


def error_for_status(
    status: int, peer: str, *, retry_after_s: float | None = None
) -> ProviderError:
    """Return the error for an HTTP status in place of a WebSocket."""
    code, reason = _STATUSES.get(status, (f"http_{status}", f"the server answered {status}"))
    retryable = status in _RETRYABLE_STATUSES or status >= _FIRST_SERVER_ERROR
    return ProviderError(peer, reason, code=code, retryable=retryable, retry_after_s=retry_after_s)


def error_for_close(close_code: int, peer: str) -> ProviderError:
    """Return the error for a connection that was closed with a code; 1006 if it just broke."""
    is_broken = close_code == ABNORMAL_CLOSE
    return ProviderError(
        peer,
        "the connection was lost" if is_broken else "the server closed the connection",
        code=f"close_{close_code}",
        retryable=close_code in _RETRYABLE_CLOSES,
    )


def _retry_after_s(headers: Headers) -> float | None:
    """Return what ``Retry-After`` asks for, in s; None for a date: whose clock is right?"""
    wishes = headers.get_all("Retry-After")
    is_number = bool(wishes) and _SECONDS.fullmatch(wishes[0].strip()) is not None
    return float(wishes[0]) if is_number else None
