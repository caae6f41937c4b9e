"""What a call says over a WebSocket, as those see it who move its messages; it has no I/O itself.

Invariant: whether to reconnect, and when to renew a session, is the conversation's to say; that it
is done is its keeper's.
"""

from __future__ import annotations

__all__ = ["RENEWAL", "Deadlines", "Renewal", "SocketConversation"]

from collections.abc import Mapping
from typing import Protocol

from .base import ProviderEvent

RENEWAL = "session_renewed"
"""Code of the error with which a conversation ends a session to have another: nobody's fault."""


class SocketConversation(Protocol):
    """One call's side of a provider, without I/O."""

    @property
    def is_ready(self) -> bool:
        """Whether there is a session and it is configured."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far, by a closed set of names."""

    def open_session(self) -> None:
        """Begin a session on a new connection."""

    def receive_message(self, message: str | bytes, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Take one message of the server.

        Raises:
            ProviderError: if it ends the session; retryable if another session may do.
        """

    def lose_session(self, now_ms: float) -> tuple[ProviderEvent, ...]:
        """Note that the connection is gone."""

    def next_message(self, now_ms: float) -> str | bytes | None:
        """Take the next message to send, or None; asking again confirms that the last was sent."""

    def confirm_sent(self) -> bool:
        """Confirm that the last message was sent; return whether there may be another one."""

    def deliver(self, event: ProviderEvent) -> bool:
        """Return whether an event that waited is still to be given to the engine."""


class Deadlines(Protocol):
    """What a conversation has to do at certain times, messages or not."""

    def next_deadline_ms(self) -> float | None:
        """Return when :meth:`handle_deadline` has something to do, or None."""

    def handle_deadline(self, now_ms: float) -> None:
        """Do what is due.

        Raises:
            ProviderError: if that ends the session.
        """


class Renewal(Protocol):
    """A conversation that goes on in a session on another connection before the old one expires."""

    def is_renewal_due(self, now_ms: float) -> bool:
        """Say whether the session is old, and nobody would notice that another takes its place."""

    def postpone_renewal(self, now_ms: float) -> None:
        """Note that no other session was to be had; ask again later."""
