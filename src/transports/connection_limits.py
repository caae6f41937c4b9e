"""How many connections a line's server holds: in all, of one peer, and that are no calls yet.

What has not said which call it is costs a place, and whoever says nothing at all could take them
all. So those that have not are bounded by themselves, and one more costs the oldest of them its
place: a peer that means to call says so in milliseconds.

Sans-IO. Invariant: a place that was given is counted until it is closed, once.
"""

from __future__ import annotations

__all__ = ["ConnectionLimits", "ConnectionPlace", "RefusedConnection", "peer_network"]

import ipaddress
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

_OWN_BITS = 64
"""Bits of an IPv6 address that name the network; the others its owner chooses (RFC 4291, 2.5.4)."""


class RefusedConnection(StrEnum):
    """Which limit stands against one more connection, by the key that sets it."""

    MAX_CONNECTIONS = "max_connections"
    MAX_CONNECTIONS_PER_PEER = "max_connections_per_peer"


class ConnectionPlace:
    """The place of one connection; made by :meth:`ConnectionLimits.take`."""

    __slots__ = ("_evict", "_is_open", "_limits", "peer")

    def __init__(self, limits: ConnectionLimits, peer: str, evict: Callable[[], None]) -> None:
        self._limits = limits
        self._evict = evict
        self._is_open = True
        self.peer = peer
        """What it counts for."""

    def identify(self) -> None:
        """Note that it has said which call it is: from now on it keeps its place."""
        self._limits.unidentified.pop(self, None)

    def evict(self) -> None:
        """Have the connection closed; its place is free once that is done."""
        self._evict()

    def close(self) -> None:
        """Give the place back; idempotent."""
        if self._is_open:
            self._is_open = False
            self._limits.give_back(self)


class ConnectionLimits:
    """Gives places to connections.

    Args:
        max_connections: Places in all.
        max_per_peer: Of one address (IPv6: of one /64 network); None: no fewer than in all.
        max_unidentified: Places of connections that have not said which call they are.

    Raises:
        ValueError: a limit is below 1.
    """

    def __init__(
        self, *, max_connections: int, max_per_peer: int | None = None, max_unidentified: int = 50
    ) -> None:
        for name, limit in (
            ("max_connections", max_connections),
            ("max_connections_per_peer", max_per_peer),
            ("max_unidentified", max_unidentified),
        ):
            if limit is not None and limit < 1:
                raise ValueError(f"{name}: {limit} is below 1")
        self._max_connections = max_connections
        self._max_per_peer = max_per_peer
        self._max_unidentified = max_unidentified
        self._of_peer: Counter[str] = Counter()
        self.n_open = 0
        """Places that are taken."""
        self.evicted = 0
        """Connections that lost their place to a newer one, so far."""
        self.unidentified: dict[ConnectionPlace, None] = {}
        """Those that have not said which call they are, the oldest first."""

    def refusal(self, host: str | None) -> RefusedConnection | None:
        """Return the limit that stands against one more connection of a host; None if none does."""
        if self.n_open >= self._max_connections:
            return RefusedConnection.MAX_CONNECTIONS
        if self._max_per_peer is not None and (
            self._of_peer[peer_network(host)] >= self._max_per_peer
        ):
            return RefusedConnection.MAX_CONNECTIONS_PER_PEER
        return None

    def take(self, host: str | None, evict: Callable[[], None]) -> ConnectionPlace:
        """Return a place for a connection that nothing stands against.

        Args:
            host: Address of the peer.
            evict: Closes the connection; called when it is to make room for another one.
        """
        place = ConnectionPlace(self, peer_network(host), evict)
        self.n_open += 1
        self._of_peer[place.peer] += 1
        self.unidentified[place] = None
        if len(self.unidentified) > self._max_unidentified:
            oldest = next(iter(self.unidentified))
            del self.unidentified[oldest]
            self.evicted += 1
            oldest.evict()
        return place

    def give_back(self, place: ConnectionPlace) -> None:
        """Take a place back; for :meth:`ConnectionPlace.close`."""
        self.n_open -= 1
        self._of_peer[place.peer] -= 1
        if not self._of_peer[place.peer]:
            del self._of_peer[place.peer]
        self.unidentified.pop(place, None)


def peer_network(host: str | None) -> str:
    """Return what a host counts for: its address, of IPv6 its network, as it may have any in it."""
    try:
        address = ipaddress.ip_address((host or "").partition("%")[0])
    except ValueError:
        return host or ""
    address = getattr(address, "ipv4_mapped", None) or address
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((address.packed, _OWN_BITS), strict=False))
