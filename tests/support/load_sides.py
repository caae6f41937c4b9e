"""What callers and servers of a load run might have measured, made by hand."""

from __future__ import annotations

__all__ = ["columns", "figures", "side"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from voxgate.lab.load.frame_log import EventRow, FrameColumns, MeasuredSide
from voxgate.lab.load.load_figures import LoadFigures, Percentiles

_NOTHING = Percentiles(count=0)


def columns(rows: Sequence[tuple[float, int, int]] = ()) -> FrameColumns:
    """Return rows of (t_ms, number, mark) as columns."""
    ordered = sorted(rows)
    return FrameColumns(
        t_ms=np.array([row[0] for row in ordered], np.float64),
        number=np.array([row[1] for row in ordered], np.uint32),
        mark=np.array([row[2] for row in ordered], np.uint32),
    )


def side(
    frames: Sequence[tuple[float, int, int]] = (),
    others: Sequence[tuple[float, int, int]] = (),
    events: Sequence[EventRow] = (),
    lags_ms: Sequence[float] = (),
) -> MeasuredSide:
    """Return what one process measured."""
    return MeasuredSide(
        frames=columns(frames),
        others=columns(others),
        events=tuple(events),
        lags_ms=np.array(lags_ms, np.float64),
    )


def figures(calls: int = 10, **changes: Any) -> LoadFigures:
    """Return figures of a load that was held, changed where a test wants it."""
    held = LoadFigures(
        calls=calls,
        seconds=20.0,
        line_to_provider=Percentiles(count=1000, p50_ms=1.5, p99_ms=8.0, max_ms=19.0),
        live_to_provider=Percentiles(count=400, p50_ms=1.4, p99_ms=7.0, max_ms=18.0),
        provider_to_line=Percentiles(count=30, p50_ms=11.0, p99_ms=20.0, max_ms=21.0),
        barge_in=Percentiles(count=5, p50_ms=120.0, p99_ms=180.0, max_ms=181.0),
        late_frames=0,
        lost_frames=0,
        uncertain_frames=20,
        released_frames=12,
        line_gaps=0,
        line_interval=Percentiles(count=9000, p50_ms=20.0, p99_ms=24.0, max_ms=31.0),
        barge_ins=5,
        missed_barge_ins=0,
        answers=30,
        self_interruptions=0,
        unanswered=0,
        lost_calls=0,
        cpu_per_call=0.006,
        core_share=0.06,
        memory_per_call_bytes=1.25 * 2**20,
        idle_share=0.0,
        waited_share=0.0,
        others_share=None,
        wakeups_per_s=600.0,
        load_share=0.2,
        caller_lag=Percentiles(count=1000, p50_ms=0.1, p99_ms=1.0, max_ms=2.0),
        server_lag=_NOTHING,
    )
    return replace(held, **changes)
