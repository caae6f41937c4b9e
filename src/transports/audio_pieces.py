"""Captured audio in pieces that the gate takes.

Invariant: the pieces, laid end to end, are the audio, each with its own place in the stream.
"""

from __future__ import annotations

__all__ = ["audio_pieces"]

from ..core.audio import AudioFormat
from .base import LineAudio

_MAX_PIECE_MS = 500
"""Longest audio that goes on in one piece: the gate takes a second for malformed."""


def audio_pieces(
    audio: bytes, audio_format: AudioFormat, timestamp_ms: float | None = None
) -> list[LineAudio]:
    """Return audio of any length as events of at most 500 ms.

    Args:
        audio: Whole samples.
        audio_format: What they are.
        timestamp_ms: Where they begin on the line's own clock; None if it has none.
    """
    if 0 < len(audio) <= audio_format.frame_bytes:
        return [LineAudio(audio, timestamp_ms)]
    n_bytes = _MAX_PIECE_MS * audio_format.rate_hz // 1000 * audio_format.sample_bytes
    return [
        LineAudio(
            audio[start : start + n_bytes],
            None if timestamp_ms is None else timestamp_ms + audio_format.duration_ms(start),
        )
        for start in range(0, len(audio), n_bytes)
    ]
