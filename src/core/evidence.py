"""Evidence of the caller over the agent: counted in audio time, forgotten after a pause.

Invariant: evidence grows by 20 ms a frame at most, so that no single click opens a gate.
"""

from __future__ import annotations

__all__ = ["Evidence"]

from .audio import FRAME_MS


class Evidence:
    """Frames that speak for the caller, until ``release_ms`` pass without one.

    Args:
        release_ms: Time without evidence after which all of it is forgotten.
    """

    __slots__ = ("_release_ms", "gap_ms", "ms", "span_frames")

    def __init__(self, release_ms: int) -> None:
        self._release_ms = release_ms
        self.ms = 0
        """Evidence gathered, in ms of frames that spoke for the caller."""
        self.gap_ms = release_ms
        """Time since the last such frame, in ms; at least ``release_ms`` when there is none."""
        self.span_frames = 0
        """Frames captured since the first such frame, itself included; 0 when there is none."""

    def observe(self, *, is_caller: bool) -> bool:
        """Count one 20 ms frame; return True if this frame made the evidence lapse."""
        if is_caller:
            self.ms += FRAME_MS
            self.gap_ms = 0
            self.span_frames += 1
            return False
        if self.ms > 0:
            self.span_frames += 1
        return self._wait()

    def observe_nothing(self) -> bool:
        """Let a slot pass without a frame; return True if this made the evidence lapse."""
        return self._wait()

    def reset(self) -> None:
        """Forget all evidence."""
        self.ms = 0
        self.span_frames = 0
        self.gap_ms = self._release_ms

    def _wait(self) -> bool:
        self.gap_ms += FRAME_MS
        if self.ms == 0 or self.gap_ms < self._release_ms:
            return False
        self.reset()
        return True
