"""What the proxy asks the provider for, made from what the client asked the proxy for.

Path, query and headers go on as they came, but for what belongs to one connection only. None of
them is ever logged: each may hold a key.
"""

from __future__ import annotations

__all__ = ["UpstreamRequest", "is_transcription", "upstream_request"]

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

_OF_ONE_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110 section 7.6.1, and what says where this connection goes."""

_WEBSOCKET = "sec-websocket-"
"""RFC 6455 section 4.1: each connection has a key, version, extensions and subprotocols of its
own; the subprotocols are handed on apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One WebSocket to open."""

    url: str = field(repr=False)
    """Where."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Name and value, in the client's order."""
    subprotocols: tuple[str, ...] = field(repr=False)
    """That the client offers, a key among them if it is a browser."""


def upstream_request(
    upstream_url: str, target: str, headers: Iterable[tuple[str, str]]
) -> UpstreamRequest:
    """Return the request that stands for a client's.

    Args:
        upstream_url: ``wss://host[:port][/prefix]``.
        target: The client's path and query, as they stand in its request.
        headers: The client's.
    """
    given = tuple(headers)
    named = {
        name.strip().lower()
        for key, value in given
        if key.lower() == "connection"
        for name in value.split(",")
    }
    left_out = _OF_ONE_CONNECTION | named
    return UpstreamRequest(
        url=upstream_url.rstrip("/") + (target if target.startswith("/") else f"/{target}"),
        headers=tuple(
            (key, value)
            for key, value in given
            if key.lower() not in left_out and not key.lower().startswith(_WEBSOCKET)
        ),
        subprotocols=tuple(
            name.strip()
            for key, value in given
            if key.lower() == "sec-websocket-protocol"
            for name in value.split(",")
            if name.strip()
        ),
    )


def is_transcription(target: str) -> bool:
    """Return whether a client's path and query ask for a session without an agent."""
    return parse_qs(urlsplit(target).query).get("intent") == ["transcription"]
