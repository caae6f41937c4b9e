"""The frames that wait behind a closed gate: at most 25 chunks of 20 ms, newest kept.

Invariant: a frame that left, released or discarded, is never given out again.
"""

from __future__ import annotations

__all__ = ["MAX_HELD_CHUNKS", "HeldAudio"]

from collections import deque

MAX_HELD_CHUNKS = 25
"""Chunks held at most: 500 ms, enough for a word's onset and its evidence."""

_MASK = (1 << MAX_HELD_CHUNKS) - 1


class HeldAudio:
    """The 25-chunk deque of one call, with the echo verdict on each chunk."""

    __slots__ = ("_chunks", "_echo_bits")

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=MAX_HELD_CHUNKS)
        self._echo_bits = 0
        """Bit 0 belongs to the newest chunk: 1 where it was judged echo."""

    def __len__(self) -> int:
        """Return the number of chunks held."""
        return len(self._chunks)

    def hold(self, chunk: bytes, *, is_echo: bool) -> None:
        """Keep a chunk; the oldest goes when 25 are held."""
        self._chunks.append(chunk)
        self._echo_bits = (self._echo_bits << 1 | is_echo) & _MASK

    def release(self, max_chunks: int, *, sure_chunks: int = 0) -> tuple[bytes, ...]:
        """Return the newest chunks, oldest first, and forget all.

        Args:
            max_chunks: How far back to go at most.
            sure_chunks: The newest chunks known to be the caller's; beyond them a chunk judged echo
                ends the walk, so that no echo goes out before the caller's onset.
        """
        n_chunks = min(max_chunks, len(self._chunks))
        for age in range(sure_chunks, n_chunks):
            if self._echo_bits >> age & 1:
                n_chunks = age
                break
        first = len(self._chunks) - n_chunks
        released = tuple(chunk for i, chunk in enumerate(self._chunks) if i >= first)
        self.discard()
        return released

    def discard(self) -> int:
        """Forget all chunks; return how many there were."""
        n_chunks = len(self._chunks)
        self._chunks.clear()
        self._echo_bits = 0
        return n_chunks
