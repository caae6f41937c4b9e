"""One session of the Voice Agent protocol, without I/O: its settings, its life and its end.

Invariant: nothing is sent before the welcome, and nothing but the settings before they are in
force.
"""

from __future__ import annotations

__all__ = ["MAX_REQUESTS", "AgentSession"]

from collections import Counter, deque
from enum import Enum, auto
from typing import assert_never

from ...errors import ProviderError
from .client_messages import KEEP_ALIVE
from .error_table import SESSION_EXPIRING, error_for_code, warning_for_code
from .server_messages import (
    ErrorReported,
    InjectionRefused,
    MessageIgnored,
    MessageMalformed,
    MessageUnknown,
    SessionMessage,
    SettingsApplied,
    WarningReported,
    Welcomed,
)

_RENEW_WITHIN_MS = 240_000.0
"""After the server's word that it will close in 300 s; by then a session is renewed in any case."""


MAX_REQUESTS = 1024
"""Messages that may wait: a server that leaves so many unread makes no conversation any more."""


class _Phase(Enum):
    OPENING = auto()
    CONFIGURING = auto()
    READY = auto()


class AgentSession:
    """The client's side of one connection.

    Args:
        settings: The ``Settings`` message.
        keep_alive_ms: Time without audio after which the server is told that we are there.
        counts: What happened on the call, by a closed set of names; added to.
    """

    def __init__(self, settings: str, *, keep_alive_ms: float, counts: Counter[str]) -> None:
        self._settings = settings
        self._keep_alive_ms = keep_alive_ms
        self._counts = counts
        self._phase = _Phase.OPENING
        self._requests: deque[str] = deque()
        self._last_sign_ms = 0.0
        self._renew_by_ms: float | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the settings are in force."""
        return self._phase is _Phase.READY

    @property
    def renew_by_ms(self) -> float | None:
        """When the session must be replaced, as it is about to expire; None if it is not."""
        return self._renew_by_ms

    @property
    def keep_alive_at_ms(self) -> float | None:
        """When the server is to be told that we are there, if no audio is sent before."""
        return self._last_sign_ms + self._keep_alive_ms if self.is_ready else None

    def receive(self, message: SessionMessage, now_ms: float) -> ProviderError | None:
        """Take a message about the session, and return what it warns of, or None.

        Raises:
            ProviderError: if it ends the session; retryable if another session may do.
        """
        match message:
            case Welcomed():
                self._configure()
            case SettingsApplied():
                self._become_ready(now_ms)
            case InjectionRefused():
                return warning_for_code("injection_refused")
            case ErrorReported(code):
                raise error_for_code(code)
            case WarningReported(code):
                return self._receive_warning(code, now_ms)
            case MessageIgnored():
                pass
            case MessageUnknown():
                self._counts["events_unknown"] += 1
            case MessageMalformed():
                self._counts["events_malformed"] += 1
            case _:
                assert_never(message)
        return None

    def request(self, message: str) -> None:
        """Queue a message to send once the session is ready; too many are left out, counted."""
        if len(self._requests) < MAX_REQUESTS:
            self._requests.append(message)
        else:
            self._counts["requests_dropped"] += 1

    @property
    def has_requests(self) -> bool:
        """Whether something other than audio waits, though perhaps not to be sent yet."""
        return bool(self._requests)

    def next_request(self) -> str | None:
        """Take the next message to send other than audio, or None."""
        if self._phase is _Phase.OPENING or not self._requests:
            return None
        if self._phase is _Phase.CONFIGURING and self._requests[0] != self._settings:
            return None
        return self._requests.popleft()

    def note_audio(self, now_ms: float) -> None:
        """Note that audio is sent: the server sees that we are there."""
        self._last_sign_ms = now_ms

    def keep_alive(self, now_ms: float) -> None:
        """Tell the server that we are there, if it is time to."""
        due_ms = self.keep_alive_at_ms
        if due_ms is not None and now_ms >= due_ms:
            self._last_sign_ms = now_ms
            self._counts["keep_alives"] += 1
            self.request(KEEP_ALIVE)

    def _configure(self) -> None:
        if self._phase is _Phase.OPENING:
            self._phase = _Phase.CONFIGURING
            self._requests.appendleft(self._settings)

    def _become_ready(self, now_ms: float) -> None:
        if self._phase is _Phase.CONFIGURING:
            self._phase = _Phase.READY
            self._last_sign_ms = now_ms

    def _receive_warning(self, code: str | None, now_ms: float) -> ProviderError | None:
        if code != SESSION_EXPIRING:
            return warning_for_code(code)
        if self._renew_by_ms is None:
            self._renew_by_ms = now_ms + _RENEW_WITHIN_MS
        return None
