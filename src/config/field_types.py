"""Kinds of text that fields of several models hold.

Invariant: each says in words what is wrong with a text that it refuses.
"""

from __future__ import annotations

__all__ = ["HttpUrl", "InstanceName", "Name", "TcpAddress", "VariableName"]

from typing import Annotated

from annotated_types import Len

from .field_rules import Pattern

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
    str, Pattern(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "is not an http:// or https:// address")
]
"""Address of a web service, without a query, a user or a password."""

TcpAddress = Annotated[
    str, Pattern(r"tcp://([^\s/?#@:\[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", "is not tcp://host:port")
]
"""Address of a server that speaks a protocol of its own over TCP."""
