"""The buffer in which a phone evens out when frames arrive.

Invariant: frames come out in order, each once or never, one a slot.
"""

from __future__ import annotations

__all__ = ["JITTER_DELAY_MS", "JitterBuffer"]

from collections import deque

import numpy as np
import numpy.typing as npt

from ..core.audio import FRAME_MS, G711_RATE_HZ
from ..core.levels import peak

Frame = npt.NDArray[np.int16]

_TARGET_FRAMES = 2
"""Frames that are waited for before playing begins, so that a late one leaves no hole."""
JITTER_DELAY_MS = _TARGET_FRAMES * FRAME_MS
"""What the buffer delays frames that come evenly, in ms, at most."""
_TOLERATED_FRAMES = 3
"""Frames that may wait all the time: as many as are meant to, and one that came early."""
_MAX_FRAMES = 25
"""500 ms: Asterisk paces nothing, and of a burst of 5 s a telephone was seen to play 0.57 s."""
_SILENT_PEAK = 64.0
"""Below it a frame can be left out unheard; int16 units, -54 dBFS."""


class JitterBuffer:
    """What was received and is still to be played.

    When more waits than is needed, as after a burst, silent frames are left out until the delay is
    what it was; beyond half a second the oldest frame is lost. When it runs dry it plays silence
    until it is filled anew.
    """

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque(maxlen=_MAX_FRAMES)
        self._is_playing = False

    def __len__(self) -> int:
        """Return the number of frames that wait."""
        return len(self._frames)

    def push(self, frame: Frame) -> None:
        """Take a received frame: int16 [shape=(160,), mono, 8 kHz]."""
        self._frames.append(frame)

    def pop(self) -> Frame:
        """Return what is played in this slot: int16 [shape=(160,)]."""
        self._is_playing = bool(self._frames) and (
            self._is_playing or len(self._frames) >= _TARGET_FRAMES
        )
        if not self._is_playing:
            return np.zeros(G711_RATE_HZ * FRAME_MS // 1000, np.int16)
        while len(self._frames) > _TOLERATED_FRAMES and peak(self._frames[0]) < _SILENT_PEAK:
            self._frames.popleft()
        return self._frames.popleft()
