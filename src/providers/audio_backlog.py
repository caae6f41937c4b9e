"""The caller's audio that waits to be sent to the provider, bounded.

Invariant: no more waits than the bound, or the newest piece; what is dropped is the oldest, and is
counted.
"""

from __future__ import annotations

__all__ = ["AudioBacklog", "OutgoingAudio"]

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingAudio:
    """What one decision of the gate sends to the provider."""

    wire: bytes
    """In the session's input format."""
    duration_ms: float
    capture_end_ms: float
    """When its end was captured, on the call's clock."""
    n_frames: int
    """Frames of the line that it is made of."""


class AudioBacklog:
    """A queue of audio that forgets its oldest when too much waits.

    Args:
        hold_ms: Audio that may wait, in ms; the newest piece always may.

    Raises:
        ValueError: if ``hold_ms`` is negative.
    """

    __slots__ = ("_dropped_frames", "_held_frames", "_held_ms", "_hold_ms", "_queue")

    def __init__(self, *, hold_ms: float) -> None:
        if hold_ms < 0:
            raise ValueError(f"hold_ms: {hold_ms} is not 0 or more")
        self._hold_ms = hold_ms
        self._queue: deque[OutgoingAudio] = deque()
        self._held_ms = 0.0
        self._held_frames = 0
        self._dropped_frames = 0

    @property
    def held_ms(self) -> float:
        """Audio that waits, in ms."""
        return self._held_ms

    @property
    def held_frames(self) -> int:
        """Frames that wait."""
        return self._held_frames

    @property
    def dropped_frames(self) -> int:
        """Frames dropped so far."""
        return self._dropped_frames

    def push(self, audio: OutgoingAudio) -> None:
        """Queue audio behind what waits."""
        self._queue.append(audio)
        self._count(audio, 1)
        self._drop_oldest()

    def push_back(self, audio: OutgoingAudio) -> None:
        """Return audio that was taken and could not be sent; it is the next again."""
        self._queue.appendleft(audio)
        self._count(audio, 1)
        self._drop_oldest()

    def pop(self) -> OutgoingAudio | None:
        """Take the oldest audio, or None."""
        if not self._queue:
            return None
        audio = self._queue.popleft()
        self._count(audio, -1)
        return audio

    def _drop_oldest(self) -> None:
        while self._held_ms > self._hold_ms and len(self._queue) > 1:
            oldest = self._queue.popleft()
            self._count(oldest, -1)
            self._dropped_frames += oldest.n_frames

    def _count(self, audio: OutgoingAudio, sign: int) -> None:
        self._held_frames += sign * audio.n_frames
        # An empty queue holds nothing, whatever trace of rounding the sums would leave.
        self._held_ms = self._held_ms + sign * audio.duration_ms if self._queue else 0.0
