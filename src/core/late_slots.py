"""Slots that passed without their frame: left out by the line, or on their way after a stall.

Invariant: a slot counts once, when it passes without a frame or when its frame comes.
"""

from __future__ import annotations

__all__ = ["LateSlots"]


class LateSlots:
    """The slots of one call's line whose frames may still come."""

    __slots__ = ("_n_empty", "_n_late")

    def __init__(self) -> None:
        self._n_empty = 0
        """Slots without a frame since the last chunk."""
        self._n_late = 0
        """Slots that had passed without their frames, which come now if the hole was a stall."""

    def pass_slot(self) -> None:
        """Count a slot that passes without a frame."""
        self._n_empty += 1

    def receive_chunk(self, *, is_stale: bool) -> None:
        """Tell slots that the line left out from those whose frames come late.

        Args:
            is_stale: The chunk comes later than it was captured.
        """
        self._n_late = self._n_empty + (self._n_late if is_stale else 0)
        self._n_empty = 0

    def take(self, *, is_stale: bool) -> bool:
        """Take one frame of the chunk; return True if its slot has passed already."""
        if not is_stale or self._n_late == 0:
            return False
        self._n_late -= 1
        return True
