"""What one session went through, for tests and for the lab: what the turn detector saw, and when.

Invariant: the log holds no words, and no audio unless that was asked for; both are bounded.
"""

from __future__ import annotations

__all__ = ["LogEntry", "SessionLog"]

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

_MAX_ENTRIES = 10_000
_MAX_AUDIO_BYTES = 64 * 2**20
"""Over two hours of G.711; beyond it the newest audio is not kept."""


class LogEntry(NamedTuple):
    """One thing that happened: ``(audio_ms, event, at_ms, detail, now_ms)``."""

    audio_ms: float
    """Audio received when it happened, in ms: the clock of the turn detector."""
    event: str
    """``speech_started``, ``speech_stopped``, ``committed``, ``timeout_triggered``,
    ``response_created``, ``audio_began`` (its first delta), ``response_done``, ``truncated`` or
    ``error``."""
    at_ms: float | None = None
    """The time that the event itself names, such as ``audio_start_ms``, in ms."""
    detail: str = ""
    """The response's status and reason (``cancelled turn_detected``), or the error's code."""
    now_ms: float = 0.0
    """When it happened, on the server's clock."""


class SessionLog:
    """The newest entries of one session, oldest first.

    Args:
        session_id: Id of the session.
        model: The model that the client asked for.
        keeps_audio: Whether to keep the audio received.
    """

    def __init__(self, session_id: str, model: str, *, keeps_audio: bool = False) -> None:
        self.session_id = session_id
        self.model = model
        self.close_reason: str | None = None
        """Why the session ended; None while it lives."""
        self.input_audio = bytearray()
        """All audio received, as it was sent, if that was asked for; else empty."""
        self._keeps_audio = keeps_audio
        self._entries: deque[LogEntry] = deque(maxlen=_MAX_ENTRIES)

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """All entries kept."""
        return tuple(self._entries)

    @property
    def is_open(self) -> bool:
        """Whether the session lives."""
        return self.close_reason is None

    def events(self, name: str) -> tuple[LogEntry, ...]:
        """Return the entries of one kind, such as ``speech_started``."""
        return tuple(entry for entry in self._entries if entry.event == name)

    def add(self, entry: LogEntry) -> None:
        """Take note; beyond the bound the oldest entry goes."""
        self._entries.append(entry)

    def add_audio(self, audio: bytes) -> None:
        """Keep audio received, if that was asked for and there is room."""
        if self._keeps_audio and len(self.input_audio) + len(audio) <= _MAX_AUDIO_BYTES:
            self.input_audio += audio

    def __iter__(self) -> Iterator[LogEntry]:
        """Iterate over the entries."""
        return iter(self._entries)
