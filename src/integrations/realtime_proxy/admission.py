"""How many sessions there may be, of all clients and of one address.

Invariant: what is admitted is given back once, so that the counts never drift.
"""

from __future__ import annotations

__all__ = ["Admission", "Refusal", "refusal_body"]

import json
from collections import Counter
from enum import StrEnum


class Refusal(StrEnum):
    """Why a client is not served."""

    FULL = "sessions_full"
    """There are as many sessions as there may be."""
    PEER_FULL = "peer_sessions_full"
    """There are as many of that address."""
    DRAINING = "draining"
    """The proxy ends, and takes nobody new."""
    UNREACHABLE = "upstream_unreachable"
    """Nothing answers at the provider's address, or it does not speak WebSocket."""
    TIMEOUT = "upstream_timeout"
    """The provider did not answer in time."""
    REFUSED = "upstream_refused"
    """The provider itself refused; its answer went to the client as it came."""
    GONE = "client_gone"
    """The client left while the provider was asked."""


class Admission:
    """Counts sessions.

    Args:
        max_sessions: Of all clients.
        max_sessions_per_peer: Of one address.
    """

    def __init__(self, max_sessions: int, max_sessions_per_peer: int) -> None:
        self.is_draining = False
        """Nobody new is admitted."""
        self._max_sessions = max_sessions
        self._max_of_peer = max_sessions_per_peer
        self._of_peer: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """Sessions that were admitted and not given back."""
        return self._of_peer.total()

    def admit(self, peer: str) -> Refusal | None:
        """Count a session of an address, or say why there may be none."""
        if self.is_draining:
            return Refusal.DRAINING
        if self.running >= self._max_sessions:
            return Refusal.FULL
        if self._of_peer[peer] >= self._max_of_peer:
            return Refusal.PEER_FULL
        self._of_peer[peer] += 1
        return None

    def give_back(self, peer: str) -> None:
        """Take that an admitted session of an address has ended."""
        self._of_peer[peer] -= 1
        if self._of_peer[peer] <= 0:
            del self._of_peer[peer]


_MESSAGES = {
    Refusal.FULL: "The proxy serves as many sessions as it may; try again later.",
    Refusal.PEER_FULL: "The proxy serves as many sessions of this address as it may.",
    Refusal.DRAINING: "The proxy is being stopped.",
    Refusal.UNREACHABLE: "The provider could not be reached.",
    Refusal.TIMEOUT: "The provider did not answer in time.",
    Refusal.REFUSED: "The provider refused.",
    Refusal.GONE: "The client has left.",
}


def refusal_body(refusal: Refusal) -> bytes:
    """Return what a refused client is told, in the shape of the API's own errors."""
    error = {"type": "proxy_error", "code": refusal.value, "message": _MESSAGES[refusal]}
    return json.dumps({"error": error}).encode()
