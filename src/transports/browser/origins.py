"""Which web pages may call.

A browser says in ``Origin`` which page asks, and no page can change that. Other programs say what
they like or nothing: against them there is the token. Invariant: a host name is trusted only where
it is configured, as any name can be made to lead to this machine (DNS rebinding).
"""

from __future__ import annotations

__all__ = ["is_allowed_origin"]

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from ...config.listen_address import is_loopback


def is_allowed_origin(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """Say whether whoever asks is no page, an allowed one, or one of this very host.

    Args:
        origin: The header ``Origin``; None where there is none, as with what is no browser.
        host: The header ``Host``: the name by which the page knows this server.
        allowed: Configured origins.
    """
    if origin is None or origin in allowed:
        return True
    page_host, own_host = _host_of(origin), _host_of(f"//{host or ''}")
    if is_loopback(page_host) and is_loopback(own_host):
        return True
    return page_host == own_host and _is_address(page_host)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
