"""Where a session's WebSocket leads, and how the key is shown there.

Invariant: the model is in the URL, and the key in one header.
"""

from __future__ import annotations

__all__ = ["connection_url", "open_connection"]

from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection

from ...config.provider_models import AuthHeader, OpenAIRealtimeConfig
from ..websocket import checked_key, open_websocket
from .error_table import PEER

_MODEL_PARAMETERS = frozenset({"model", "deployment"})
"""Query parameters that name the model; Azure knows deployments."""


async def open_connection(config: OpenAIRealtimeConfig, api_key: str | None) -> ClientConnection:
    """Connect to the server; the caller bounds the time and closes the connection.

    Args:
        config: What the operator set, with a real address in place of ``embedded``.
        api_key: The key, or None for a server that wants none.

    Raises:
        ProviderError: if it can't be reached or refuses us.
    """
    url, headers = connection_url(config), _headers(config, api_key)
    return await open_websocket(url, headers, peer=PEER, proxy=_proxy(config))


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


def _proxy(config: OpenAIRealtimeConfig) -> str | Literal[True] | None:
    """Return the proxy as ``open_websocket`` takes it."""
    match config.proxy:
        case "none":
            return None
        case "environment":
            return True
        case address:
            return address


def _headers(config: OpenAIRealtimeConfig, api_key: str | None) -> dict[str, str]:
    key = checked_key(api_key, config.url, peer=PEER)
    if key is None:
        return {}
    match config.auth_header:
        case AuthHeader.BEARER:
            return {"Authorization": f"Bearer {key}"}
        case AuthHeader.API_KEY:
            return {"api-key": key}
