"""Kinds of text that fields of several models hold.

Invariant: each says in words what is wrong with a text that it refuses.
"""

from __future__ import annotations

__all__ = ["HttpUrl", "InstanceName", "Name", "TcpAddress", "VariableName", "broken_address"]

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from annotated_types import Len

from .field_rules import Pattern


def broken_address(url: str) -> str:
    """Return what nobody could connect to in an address, or ``""``; its form is not judged here."""
    host = re.match(r"[a-z]+://([^/?#]*)", url)
    if host is None or "@" in host[1]:
        return ""
    if "[" in host[1] or "]" in host[1]:
        bracketed = re.fullmatch(r"\[([^\[\]]*)\](:.*)?", host[1])
        if bracketed is None or not _is_ipv6(bracketed[1]):
            return "has brackets that hold no IPv6 address"
    try:
        port = urlsplit(url).port
    except ValueError:
        port = 0
    return "has a port that is not in 1..65535" if port == 0 else ""


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


VariableName = Annotated[
    str, Pattern(r"[A-Za-z_][A-Za-z0-9_]*", "is not the name of an environment variable")
]
"""Where a secret stands; never the secret."""

InstanceName = Annotated[
    str,
    Pattern(
        r"[a-z0-9]+([_-][a-z0-9]+)*",
        "is not a name of lower-case letters and digits, with single - or _ between them",
    ),
]
"""What an operator calls one of the providers."""

Name = Annotated[str, Len(1, 200)]
"""A model, a voice: whatever a server calls it."""

HttpUrl = Annotated[
    str,
    Pattern(
        r"https?://[^\s/?#@]+(/[^\s?#]*)?",
        "is not an http:// or https:// address",
        broken_address,
    ),
]
"""Address of a web service, without a query, a user or a password."""

TcpAddress = Annotated[
    str,
    Pattern(
        r"tcp://([^\s/?#@:\[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}",
        "is not tcp://host:port",
        broken_address,
    ),
]
"""Address of a server that speaks a protocol of its own over TCP."""
