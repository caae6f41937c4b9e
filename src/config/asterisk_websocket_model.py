"""The model of the section ``lines.asterisk_websocket``.

Invariant: neither user nor password stands here, only the names of the environment variables that
hold them, both or none.
"""

from __future__ import annotations

__all__ = ["AsteriskWebSocketConfig"]

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from .field_rules import check_fields
from .field_types import VariableName
from .listen_address import Host, Port, UrlPath, check_host
from .peer_networks import AllowedPeers, check_networks


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskWebSocketConfig:
    """The server that Asterisk's WebSocket channel (``chan_websocket``) connects to."""

    enabled: bool = False
    """Whether the server listens."""
    host: Host = "127.0.0.1"
    """Address to listen on. Beyond loopback, set allowed_peers or a password, and let a proxy do
    TLS where the network between is not yours."""
    port: Port = 8093
    """TCP port to listen on; 0: any free one, which the log names."""
    path: UrlPath = "/asterisk"
    """Path of the WebSocket on this server, as in uri of websocket_client.conf."""
    username_env: VariableName | None = None
    """Name of the environment variable with the username of websocket_client.conf; null: neither
    user nor password is asked for."""
    password_env: VariableName | None = None
    """Name of the environment variable with the password of websocket_client.conf."""
    allowed_peers: AllowedPeers | None = None
    """Addresses and networks (``192.0.2.7``, ``10.0.0.0/8``) that may connect; others get 403 and
    are counted. null: whoever reaches the address to listen on."""
    max_connections: Annotated[int, Interval(ge=1, le=10_000)] = 200
    """Open WebSockets, calls or not; further ones are answered with 503 and counted."""
    max_connections_per_peer: Annotated[int, Interval(ge=1, le=10_000)] | None = None
    """Of one address, for IPv6 of one /64 network; further ones are refused and counted. null: no
    limit of its own, as where all come from one Asterisk."""
    max_unidentified: Annotated[int, Interval(ge=1, le=10_000)] = 50
    """Connections at a time that have not said which call they are; one more costs the oldest of
    them its place, counted."""
    start_timeout_s: Annotated[float, Interval(ge=0.1, le=60.0)] = 5.0
    """Time in s within which a WebSocket must send MEDIA_START."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_host(self.host)
        check_networks(self.allowed_peers)
        if (self.username_env is None) != (self.password_env is None):
            missing = "username_env" if self.username_env is None else "password_env"
            raise ValueError(f"{missing}: null, but Asterisk shows user and password, or neither")
