"""Frames of 20 ms as Asterisk takes them: it plays so many bytes at a time, and drops what is left.

Invariant: all that goes out are whole numbers of what Asterisk plays at a time, in order; the rest
is held for the next frame.
"""

from __future__ import annotations

__all__ = ["FrameAssembly"]


class FrameAssembly:
    """The audio of one call on its way to Asterisk.

    Args:
        frame_bytes: Of the frames that come.
        optimal_bytes: What Asterisk plays at a time.
    """

    def __init__(self, frame_bytes: int, optimal_bytes: int) -> None:
        self._frame_bytes = frame_bytes
        self._optimal_bytes = optimal_bytes
        self._held = b""

    @property
    def held_frames(self) -> int:
        """The newest frames of which something is held."""
        return -(-len(self._held) // self._frame_bytes)

    def add(self, frame: bytes) -> bytes:
        """Take a frame, and return what goes out; nothing where more must come before."""
        if not self._held and len(frame) % self._optimal_bytes == 0:
            return frame
        audio = self._held + frame
        n_bytes = len(audio) // self._optimal_bytes * self._optimal_bytes
        self._held = audio[n_bytes:]
        return audio[:n_bytes]

    def clear(self) -> None:
        """Forget what is held."""
        self._held = b""
