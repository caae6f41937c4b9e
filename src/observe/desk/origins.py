"""Which names a browser may know the desk by, and which pages may ask it for anything.

A name that is not known may be made to lead to this machine (DNS rebinding), so that a stranger's
page would read the desk as its own: only addresses, which nobody can rebind, localhost and
configured names are answered. Invariant: a page of another origin changes and watches nothing.
"""

from __future__ import annotations

__all__ = ["is_known_host", "is_own_page"]

import ipaddress
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_known_host(host: str | None, allowed: Collection[str]) -> bool:
    """Say whether the header ``Host`` names the desk by an address or a name that is allowed.

    Args:
        host: The header; None where there is none.
        allowed: Names in lower case.
    """
    parts = _split(f"//{host or ''}")
    if parts is None or not parts.hostname or not _has_only_host(parts):
        return False
    name = parts.hostname.lower().rstrip(".")
    return name == "localhost" or name in allowed or _is_address(name)


def is_own_page(origin: str | None, fetch_site: str | None, host: str | None) -> bool:
    """Say whether who asks is a page of the desk itself, or no browser.

    Browsers send ``Origin`` with every WebSocket and every request that is not a plain GET, and no
    page can change it; a proxy in front may speak https where the desk does not.

    Args:
        origin: The header ``Origin``; None where there is none, as with what is no browser.
        fetch_site: The header ``Sec-Fetch-Site``; browsers send it, with most requests.
        host: The header ``Host``.
    """
    if origin is None:
        return fetch_site in (None, "same-origin", "none")
    page, own = _split(origin), _split(f"//{host or ''}")
    if page is None or own is None or page.scheme not in _DEFAULT_PORTS or not page.hostname:
        return False
    default = _DEFAULT_PORTS[page.scheme]
    return (page.hostname, page.port or default) == (own.hostname, own.port or default)


def _split(url: str) -> SplitResult | None:
    """Return the parts of an address; None where it has none, or no port that is one."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises where the port is none
    except ValueError:
        return None
    return parts


def _has_only_host(parts: SplitResult) -> bool:
    return not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
