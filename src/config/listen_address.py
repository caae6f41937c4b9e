"""What a server listens on: host, port, path, and whether two of them, or other machines, meet.

Invariant: a name is judged by its looks; nothing is resolved.
"""

from __future__ import annotations

__all__ = ["Host", "Port", "UrlPath", "check_host", "is_loopback", "meet"]

import ipaddress
import re
from typing import Annotated

from annotated_types import Interval

from .field_rules import Pattern
from .shown_value import shown_value

Host = Annotated[str, Pattern(r"[^\s/@]{1,253}", "is not a host name or address")]
"""What a server listens on."""
Port = Annotated[int, Interval(ge=0, le=65_535)]
"""TCP port; 0: any free one."""
UrlPath = Annotated[
    str, Pattern(r"(/[A-Za-z0-9._~-]+)+", "is not a path such as /twilio, without a / at its end")
]
"""Where a server has something, from the root of its host."""

_HOST_LABEL = re.compile(r"\w([\w-]{0,61}\w)?")
_LOOPBACK = {"localhost": "127.0.0.1"}


def check_host(host: str) -> None:
    """Raise ValueError if nothing can be listened on by that name, such as 999.1.1.1."""
    labels = host.removesuffix(".").split(".")
    is_address = ":" in host or labels[-1].isdigit()
    try:
        if is_address:
            ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        is_host = False
    else:
        is_host = is_address or all(map(_HOST_LABEL.fullmatch, labels))
    if not is_host:
        raise ValueError(f"host: {shown_value(host, 'host')} is not a host name or address")


def is_loopback(host: str) -> bool:
    """Return whether a server on a host is reached from its own machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def meet(host: str, other: str) -> bool:
    """Return whether servers on two hosts can't have one port."""
    hosts = {_LOOPBACK.get(name.lower(), name.strip("[]").lower()) for name in (host, other)}
    return len(hosts) == 1 or not hosts.isdisjoint({"0.0.0.0", "::"})  # noqa: S104 - compared only
