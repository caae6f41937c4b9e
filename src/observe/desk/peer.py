"""Who guesses: the name by which wrong tokens are counted.

Invariant: a peer has no more names than networks: whoever has one of IPv6 has any number of
addresses in it.
"""

from __future__ import annotations

__all__ = ["peer_name"]

import ipaddress

_OWN_BITS = 64
"""Bits of an IPv6 address that name the network; the others its owner chooses (RFC 4291, 2.5.4)."""


def peer_name(address: str, forwarded_for: str | None, *, has_proxy: bool) -> str:
    """Return the name of a peer.

    A proxy on this machine adds the address of whom it speaks for to ``X-Forwarded-For``, behind
    whatever was there; what another peer says there is only what it says.

    Args:
        address: The peer's own.
        forwarded_for: That header, or None.
        has_proxy: Whether there is a proxy on this machine.
    """
    own = _parsed(address)
    if own is None:
        return address
    if has_proxy and own.is_loopback:
        own = _parsed((forwarded_for or "").rpartition(",")[2].strip()) or own
    if isinstance(own, ipaddress.IPv4Address):
        return str(own)
    return str(ipaddress.IPv6Network((own.packed, _OWN_BITS), strict=False))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
