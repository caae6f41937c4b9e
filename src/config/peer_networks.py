"""The networks whose hosts may connect to a line, as a configuration writes them.

Invariant: what is accepted here is one network each, so that nothing is left to guess when a peer
connects.
"""

from __future__ import annotations

__all__ = ["AllowedPeers", "PeerNetwork", "check_networks", "parse_network"]

import ipaddress

from .shown_value import shown_value

AllowedPeers = tuple[str, ...]
"""Addresses and networks in CIDR notation, such as ``192.0.2.7`` and ``2001:db8::/32``. Where a
field is null instead, whoever reaches the listening address may connect."""

PeerNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
"""One network; a single address is a network of one."""

_MAPPED_PREFIX_BITS = 96
"""Bits before the IPv4 address in an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2)."""


def parse_network(text: str) -> PeerNetwork:
    """Return the network that a text names; IPv4-mapped IPv6 (``::ffff:192.0.2.0/120``) as IPv4.

    Raises:
        ValueError: if it is no address and no network, or an address within a network.
    """
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("is not an address or a network such as 192.0.2.0/24") from None
    if "/" in text and network.network_address != ipaddress.ip_interface(text).ip:
        raise ValueError(f"is an address within a network; the network is {network}")
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_PREFIX_BITS:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX_BITS))


def check_networks(peers: tuple[str, ...] | None) -> None:
    """Raise ValueError for the first of ``allowed_peers`` that is not a network, or if none is."""
    if peers is not None and not peers:
        raise ValueError("allowed_peers: is empty, and nobody could connect; null: everyone may")
    for peer in peers or ():
        try:
            parse_network(peer)
        except ValueError as error:
            shown = shown_value(peer, "allowed_peers")
            raise ValueError(f"allowed_peers: {shown} {error}") from None
