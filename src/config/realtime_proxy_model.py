"""The model of the section ``realtime_proxy``: what ``voxgate proxy`` listens on and connects to.

Invariant: a certificate and its key come together; the provider's address holds no key.
"""

from __future__ import annotations

__all__ = ["RealtimeProxyConfig"]

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval, Len

from .field_rules import Pattern, check_fields
from .field_types import broken_address
from .listen_address import Host, Port, check_host


def _broken_upstream(url: str) -> str:
    """Return why nobody could be served with an address, or ``""``; its form is not judged here."""
    if url.rstrip("/").endswith("/realtime"):
        return "ends in /realtime; leave out /v1/realtime: the client's path is added"
    return broken_address(url)


_UpstreamUrl = Annotated[
    str,
    Pattern(
        r"wss?://[^\s/?#@]+(/[^\s?#]*)?",
        "is not a ws:// or wss:// address without a query",
        _broken_upstream,
    ),
]
_FilePath = Annotated[str, Len(1, 4096)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeProxyConfig:
    """``voxgate proxy``, between clients of a Realtime API and the provider."""

    host: Host = "127.0.0.1"
    """Address to listen on. Clients bring their own keys, so there is no login."""
    port: Port = 8190
    """TCP port to listen on; 0: any free one, which the log names."""
    upstream_url: _UpstreamUrl = "wss://api.openai.com"
    """The provider, without what the client's own URL brings: path and query are added as they
    come, such as /v1/realtime?model=gpt-realtime."""
    certificate_file: _FilePath | None = None
    """PEM file with the certificate (and its chain) shown to clients, which then use wss://; null:
    they use ws://, which is for this machine or behind something that ends TLS."""
    key_file: _FilePath | None = None
    """PEM file with the certificate's private key, which must not ask for a password."""
    on_failure: Literal["open", "closed"] = "open"
    """What the provider gets where the gate itself fails: open, the client's audio as it came;
    closed, silence."""
    max_sessions: Annotated[int, Interval(ge=1, le=10_000)] = 100
    """Sessions at a time; a further one is answered with 503. All are served by one core."""
    max_sessions_per_peer: Annotated[int, Interval(ge=1, le=10_000)] = 100
    """Sessions at a time from one address; a further one is answered with 429."""
    max_message_bytes: Annotated[int, Interval(ge=65_536, le=67_108_864)] = 16_777_216
    """Largest message in bytes of either side; a larger one ends its session with close code 1009.
    The API itself takes 15 MB."""
    connect_timeout_s: Annotated[float, Interval(ge=0.5, le=120.0)] = 10.0
    """Time in s that the provider gets to answer a connection; then the client is told 504."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_host(self.host)
        if (self.certificate_file is None) != (self.key_file is None):
            missing = "key_file" if self.key_file is None else "certificate_file"
            raise ValueError(f"{missing}: is null, and a certificate needs its key beside it")
