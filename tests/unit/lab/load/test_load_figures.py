"""Figures of calls that were made by hand, so that it is known what they must be."""

from __future__ import annotations

from typing import Any

import pytest

from support.load_sides import side
from voxgate.lab.load.frame_log import EventRow
from voxgate.lab.load.load_figures import (
    LoadFigures,
    UsageWindow,
    compute_figures,
    percentiles,
)

WINDOW_MS = (1000.0, 21_000.0)
SLOTS_MS = [20.0 * n for n in range(1100)]


def compute(callers: Any, server: Any, **changes: Any) -> LoadFigures:
    """Return the figures of one call, whose session is number 5."""
    given: dict[str, Any] = {
        "window_ms": WINDOW_MS,
        "n_calls": 1,
        "engine": None,
        "idle": None,
        "load_cpu_s": None,
    }
    return compute_figures(callers, server, {5: 0}, **(given | changes))


def sent(delay_ms: float = 3.0) -> tuple[Any, Any]:
    """Return frames that all passed, and what came at the server."""
    ours = [(t_ms, 0, 1000 + n) for n, t_ms in enumerate(SLOTS_MS)]
    return ours, [(t_ms + delay_ms, 5, mark) for t_ms, _, mark in ours]


def test_latency_is_that_of_the_windows_frames() -> None:
    """The last second's may still be on their way."""
    ours, theirs = sent(21.0)
    figures = compute(side(frames=ours), side(frames=theirs))
    assert figures.line_to_provider.count == 19 * 50
    assert figures.line_to_provider.p99_ms == pytest.approx(21.0)
    assert figures.late_frames == 19 * 50
    assert figures.lost_frames == 0


def test_frames_that_never_came_are_lost() -> None:
    """Three holes in what passed."""
    ours, theirs = sent()
    kept = [row for n, row in enumerate(theirs) if n not in (200, 300, 301)]
    assert compute(side(frames=ours), side(frames=kept)).lost_frames == 3


def test_a_call_that_the_server_hears_no_more_has_lost_its_frames() -> None:
    """To the end of the window, but for its last second."""
    ours, theirs = sent()
    heard = [row for row in theirs if row[0] < 11_000]
    assert compute(side(frames=ours), side(frames=heard)).lost_frames == pytest.approx(450, abs=5)
    assert compute(side(frames=ours), side()).lost_frames == 950


def test_two_sessions_of_a_call_are_one_after_the_other() -> None:
    """Its engine has connected anew: what came in between is what the call has lost."""
    ours, theirs = sent()
    renewed = [
        (t_ms, 5 if t_ms < 9000 else 6, mark) for t_ms, _, mark in theirs if not 9000 < t_ms < 9200
    ]
    figures = compute_figures(
        side(frames=ours),
        side(frames=renewed),
        {5: 0, 6: 0},
        window_ms=WINDOW_MS,
        n_calls=1,
        engine=None,
        idle=None,
        load_cpu_s=None,
    )
    assert figures.lost_frames == 10
    assert figures.line_to_provider.count == 19 * 50 - 10


def test_audio_in_another_format_is_timed_by_its_place() -> None:
    """The server tells its lengths and marks no frame; what is missing of it is lost."""
    ours, _ = sent()
    pieces = [(t_ms + 3.0, 5, 160) for t_ms, _, _ in ours]
    figures = compute(side(frames=ours), side(others=pieces))
    assert figures.line_to_provider.max_ms == pytest.approx(3.0)
    assert figures.line_to_provider.count >= 19 * 50 - 1
    assert figures.lost_frames == 0
    silent = [row for row in pieces if row[0] < 11_000]
    figures = compute(side(frames=ours), side(others=silent))
    assert figures.lost_frames == pytest.approx(450, abs=2)


def test_audio_that_is_sent_anew_behind_a_clear_is_not_counted_twice() -> None:
    """A client that finds turns itself clears the buffer and sends their beginning again."""
    ours, _ = sent()
    pieces = [(t_ms + 3.0, 5, 160) for t_ms, _, _ in ours]
    pieces += [(t_ms + 4.0, 5, 3200) for t_ms in (5000.0, 9000.0)]
    cleared = [EventRow(t_ms + 4.0, 5, "cleared") for t_ms in (5000.0, 9000.0)]
    figures = compute(side(frames=ours), side(others=pieces, events=cleared))
    assert figures.line_to_provider.max_ms == pytest.approx(3.0)
    assert figures.lost_frames == 0


def test_what_the_engine_used_is_shared_by_its_calls() -> None:
    """CPU by calls and seconds, memory beyond that without calls."""
    figures = compute(
        side(events=[EventRow(2000.0, 0, "lost"), EventRow(2000.0, 0, "unanswered")]),
        side(),
        n_calls=4,
        engine=UsageWindow(
            cpu_s=10.0, waited_s=1.0, resident_bytes=9_000_000, core_s=12.0, wakeups=600
        ),
        idle=UsageWindow(cpu_s=0.01, waited_s=0.0, resident_bytes=1_000_000),
        load_cpu_s=5.0,
    )
    assert figures.cpu_per_call == pytest.approx(0.125)
    assert figures.core_share == pytest.approx(0.5)
    assert figures.memory_per_call_bytes == pytest.approx(2_000_000)
    assert figures.waited_share == pytest.approx(0.05)
    assert figures.others_share == pytest.approx(0.1)
    assert figures.wakeups_per_s == pytest.approx(30.0)
    assert figures.load_share == pytest.approx(0.25)
    assert (figures.lost_calls, figures.unanswered) == (1, 1)


def test_without_anything_there_are_no_figures() -> None:
    """And no error."""
    figures = compute(side(), side())
    assert figures.line_to_provider.p99_ms is None
    assert figures.cpu_per_call is None
    assert percentiles([]).max_ms is None
