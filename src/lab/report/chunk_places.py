"""Where captured chunks lie on the call's axis of time.

A chunk of a recording with audio lies where its sound does. Of a trace alone it is found out as the
recorder does: behind the one before it, or, after a stall, so that what came at once ended when it
came. Invariant: places are handed out in the order of the chunks.
"""

from __future__ import annotations

__all__ = ["ChunkPlaces", "Placed"]

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...core.audio import AudioFormat
from ...core.units import ms_to_bytes
from ...recordings.audio_tracks import AudioTracks, Side, Stretch

_FORMAT = AudioFormat()
_DRAIN_EVERY = 500
"""Chunks between two times that what is settled is let go of."""

Chunk = TypeVar("Chunk")


@dataclass(frozen=True, slots=True)
class Placed(Generic[Chunk]):
    """A chunk, and where it lies."""

    begins_ms: float
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Chunk]):
    chunk: Chunk
    begins_ms: float
    """As far as is known."""
    stretch: Stretch | None = None
    """Settles where it lies; None where that is known."""


class ChunkPlaces(Generic[Chunk]):
    """Takes chunks in their order, and gives them back with their places."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting[Chunk]] = deque()
        self._tracks: AudioTracks | None = None
        self._origin_ms = self._newest_ms = 0.0
        self._n_taken = 0
        self._is_past = False
        self._is_recorded = False
        """Places are told; a chunk without one is none of the line's, and lies where it came."""

    def take(
        self, chunk: Chunk, *, now_ms: float, duration_ms: float, track_ms: float | None
    ) -> Iterator[Placed[Chunk]]:
        """Take the next chunk; yield those whose place is known by now.

        Args:
            chunk: What is to be given back.
            now_ms: When it came.
            duration_ms: How long it is.
            track_ms: Where it begins, if that was recorded.
        """
        self._is_recorded |= track_ms is not None
        begins_ms = now_ms - duration_ms if track_ms is None else track_ms
        stretch = None if self._is_recorded else self._stretch(now_ms, duration_ms)
        self._waiting.append(_Waiting(chunk, begins_ms, stretch))
        yield from self._settled()

    def rest(self) -> Iterator[Placed[Chunk]]:
        """Yield those that still waited: no chunk comes any more."""
        if self._tracks is not None:
            self._tracks.take(is_over=True)
        yield from self._settled()

    def _stretch(self, now_ms: float, duration_ms: float) -> Stretch | None:
        """Return what settles a place; None where the chunk is one of the past, or no chunk."""
        if self._tracks is None:
            self._origin_ms = self._newest_ms = now_ms - duration_ms
            self._tracks = AudioTracks(far_end=_FORMAT, capture=_FORMAT, origin_ms=self._origin_ms)
        is_shown = self._is_past and now_ms == self._newest_ms
        self._is_past = now_ms < self._newest_ms or is_shown
        if self._is_past:
            return None  # shown once more to a gate that takes over
        self._newest_ms = now_ms
        self._n_taken += 1
        if self._n_taken % _DRAIN_EVERY == 0:
            self._tracks.take()
        silence = _FORMAT.silence(ms_to_bytes(duration_ms, _FORMAT))
        return self._tracks.receive(Side.CAPTURE, silence, now_ms, now_ms)

    def _settled(self) -> Iterator[Placed[Chunk]]:
        while self._waiting:
            first = self._waiting[0]
            begins_ms = first.begins_ms
            if first.stretch is not None:
                if first.stretch.at is None:
                    return
                begins_ms = self._origin_ms + first.stretch.at * 1000 / _FORMAT.rate_hz
            self._waiting.popleft()
            yield Placed(begins_ms, first.chunk)
