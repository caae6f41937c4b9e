"""The model of the section ``desk``: the operator's web page.

Invariant: a desk that others than this machine can reach asks for a token; the token never stands
here, only the name of the environment variable that holds it.
"""

from __future__ import annotations

__all__ = ["DeskConfig"]

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from .field_rules import Pattern, broken_rule, check_fields
from .field_types import VariableName
from .listen_address import Host, Port, check_host, is_loopback
from .shown_value import shown_value

_HostName = Annotated[
    str,
    Pattern(
        r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
        "is not a host name in lower case such as desk.example.com, without a port",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskConfig:
    """The operator's desk: a web page that shows live calls, thresholds and health."""

    enabled: bool = True
    """Whether the desk listens. Where its packages are missing (extra ``desk``, part of
    ``server``) or its port is taken, the log says so and calls are served all the same."""
    host: Host = "127.0.0.1"
    """Address to listen on; beyond loopback a token is required."""
    port: Port = 8094
    """TCP port to listen on; 0: any free one, which the log names."""
    token_env: VariableName | None = None
    """Name of the environment variable with the token to log in with; null: none is asked for,
    which is allowed on loopback only."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names by which browsers reach the desk, such as ``desk.example.com`` of a reverse proxy;
    addresses and localhost need not be listed. Requires a token."""
    max_watchers: Annotated[int, Interval(ge=1, le=200)] = 20
    """Browser windows that watch at a time; a further one is told to wait."""
    session_hours: Annotated[float, Interval(ge=0.1, le=720.0)] = 12.0
    """Time in hours after which a browser must log in anew."""
    phone: bool = True
    """Whether a page of the desk can call the agent: each call costs what a telephone's does."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_host(self.host)
        for name in self.allowed_hosts:
            if rule := broken_rule(name, _HostName):
                raise ValueError(f"allowed_hosts: {shown_value(name, 'allowed_hosts')} {rule}")
        if self.token_env is None and not is_loopback(self.host):
            raise ValueError(
                f"token_env: is null, and others than this machine reach host {self.host}: name "
                "the environment variable that holds a token, or listen on 127.0.0.1"
            )
        if self.token_env is None and self.allowed_hosts:
            raise ValueError(
                "token_env: is null, and allowed_hosts says that others than this machine reach "
                "the desk: name the environment variable that holds a token"
            )
