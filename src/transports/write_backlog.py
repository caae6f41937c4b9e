"""Whether a frame may be written to a peer that perhaps does not read.

Invariant: no more than a bounded backlog waits for a peer, and a peer that stays away is given up.
"""

from __future__ import annotations

__all__ = ["Admission", "WriteBacklog"]

from enum import StrEnum


class Admission(StrEnum):
    """What becomes of a frame."""

    SEND = "send"
    DROP = "drop"
    """Too much waits already: leave the frame out and go on."""
    GIVE_UP = "give_up"
    """The peer has not read for too long: end the call."""


class WriteBacklog:
    """Decides frame by frame, in frames rather than seconds: one is sent each 20 ms.

    Args:
        max_frames: Frames that may wait in the socket's write buffer.
        max_dropped_in_a_row: Frames dropped without one sent between them, after which the peer
            is given up.

    Raises:
        ValueError: if a bound is below 1.
    """

    def __init__(self, *, max_frames: int, max_dropped_in_a_row: int) -> None:
        for name, value in (
            ("max_frames", max_frames),
            ("max_dropped_in_a_row", max_dropped_in_a_row),
        ):
            if value < 1:
                raise ValueError(f"{name}: {value} is below 1")
        self._max_frames = max_frames
        self._max_dropped_in_a_row = max_dropped_in_a_row
        self._dropped_in_a_row = 0
        self._dropped_frames = 0
        self._sent_frames = 0

    @property
    def sent_frames(self) -> int:
        """Frames that were admitted."""
        return self._sent_frames

    @property
    def dropped_frames(self) -> int:
        """Frames that were left out."""
        return self._dropped_frames

    def admit(self, frame_bytes: int, waiting_bytes: int) -> Admission:
        """Decide about a frame of ``frame_bytes`` while ``waiting_bytes`` are not yet sent."""
        if waiting_bytes + frame_bytes <= self._max_frames * frame_bytes:
            self._dropped_in_a_row = 0
            self._sent_frames += 1
            return Admission.SEND
        self._dropped_in_a_row += 1
        self._dropped_frames += 1
        if self._dropped_in_a_row >= self._max_dropped_in_a_row:
            return Admission.GIVE_UP
        return Admission.DROP
