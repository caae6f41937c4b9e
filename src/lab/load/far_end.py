"""What a caller's telephone has got to play: frames in order, and marks between them."""

from __future__ import annotations

__all__ = ["SILENT_PCM", "FarEnd"]

from collections import deque

SILENT_PCM = bytes(320)
"""A frame of silence: 160 samples of int16."""
_PREFILLED = 2
"""Frames that are waited for before the telephone plays."""


class FarEnd:
    """Frames and marks that wait for the telephone's clock.

    Args:
        max_frames: Frames that may wait; beyond, the oldest goes.
    """

    __slots__ = ("_is_playing", "_marks", "_max_frames", "_n_frames", "_waiting")

    def __init__(self, max_frames: int) -> None:
        self._waiting: deque[bytes | str] = deque()
        self._max_frames = max_frames
        self._n_frames = 0
        self._is_playing = False
        self._marks: list[str] = []

    def push(self, pcm: bytes) -> None:
        """Take a frame: 160 samples of int16."""
        self._waiting.append(pcm)
        self._n_frames += 1
        if self._n_frames > self._max_frames:
            self._take()

    def push_mark(self, name: str) -> None:
        """Take a mark: it is passed once all before it is played."""
        self._waiting.append(name)
        if not self._n_frames:
            self._pass_marks()

    def pop(self) -> bytes:
        """Return the frame of the next slot; silence where there is none."""
        if not self._is_playing and self._n_frames < _PREFILLED:
            return SILENT_PCM
        frame = self._take() if self._n_frames else None
        self._is_playing = frame is not None
        return SILENT_PCM if frame is None else frame

    def clear(self) -> None:
        """Forget what waits; its marks are passed."""
        self._marks += [each for each in self._waiting if isinstance(each, str)]
        self._waiting.clear()
        self._n_frames = 0
        self._is_playing = False

    def passed_marks(self) -> list[str]:
        """Return the marks that were passed since this was last asked, in order."""
        marks, self._marks = self._marks, []
        return marks

    def _take(self) -> bytes:
        """Take the oldest frame, with the marks around it; there is one."""
        self._pass_marks()
        frame = self._waiting.popleft()
        assert isinstance(frame, bytes), "the marks before it are gone"  # noqa: S101
        self._n_frames -= 1
        self._pass_marks()
        return frame

    def _pass_marks(self) -> None:
        while self._waiting and isinstance(self._waiting[0], str):
            self._marks.append(self._waiting.popleft())  # type: ignore[arg-type]
