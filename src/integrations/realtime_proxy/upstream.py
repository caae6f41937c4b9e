"""The shell of connections to the provider: for each client a WebSocket, or a refusal.

Invariant: what a client's request holds is shown to the provider and to nobody else; nothing of the
machine's own, such as a key in its ``.netrc``, is added to it.
"""

from __future__ import annotations

__all__ = ["RefusedUpstreamError", "Upstream"]

import ssl
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from multidict import CIMultiDict
from yarl import URL

from ...config.listen_address import is_loopback
from .upstream_request import UpstreamRequest

_MAX_REFUSAL_BYTES = 65_536
"""Of what the provider says when it refuses; more is left out."""

_CLOSE_TIMEOUT_S = 2.0

_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding")
"""What the library would add of its own."""


class RefusedUpstreamError(Exception):
    """The provider answered with something else than a WebSocket."""

    def __init__(self, status: int, headers: CIMultiDict[str], body: bytes) -> None:
        super().__init__(status)
        self.status = status
        """Of its answer."""
        self.headers = headers
        """Of its answer."""
        self.body = body
        """Decoded, and no longer than 64 KiB."""


class Upstream:
    """Connects to one provider.

    Args:
        tls: Whose certificates are trusted; those of the system if None.
        ping_interval_s: How often the provider is asked whether it is still there, in s.
        max_message_bytes: Largest message that it may send.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None, ping_interval_s: float, max_message_bytes: int
    ) -> None:
        self._ping_interval_s = ping_interval_s
        self._max_message_bytes = max_message_bytes
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                force_close=True, limit=0, ssl=True if tls is None else tls
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            middlewares=(_keep_refusal,),
            skip_auto_headers=_AUTOMATIC,
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,  # it would add keys of this machine's .netrc
        )

    async def connect(self, wanted: UpstreamRequest) -> aiohttp.ClientWebSocketResponse[Any]:
        """Open a WebSocket.

        Raises:
            RefusedUpstreamError: the provider answered otherwise.
            OSError: it can't be reached.
            ValueError: the request can't be sent.
            aiohttp.ClientError: either, or what answers does not speak HTTP.
        """
        return await self._http.ws_connect(
            URL(wanted.url, encoded=True),
            headers=CIMultiDict(wanted.headers),
            protocols=wanted.subprotocols,
            proxy=_way_out(wanted.url),
            autoclose=False,
            heartbeat=self._ping_interval_s,
            max_msg_size=self._max_message_bytes,
            decode_text=False,
            compress=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT_S),
        )

    async def close(self) -> None:
        """End what is still open; idempotent."""
        await self._http.close()


async def _keep_refusal(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Let nothing but a WebSocket through: no redirect is followed, as it would show the key."""
    response = await handler(request)
    if response.status == 101:
        return response
    try:
        body = bytearray()
        while len(body) < _MAX_REFUSAL_BYTES:
            part = await response.content.read(_MAX_REFUSAL_BYTES - len(body))
            if not part:
                break
            body += part
        raise RefusedUpstreamError(response.status, CIMultiDict(response.headers), bytes(body))
    finally:
        response.close()


def _way_out(url: str) -> str | None:
    """Return the HTTP proxy that the environment names for the provider; never for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get("https" if parts.scheme == "wss" else "http")
