"""Opens the WebSocket of a session, and says what went wrong in the words of the error tree.

Invariant: the key goes to the host of the configured URL and nowhere else: not into a log, an error
or a redirect.
"""

from __future__ import annotations

__all__ = ["connection_url", "error_for_exception", "is_key_exposed", "open_connection"]

import ipaddress
import logging
import socket
import ssl
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
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

from ...config.provider_models import AuthHeader, OpenAIRealtimeConfig
from ...errors import ProviderError
from .error_table import ABNORMAL_CLOSE, error_for_close, error_for_status, provider_error

_MAX_MESSAGE_BYTES = 16 * 2**20
"""Above the 15 MiB that the protocol allows a message with audio."""

_PING_INTERVAL_S = 20.0
_PING_TIMEOUT_S = 20.0
"""A peer that is gone without a FIN is noticed after at most the sum of both."""

_CLOSE_TIMEOUT_S = 1.0
"""How long a hangup waits for the peer's own goodbye."""

_FIRST_SERVER_ERROR = 500

_MODEL_PARAMETERS = frozenset({"model", "deployment"})
"""Query parameters that name the model; Azure knows deployments."""

# At level DEBUG the library logs the handshake's headers, the key among them, and every message.
_library_log = logging.getLogger("voxgate.providers.websocket")
_library_log.setLevel(logging.INFO)


class _Connect(connect):
    """Follows no redirect: the library would show an ``api-key`` header to the new host."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def open_connection(config: OpenAIRealtimeConfig, api_key: str | None) -> ClientConnection:
    """Connect to the server; the caller bounds the time and closes the connection.

    Args:
        config: What the operator set, with a real address in place of ``embedded``.
        api_key: The key, or None for a server that wants none.

    Raises:
        ProviderError: if it can't be reached or refuses us.
    """
    url = connection_url(config)
    try:
        return await _Connect(
            url,
            additional_headers=_headers(config, api_key),
            compression=None,  # coded voice does not compress, and its latency is the caller's
            proxy=_proxy(config),
            open_timeout=None,
            ping_interval=_PING_INTERVAL_S,
            ping_timeout=_PING_TIMEOUT_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=_MAX_MESSAGE_BYTES,
            logger=_library_log,
        )
    except (OSError, WebSocketException) as exc:
        raise error_for_exception(exc) from exc
    except ImportError as exc:
        raise provider_error(
            "the environment names a SOCKS proxy, for which python-socks is missing",
            code="proxy_unsupported",
            retryable=False,
        ) from exc


def connection_url(config: OpenAIRealtimeConfig) -> str:
    """Return the configured URL with the model in its query, unless it names one itself.

    Raises:
        ValueError: if the address is still ``embedded``.
    """
    if config.is_embedded:
        raise ValueError("url: 'embedded' must be replaced by the address of the embedded server")
    parts = urlsplit(config.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not _MODEL_PARAMETERS.intersection(name for name, _ in query):
        query.append(("model", config.model))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def is_key_exposed(config: OpenAIRealtimeConfig, api_key: str | None) -> bool:
    """Return whether the key would cross a network unencrypted."""
    is_plain = urlsplit(config.url).scheme == "ws"
    return api_key is not None and is_plain and not _is_loopback(config.url)


def error_for_exception(exc: Exception) -> ProviderError:
    """Return what an exception of the network or the WebSocket library means."""
    match exc:
        case ConnectionClosed():
            frame = exc.rcvd or exc.sent
            return error_for_close(ABNORMAL_CLOSE if frame is None else frame.code)
        case InvalidStatus():
            return error_for_status(exc.response.status_code)
        case InvalidProxy() | ProxyError():
            return _error_for_proxy(exc)
        case InvalidURI():
            return provider_error("the URL is not a WebSocket's", code="bad_url", retryable=False)
        case InvalidHandshake() | EOFError():
            return provider_error(
                "the server does not speak WebSocket", code="bad_handshake", retryable=True
            )
        case OSError():
            return _error_for_os(exc)
        case _:
            return provider_error("the connection failed", code="websocket_failed", retryable=True)


def _error_for_proxy(exc: InvalidProxy | ProxyError) -> ProviderError:
    match exc:
        case InvalidProxy():
            reason, code, retryable = "the proxy's address is none", "bad_proxy", False
        case InvalidProxyStatus() if exc.response.status_code < _FIRST_SERVER_ERROR:
            reason, code, retryable = "the proxy refused to connect", "proxy_refused", False
        case _:
            reason, code, retryable = "the proxy could not connect", "proxy_failed", True
    return provider_error(reason, code=code, retryable=retryable)


def _error_for_os(exc: OSError) -> ProviderError:
    match exc:
        case socket.gaierror():
            return provider_error(
                "the host name was not resolved", code="dns_failed", retryable=True
            )
        case ssl.SSLCertVerificationError():
            return provider_error(
                "the server's certificate is not trusted", code="tls_untrusted", retryable=False
            )
        case ssl.SSLError():
            return provider_error(
                "the server does not speak TLS as we do", code="tls_failed", retryable=False
            )
        case ConnectionRefusedError():
            return provider_error(
                "nothing listens at the address", code="connection_refused", retryable=True
            )
        case TimeoutError():
            return provider_error(
                "the address does not answer", code="connect_timeout", retryable=True
            )
        case _:
            return provider_error("the network failed", code="network_failed", retryable=True)


def _proxy(config: OpenAIRealtimeConfig) -> str | Literal[True] | None:
    """Return the proxy as the library takes it: True has it look into the environment."""
    match config.proxy:
        case "none":
            return None
        case "environment":
            return None if _is_loopback(config.url) else True
        case address:
            return address


def _headers(config: OpenAIRealtimeConfig, api_key: str | None) -> dict[str, str]:
    key = (api_key or "").strip()
    if api_key is None or (not key and _is_loopback(config.url)):
        return {}  # servers on this machine seldom ask for one
    if not key or not key.isascii() or not key.isprintable():
        raise provider_error(
            "the API key is empty or has characters that no key has",
            code="invalid_api_key",
            retryable=False,
        )
    match config.auth_header:
        case AuthHeader.BEARER:
            return {"Authorization": f"Bearer {key}"}
        case AuthHeader.API_KEY:
            return {"api-key": key}


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
