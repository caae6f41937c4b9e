"""Who has logged in: the operator's token, the sessions that it opens, the attempts to guess it.

Invariant: the token is compared in a time that says nothing of how much of it is right, and a peer
that guesses wrong too often is not heard for a while, right or wrong. Nothing here keeps a token or
the name of a session that somebody could read: of sessions only digests are kept.
"""

from __future__ import annotations

__all__ = ["Login", "LoginOutcome"]

import hashlib
import hmac
import math
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import StrEnum

from ...clock import Clock, monotonic_ms

_MAX_WRONG = 5
"""Wrong tokens of one peer after which it must wait."""
_WAIT_MS = 60_000.0
"""How long it must, in ms, from its last attempt."""
_MAX_WRONG_OF_ALL = 100
"""Wrong tokens of all peers in that time after which all must wait: a peer may have many names."""
_MAX_PEERS = 1000
"""Peers whose wrong tokens are remembered, the newest."""
_MAX_SESSIONS = 500
"""Sessions at a time; the oldest goes."""


class LoginOutcome(StrEnum):
    """What became of a token that somebody showed."""

    DONE = "done"
    WRONG = "wrong"
    TOO_MANY = "too_many"
    """It was not even looked at."""


class Login:
    """The door of a desk.

    Args:
        token: What opens it; None where it stands open.
        session_ms: How long a session lasts, in ms.
        clock: Says what time it is, in ms.
        new_session: Makes the secret name of a session.
    """

    def __init__(
        self,
        token: str | None,
        *,
        session_ms: float,
        clock: Clock = monotonic_ms,
        new_session: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._token = None if token is None else _bytes(token)
        self._session_ms = session_ms
        self._clock = clock
        self._new_session = new_session
        self._ends_ms: OrderedDict[bytes, float] = OrderedDict()
        """When each session ends, by its digest; the oldest first."""
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Wrong tokens in a row by peer, and when the last one came."""

        self._wrong_ms: deque[float] = deque(maxlen=_MAX_WRONG_OF_ALL)
        """When the last wrong tokens came, of whomever."""

    @property
    def is_needed(self) -> bool:
        """Whether a token is asked for."""
        return self._token is not None

    def try_token(self, token: str, peer: str) -> LoginOutcome:
        """Judge a token that a peer shows."""
        now_ms = self._clock()
        n_wrong, last_ms = self._wrong.get(peer, (0, now_ms))
        if now_ms - last_ms >= _WAIT_MS:
            n_wrong = 0
        if n_wrong >= _MAX_WRONG or self._wait_of_all_ms(now_ms) > 0:
            return LoginOutcome.TOO_MANY
        if self._token is None or hmac.compare_digest(_bytes(token), self._token):
            self._wrong.pop(peer, None)
            return LoginOutcome.DONE
        self._wrong_ms.append(now_ms)
        self._wrong[peer] = (n_wrong + 1, now_ms)
        self._wrong.move_to_end(peer)
        if len(self._wrong) > _MAX_PEERS:
            self._wrong.popitem(last=False)
        return LoginOutcome.WRONG

    def wait_s(self, peer: str) -> int:
        """Return how long a peer must wait until it is heard again, in s."""
        now_ms = self._clock()
        wait_ms = self._wait_of_all_ms(now_ms)
        n_wrong, last_ms = self._wrong.get(peer, (0, 0.0))
        if n_wrong >= _MAX_WRONG:
            wait_ms = max(wait_ms, last_ms + _WAIT_MS - now_ms)
        return math.ceil(max(0.0, wait_ms) / 1000)

    def _wait_of_all_ms(self, now_ms: float) -> float:
        """Return how long everybody must wait, in ms; not above 0 if nobody must."""
        if len(self._wrong_ms) < _MAX_WRONG_OF_ALL:
            return 0.0
        return self._wrong_ms[0] + _WAIT_MS - now_ms

    def open_session(self) -> str:
        """Return the name of a new session, for a cookie."""
        name = self._new_session()
        self._ends_ms[_digest(name)] = self._clock() + self._session_ms
        if len(self._ends_ms) > _MAX_SESSIONS:
            self._ends_ms.popitem(last=False)
        return name

    def has_session(self, name: str | None) -> bool:
        """Say whether a session of that name is open."""
        if not name:
            return False
        ends_ms = self._ends_ms.get(_digest(name))
        return ends_ms is not None and self._clock() < ends_ms

    def close_session(self, name: str | None) -> None:
        """End a session. Nothing happens where there is none."""
        if name:
            self._ends_ms.pop(_digest(name), None)


def _digest(name: str) -> bytes:
    return hashlib.sha256(_bytes(name)).digest()


def _bytes(text: str) -> bytes:
    """Return the bytes of any text, also of what is no Unicode."""
    return text.encode(errors="surrogatepass")
