"""Cuts a stream of byte chunks of any size into frames of one size.

Invariant: the frames and the tail, joined, are the chunks, joined; how the stream was chunked does
not show in the frames.
"""

from __future__ import annotations

__all__ = ["Framer", "is_malformed"]

from .audio import AudioFormat

_MAX_CHUNK_MS = 1000


def is_malformed(chunk: bytes, audio_format: AudioFormat) -> bool:
    """Say whether a chunk is no audio: empty, with half a sample, or longer than a second."""
    return len(chunk) != audio_format.frame_bytes and (
        not chunk
        or len(chunk) % audio_format.sample_bytes != 0
        or audio_format.duration_ms(len(chunk)) > _MAX_CHUNK_MS
    )


class Framer:
    """Collects chunks and gives back whole frames.

    Args:
        frame_bytes: Size of a frame in bytes, such as ``AudioFormat.frame_bytes``.

    Raises:
        ValueError: if ``frame_bytes`` is not positive.
    """

    __slots__ = ("_frame_bytes", "_pending")

    def __init__(self, frame_bytes: int) -> None:
        if frame_bytes < 1:
            raise ValueError(f"frame_bytes: {frame_bytes} is not 1 or more")
        self._frame_bytes = frame_bytes
        self._pending = b""

    @property
    def frame_bytes(self) -> int:
        """Size of a frame in bytes."""
        return self._frame_bytes

    @property
    def pending_bytes(self) -> int:
        """Bytes that wait for the rest of their frame; always fewer than a frame."""
        return len(self._pending)

    def push(self, chunk: bytes) -> list[bytes]:
        """Take the next chunk and return the frames that it completes, oldest first.

        A chunk of exactly one frame that finds nothing pending comes back as the very same object.
        """
        frame_bytes = self._frame_bytes
        if not self._pending and len(chunk) == frame_bytes:
            return [chunk]
        stream = self._pending + chunk
        whole_bytes = len(stream) - len(stream) % frame_bytes
        self._pending = stream[whole_bytes:]
        return [stream[at : at + frame_bytes] for at in range(0, whole_bytes, frame_bytes)]

    def flush(self) -> bytes:
        """Return the incomplete tail, shorter than a frame and often empty, and forget it."""
        tail, self._pending = self._pending, b""
        return tail

    def reset(self) -> None:
        """Forget the incomplete tail, as if nothing had been pushed."""
        self._pending = b""
