"""Which hosts may connect to a line: checked where a connection is accepted, before a byte is read.

Invariant: an address that can't be read is not admitted, and refusing never floods the log.
"""

from __future__ import annotations

__all__ = ["PeerAllowList"]

import ipaddress
from collections.abc import Iterable

from ..config.peer_networks import parse_network

_REPORT_INTERVAL_MS = 60_000.0
"""Shortest time between two reports of refused peers, in ms: a scanner tries many times a second,
and one line a minute says it."""


class PeerAllowList:
    """Admits the peers of some networks, and counts the others.

    Args:
        networks: Addresses and networks in CIDR notation; None admits everyone.

    Raises:
        ValueError: if one of them is neither, or there is none.
    """

    def __init__(self, networks: Iterable[str] | None) -> None:
        self._networks = None if networks is None else tuple(map(parse_network, networks))
        if self._networks == ():
            raise ValueError("networks: nobody could connect; None admits everyone")
        self._refused_peers = 0
        self._reported_peers = 0
        self._reported_ms: float | None = None

    @property
    def refused_peers(self) -> int:
        """Connections refused so far."""
        return self._refused_peers

    def admits(self, host: str | None) -> bool:
        """Return whether a peer may connect; count it if not.

        Args:
            host: Its address as the socket tells it: IPv4, IPv6, IPv4-mapped IPv6, with a zone or
                without; None where the socket is gone again.
        """
        if self._networks is None or self._contains(host):
            return True
        self._refused_peers += 1
        return False

    def take_report(self, now_ms: float) -> int:
        """Return how many were refused since the last report; 0 where it is not time for one."""
        is_early = (
            self._reported_ms is not None and now_ms - self._reported_ms < _REPORT_INTERVAL_MS
        )
        refused = self._refused_peers - self._reported_peers
        if is_early or not refused:
            return 0
        self._reported_ms = now_ms
        self._reported_peers = self._refused_peers
        return refused

    def _contains(self, host: str | None) -> bool:
        try:
            address = ipaddress.ip_address((host or "").partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks or ())
