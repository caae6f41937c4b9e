"""Columns of what was sent, heard and received, one row a 20 ms frame, and their files.

A row costs the process that measures a fraction of a microsecond; what it means is found later.
Invariant: the columns of a log are of equal length, and its rows are in the order of their times.
"""

from __future__ import annotations

__all__ = [
    "PLAYED_SOUND",
    "SILENT_DIGEST",
    "SOUND",
    "EventRow",
    "FrameColumns",
    "FrameLog",
    "MeasuredSide",
    "frame_digest",
]

import json
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_MULAW_SILENCE = b"\xff" * 160


def frame_digest(mulaw: bytes) -> int:
    """Return what a frame of mu-law is recognised by, 0..2**32-1."""
    return zlib.crc32(mulaw)


SILENT_DIGEST = frame_digest(_MULAW_SILENCE)
"""Of a frame of digital silence, which is what stands in for one that a gate withholds."""


SOUND = 1
"""Mark of a frame with sound, when it comes to a caller."""
PLAYED_SOUND = 2
"""Mark of a frame with sound that a line which buffers has played."""


class EventRow(NamedTuple):
    """Something that happens seldom."""

    t_ms: float
    """Monotonic time, the same in all processes of a machine."""
    number: int
    """Of the call at the callers' side, of the session at the server's."""
    kind: str
    value: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameColumns:
    """Frames as arrays."""

    t_ms: npt.NDArray[np.float64]
    """When, monotonic."""
    number: npt.NDArray[np.uint32]
    """Which call, or which session."""
    mark: npt.NDArray[np.uint32]
    """Digest of a frame; or how long it is in ms, or whether it has sound, as the log says."""

    def followed_by(self, later: FrameColumns) -> FrameColumns:
        """Return these rows and then the later ones."""
        return FrameColumns(
            t_ms=np.concatenate([self.t_ms, later.t_ms]),
            number=np.concatenate([self.number, later.number]),
            mark=np.concatenate([self.mark, later.mark]),
        )

    def within(self, begin_ms: float, end_ms: float) -> FrameColumns:
        """Return the rows of ``begin_ms <= t_ms < end_ms``."""
        first, last = np.searchsorted(self.t_ms, [begin_ms, end_ms])
        return FrameColumns(
            t_ms=self.t_ms[first:last],
            number=self.number[first:last],
            mark=self.mark[first:last],
        )


class FrameLog:
    """Rows that are being added."""

    __slots__ = ("_marks", "_numbers", "_times")

    def __init__(self) -> None:
        self._times = array("d")
        self._numbers = array("I")
        self._marks = array("I")

    def add(self, t_ms: float, number: int, mark: int) -> None:
        """Add a row."""
        self._times.append(t_ms)
        self._numbers.append(number)
        self._marks.append(mark)

    def take(self) -> FrameColumns:
        """Return all rows, and forget them."""
        columns = FrameColumns(
            t_ms=np.array(self._times, np.float64),
            number=np.array(self._numbers, np.uint32),
            mark=np.array(self._marks, np.uint32),
        )
        self.__init__()  # type: ignore[misc]
        return columns


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSide:
    """What one process measured."""

    frames: FrameColumns
    """Callers: sent, by digest. Server: received, by digest."""
    others: FrameColumns
    """Callers: received, 1 where there is sound. Server: received, by their length in samples of
    8 kHz."""
    events: tuple[EventRow, ...]
    lags_ms: npt.NDArray[np.float64]
    """How late the process was each time that it wanted to run, in ms."""

    def following(self, earlier: MeasuredSide) -> MeasuredSide:
        """Return it with what counts of the time before: its frames, and the calls lost in it."""
        lost = (event for event in earlier.events if event.kind == "lost")
        frames = earlier.frames.followed_by(self.frames)
        return replace(self, frames=frames, events=(*lost, *self.events))

    def write(self, path: Path) -> None:
        """Write it to a file."""
        columns = {
            f"{name}_{column}": getattr(getattr(self, name), column)
            for name in ("frames", "others")
            for column in ("t_ms", "number", "mark")
        }
        events = np.frombuffer(json.dumps(self.events).encode(), np.uint8)
        with path.open("wb") as sink:
            np.savez(sink, events=events, lags_ms=self.lags_ms, **columns)

    @classmethod
    def read(cls, path: Path) -> MeasuredSide:
        """Read what :meth:`write` wrote."""
        with np.load(path, allow_pickle=False) as held:
            return cls(
                frames=_columns(held, "frames"),
                others=_columns(held, "others"),
                events=_events(json.loads(held["events"].tobytes())),
                lags_ms=held["lags_ms"],
            )


def _columns(held: np.lib.npyio.NpzFile, name: str) -> FrameColumns:
    return FrameColumns(
        t_ms=held[f"{name}_t_ms"], number=held[f"{name}_number"], mark=held[f"{name}_mark"]
    )


def _events(rows: Iterable[tuple[float, int, str, float]]) -> tuple[EventRow, ...]:
    return tuple(EventRow(*row) for row in rows)
