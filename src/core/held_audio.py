"""The frames that wait behind a closed gate: at most 25 chunks of 20 ms, newest kept.

Invariant: a frame that left, released or discarded, is never given out again.
"""

from __future__ import annotations

__all__ = ["MAX_HELD_CHUNKS", "HeldAudio"]

import math
from array import array
from collections import deque
from itertools import islice

MAX_HELD_CHUNKS = 25
"""Chunks held at most: 500 ms, enough for a word's onset and its evidence."""

_MASK = (1 << MAX_HELD_CHUNKS) - 1


class HeldAudio:
    """The 25-chunk deque of one call, with what is known of each chunk."""

    __slots__ = ("_chunks", "_echo_bits", "_judged_bits", "_levels")

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=MAX_HELD_CHUNKS)
        self._levels = array("H")
        """RMS of each chunk in int16 units, rounded up; two bytes each, as state is kept small."""
        self._echo_bits = 0
        """1 where a chunk was judged echo; bit 0 belongs to the newest chunk."""
        self._judged_bits = 0
        """1 where a reference told whether a chunk is echo."""

    def __len__(self) -> int:
        """Return the number of chunks held."""
        return len(self._chunks)

    def hold(self, chunk: bytes, *, level: float, is_echo: bool | None) -> None:
        """Keep a chunk; the oldest goes when 25 are held.

        Args:
            chunk: 20 ms of capture.
            level: Its RMS in int16 units.
            is_echo: Whether it is the agent's echo; None where no reference tells.
        """
        if len(self._chunks) == MAX_HELD_CHUNKS:
            del self._levels[0]
        self._chunks.append(chunk)
        self._levels.append(math.ceil(level))
        self._echo_bits = (self._echo_bits << 1 | (is_echo is True)) & _MASK
        self._judged_bits = (self._judged_bits << 1 | (is_echo is not None)) & _MASK

    def release(self, max_chunks: int, *, sure_chunks: int = 0) -> tuple[bytes, ...]:
        """Return the newest chunks, oldest first, and forget all.

        A chunk judged echo ends the walk back, so that no echo goes out before the caller's onset.
        Where no reference tells, a chunk beyond the sure ones is judged echo unless it is louder
        than all that was held before the ``max_chunks``: a soft onset on a line without echo is
        louder than that, and the echo that goes on there is not.

        Args:
            max_chunks: How far back to go at most.
            sure_chunks: The newest chunks known to be the caller's.
        """
        n_held = len(self._chunks)
        n_released = min(max_chunks, n_held)
        loudest_before = max(self._levels[: n_held - n_released], default=0)
        for age in range(n_released):
            if self._is_echo(age, loudest_before, is_sure=age < sure_chunks):
                n_released = age
                break
        released = tuple(islice(self._chunks, n_held - n_released, None))
        self.discard()
        return released

    def discard(self) -> int:
        """Forget all chunks; return how many there were."""
        n_chunks = len(self._chunks)
        self._chunks.clear()
        del self._levels[:]
        self._echo_bits = self._judged_bits = 0
        return n_chunks

    def _is_echo(self, age: int, loudest_before: int, *, is_sure: bool) -> bool:
        if self._judged_bits >> age & 1:
            return bool(self._echo_bits >> age & 1)
        return not is_sure and self._levels[-1 - age] <= loudest_before
