"""The model of the section ``lines.browser``.

Invariant: a token never stands here, only the name of the environment variable that holds it.
"""

from __future__ import annotations

__all__ = ["BrowserLineConfig"]

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from .field_rules import Pattern, broken_rule, check_fields
from .field_types import VariableName
from .listen_address import Host, Port, UrlPath, check_host
from .peer_networks import AllowedPeers, check_networks
from .shown_value import shown_value

Origin = Annotated[
    str,
    Pattern(
        r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
        "is not an origin in lower case such as https://voice.example.com, without a / at its end",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserLineConfig:
    """The server that web pages connect to, and that serves them the JavaScript to do so."""

    enabled: bool = False
    """Whether the server listens."""
    host: Host = "127.0.0.1"
    """Address to listen on. Browsers give pages the microphone on 127.0.0.1, or by https: beyond,
    a proxy that has the certificate forwards to it."""
    port: Port = 8092
    """TCP port to listen on; 0: any free one, which the log names."""
    path: UrlPath = "/browser"
    """Path of the WebSocket on this server; the JavaScript is below it."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of pages that may call, such as ``https://voice.example.com``. Pages of the same
    host, on any port, may too, where it goes by an address or localhost."""
    token_env: VariableName | None = None
    """Name of the environment variable with the token that a call must give; null: none is asked
    for. Set it wherever others reach the server: each call is at your cost."""
    max_connections: Annotated[int, Interval(ge=1, le=10_000)] = 50
    """Open WebSockets, calls or not; further ones are answered with 503 and counted."""
    max_connections_per_peer: Annotated[int, Interval(ge=1, le=10_000)] | None = None
    """Of one address, for IPv6 of one /64 network; further ones are refused and counted. null: no
    limit of its own, as where all come from one proxy."""
    max_unidentified: Annotated[int, Interval(ge=1, le=10_000)] = 20
    """Connections at a time that have not said which call they are; one more costs the oldest of
    them its place, counted."""
    allowed_peers: AllowedPeers | None = None
    """Addresses and networks (``192.0.2.7``, ``10.0.0.0/8``) that may connect, of a proxy where
    there is one; others get 403 and are counted. null: whoever reaches the address to listen on."""
    start_timeout_s: Annotated[float, Interval(ge=0.1, le=60.0)] = 5.0
    """Time in s within which a WebSocket must send its start."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_host(self.host)
        check_networks(self.allowed_peers)
        for origin in self.allowed_origins:
            if rule := broken_rule(origin, Origin):
                shown = shown_value(origin, "allowed_origins")
                raise ValueError(f"allowed_origins: {shown} {rule}")
