"""Arithmetic on intervals of stream time.

Invariant: what a function here returns is sorted, free of overlaps and without empty intervals.
"""

from __future__ import annotations

__all__ = ["Interval", "clipped", "complement", "intersection", "merged", "total_ms", "widened"]

from collections.abc import Iterable, Sequence

Interval = tuple[float, float]
"""Stream time [start, end) in ms."""


def merged(intervals: Iterable[Interval], *, max_gap_ms: float = 0.0) -> tuple[Interval, ...]:
    """Return the union; neighbours that touch or are less than ``max_gap_ms`` apart are joined."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        gap_ms = start - joined[-1][1] if joined else None
        if gap_ms is not None and (gap_ms <= 0 or gap_ms < max_gap_ms):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def clipped(intervals: Iterable[Interval], start_ms: float, end_ms: float) -> tuple[Interval, ...]:
    """Return the part of the union that lies in [start, end)."""
    return merged((max(start, start_ms), min(end, end_ms)) for start, end in intervals)


def widened(
    intervals: Iterable[Interval], *, before_ms: float, after_ms: float
) -> tuple[Interval, ...]:
    """Return the union of the intervals, each begun earlier and ended later."""
    return merged((start - before_ms, end + after_ms) for start, end in intervals)


def complement(intervals: Iterable[Interval], duration_ms: float) -> tuple[Interval, ...]:
    """Return what of [0, duration) the intervals leave out."""
    covered = clipped(intervals, 0.0, duration_ms)
    starts = [0.0, *(end for _, end in covered)]
    ends = [*(start for start, _ in covered), duration_ms]
    return merged(zip(starts, ends, strict=True))


def intersection(first: Iterable[Interval], second: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return what lies in both unions."""
    left, right = merged(first), merged(second)
    common: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        common.append((max(left[i][0], right[j][0]), min(left[i][1], right[j][1])))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return merged(common)


def total_ms(intervals: Sequence[Interval]) -> float:
    """Return the length of intervals that don't overlap, in ms."""
    return float(sum(end - start for start, end in intervals))
