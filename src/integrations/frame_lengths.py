"""One frame out for each frame in, where what is judged comes out longer, shorter or not at all.

A gate that opens gives the held onset along with the frame of the moment, and takes as much back
as silence left out later; and it works in pieces of 20 ms, whatever the frames. A framework that
asks a function for one frame in place of another gets a longer one for the onset, never an empty
one, and none that ends within 10 ms: WebRTC's processing takes whole 10 ms only.

Invariant: what is judged goes out once, in order; only silence is added, and as much silence is
left out again where there is some.
"""

from __future__ import annotations

__all__ = ["FrameLengths"]

import math

from ..core.audio import AudioFormat

_STEP_MS = 10


class FrameLengths:
    """Puts judged PCM16 audio into frames.

    Args:
        audio_format: PCM16, of what goes in and of what comes out.

    Frames whose length is no multiple of 20 ms come out steady, late by what is missing to the next
    20 ms that both have in common: 10 ms for frames of 10, 30 or 50 ms.
    """

    __slots__ = ("_format", "_held_back", "_queue", "_step_bytes", "added_bytes")

    def __init__(self, audio_format: AudioFormat) -> None:
        self.added_bytes = 0
        """Silence that stands in for frames left out, and is to be left out itself."""
        self._format = audio_format
        self._step_bytes = audio_format.frame_bytes * _STEP_MS // 20
        self._queue = bytearray()
        self._held_back = 0

    def exchange(self, judged: bytes, n_bytes: int) -> bytes:
        """Return the frame that stands for one of ``n_bytes``.

        Args:
            judged: What the gate gave for it; empty where nothing goes out.
            n_bytes: Length of the frame that came in, above 0.

        Returns:
            A frame of ``n_bytes``; longer where held audio was released, and for a frame left out
            10 ms of silence.
        """
        self._hold_back(n_bytes)
        self._queue += judged
        n_ready = len(self._queue)
        n_out = max(n_ready - self._held_back, min(n_bytes, n_ready))
        frame = bytes(self._queue[:n_out])
        del self._queue[:n_out]
        return self._left_out(frame) if frame else self._stand_in(n_bytes)

    def _hold_back(self, n_bytes: int) -> None:
        """Begin to hold back as much as keeps frames of this length steady."""
        needed = self._format.frame_bytes - math.gcd(n_bytes, self._format.frame_bytes)
        if needed > self._held_back:
            self._queue[:0] = self._format.silence(needed - self._held_back)
            self._held_back = needed

    def _stand_in(self, n_bytes: int) -> bytes:
        n_silent = min(self._step_bytes, n_bytes)
        self.added_bytes += n_silent
        return self._format.silence(n_silent)

    def _left_out(self, frame: bytes) -> bytes:
        """Shorten a silent frame by what stood in for others, and leave at least 10 ms."""
        n_spare = min(self.added_bytes, len(frame) - self._step_bytes)
        n_spare -= n_spare % self._step_bytes
        if n_spare <= 0 or any(frame):
            return frame
        self.added_bytes -= n_spare
        return frame[n_spare:]
