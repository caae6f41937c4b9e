"""Rows come back as columns, from memory and from a file."""

from __future__ import annotations

from pathlib import Path

from support.load_sides import columns, side
from voxgate.lab.load.frame_log import (
    SILENT_DIGEST,
    EventRow,
    FrameLog,
    MeasuredSide,
    frame_digest,
)


def test_rows_are_taken_once() -> None:
    """What was taken is forgotten, so that each window has its own."""
    log = FrameLog()
    log.add(1.5, 3, 2**32 - 1)
    log.add(2.5, 4, 0)
    taken = log.take()
    assert taken.t_ms.tolist() == [1.5, 2.5]
    assert taken.number.tolist() == [3, 4]
    assert taken.mark.tolist() == [2**32 - 1, 0]
    assert not len(log.take().t_ms)


def test_a_window_has_its_begin_and_not_its_end() -> None:
    """Windows that follow each other share no row."""
    columns = side(frames=[(1.0, 1, 1), (2.0, 2, 2), (3.0, 3, 3)]).frames
    assert columns.within(1.0, 3.0).number.tolist() == [1, 2]


def test_a_side_survives_its_file(tmp_path: Path) -> None:
    """Every column, event and lag is read as it was written."""
    written = side(
        frames=[(1.0, 1, 11)],
        others=[(2.0, 2, 22), (3.0, 2, 23)],
        events=[EventRow(4.0, 2, "answer", 3700.0)],
        lags_ms=[0.25],
    )
    written.write(tmp_path / "side.npz")
    read = MeasuredSide.read(tmp_path / "side.npz")
    assert read.events == written.events
    assert read.lags_ms.tolist() == [0.25]
    assert read.frames.mark.tolist() == [11]
    assert read.others.t_ms.tolist() == [2.0, 3.0]


def test_silence_has_the_digest_that_is_known() -> None:
    """What stands in for a withheld frame is told from all others."""
    assert frame_digest(b"\xff" * 160) == SILENT_DIGEST
    assert frame_digest(b"\xff" * 159 + b"\x7f") != SILENT_DIGEST


def test_rows_follow_others() -> None:
    """What was measured in two parts is one again."""
    first, later = columns([(1.0, 1, 7), (2.0, 2, 8)]), columns([(3.0, 1, 9)])
    joined = first.followed_by(later)
    assert joined.t_ms.tolist() == [1.0, 2.0, 3.0]
    assert joined.number.tolist() == [1, 2, 1]
    assert joined.mark.tolist() == [7, 8, 9]
    assert joined.number.dtype == first.number.dtype


def test_a_call_lost_before_the_window_is_lost() -> None:
    """Between placing and measuring; what else happened then is not the window's."""
    lost, asked = EventRow(500.0, 1, "lost"), EventRow(600.0, 0, "asks")
    earlier = side(frames=[(1.0, 0, 7)], events=[lost, asked])
    late = EventRow(1500.0, 2, "lost")
    whole = side(frames=[(2.0, 0, 8)], events=[late]).following(earlier)
    assert whole.events == (lost, late)
    assert whole.frames.mark.tolist() == [7, 8]
