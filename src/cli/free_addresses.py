"""Whether what the lines want to listen on is free, before the slow parts of the start.

Invariant: an address is only tried, and let go at once; whoever takes it in between is named when
the line starts.
"""

from __future__ import annotations

__all__ = ["require_free"]

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import fields

from ..config.models import AppConfig
from ..errors import TransportError


def require_free(config: AppConfig, listen: Callable[[str, int], None] | None = None) -> None:
    """Try what each line that is enabled is to listen on.

    Args:
        config: Of the engine that is to start.
        listen: Tries a host and a port, OSError where it can't be; a real socket if left out.

    Raises:
        TransportError: another program has it. Anything else is the line's to say when it starts.
    """
    for line in fields(config.lines):
        section = getattr(config.lines, line.name)
        if not section.enabled or section.port == 0:
            continue
        try:
            (listen or _listen)(section.host, section.port)
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                continue
            raise TransportError(
                f"{line.name} {section.host}:{section.port}",
                f"can't listen: another program has that port; set another lines.{line.name}.port",
                code="EADDRINUSE",
                retryable=True,
            ) from exc


def _listen(host: str, port: int) -> None:
    """Listen and leave off, with the options that asyncio gives its servers."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as tried:
        if os.name == "posix":
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.bind(address)
        tried.listen(1)
