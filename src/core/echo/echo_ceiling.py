"""How loud the echo can be, by what the line has shown so far.

No trained weights: of the last 900 ms of far end an echo path gives back so much and no more, and
what comes back far louder, after a second of agent audio and more, is no echo. Invariant: once that
second has passed, no frame lifts the ceiling by more than 0.5 dB.
"""

from __future__ import annotations

__all__ = ["EchoCeiling"]

from typing import Final

from .recent_maximum import RecentMaximum

_SPAN_FRAMES: Final = 45
"""900 ms, the span of the echo filter: every delay to 700 ms and a room's decay."""
_LEARNING_FRAMES: Final = 60
"""1.2 s of agent audio, longer than the span: echo would have shown by then."""
_ACTIVE_DBFS: Final = -50.0
_AUDIBLE_DBFS: Final = -45.0
"""Weaker sounds are not judged by this: they may be noise."""
_MARGIN_DB: Final = 16.0
"""More than the level of speech varies from frame to frame behind one path."""
_RISE_DB: Final = 0.5
_FALL_DB: Final = 0.01
_LOWEST_DB: Final = -60.0


class EchoCeiling:
    """The loudest echo of one call, relative to the far end of the last 900 ms."""

    __slots__ = ("_active_frames", "_ceiling_db", "_far_end_dbfs")

    def __init__(self) -> None:
        self._far_end_dbfs = RecentMaximum(_SPAN_FRAMES)
        self.reset()

    def reset(self) -> None:
        """Forget the call."""
        self._far_end_dbfs.clear()
        self._far_end_dbfs.push(-100.0)
        self._active_frames = 0
        self._ceiling_db = _LOWEST_DB

    def receive_far_end(self, far_end_dbfs: float) -> None:
        """Take the level of one slot of agent audio, dBFS, RMS."""
        self._far_end_dbfs.push(far_end_dbfs)
        self._active_frames += far_end_dbfs >= _ACTIVE_DBFS

    def is_exceeded(self, capture_dbfs: float) -> bool:
        """Say whether a captured frame, by its level in dBFS, is far too loud for an echo."""
        return (
            self._active_frames > _LEARNING_FRAMES
            and capture_dbfs > _AUDIBLE_DBFS
            and capture_dbfs - self._far_end_dbfs.value > self._ceiling_db + _MARGIN_DB
        )

    def learn(self, capture_dbfs: float) -> None:
        """Take a frame for echo or noise, not for the caller, by its level in dBFS."""
        loudest_dbfs = self._far_end_dbfs.value
        if loudest_dbfs < _ACTIVE_DBFS:
            return
        rise_db = _RISE_DB if self._active_frames > _LEARNING_FRAMES else _MARGIN_DB
        raised_db = min(capture_dbfs - loudest_dbfs, self._ceiling_db + rise_db)
        self._ceiling_db = max(raised_db, self._ceiling_db - _FALL_DB, _LOWEST_DB)
