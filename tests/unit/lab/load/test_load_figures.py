"""Figures of calls that were made by hand, so that it is known what they must be."""

from __future__ import annotations

from typing import Any

import pytest

from support.load_sides import side
from voxgate.lab.load.frame_log import PLAYED_SOUND, EventRow
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


def test_the_agent_yields_when_it_is_heard_for_the_last_time() -> None:
    """From the caller's first frame over it; who is not let through is counted as missed."""
    sounds = [(t_ms, 0, 1) for t_ms in SLOTS_MS if 3000 <= t_ms < 5200 or 9000 <= t_ms < 15_000]
    events = [EventRow(5000.0, 0, "interrupts"), EventRow(10_000.0, 0, "interrupts")]
    figures = compute(side(others=sounds, events=events), side())
    assert figures.barge_ins == 2
    assert figures.missed_barge_ins == 1
    assert figures.barge_in.p50_ms == pytest.approx(180.0)


def test_on_a_line_that_buffers_playing_counts() -> None:
    """What came ahead is forgotten by the line's clear."""
    came = [(t_ms - 200, 0, 1) for t_ms in SLOTS_MS if 3000 <= t_ms < 5400]
    played = [(t_ms, 0, PLAYED_SOUND) for t_ms in SLOTS_MS if 3000 <= t_ms < 5100]
    events = [EventRow(5000.0, 0, "interrupts")]
    figures = compute(side(others=came + played, events=events), side())
    assert figures.barge_in.p50_ms == pytest.approx(80.0)
    assert figures.line_interval.max_ms == pytest.approx(20.0)


def test_an_answer_that_is_cut_off_while_the_caller_is_silent_cut_itself_off() -> None:
    """Not so one that the caller broke into."""
    answers = [EventRow(t_ms, 5, "answer", 4000.0) for t_ms in (3000.0, 9000.0, 15_000.0)]
    cuts = [EventRow(4000.0, 5, "truncated"), EventRow(10_000.0, 5, "truncated")]
    spoke = [EventRow(9800.0, 0, "interrupts")]
    figures = compute(side(events=spoke), side(events=sorted(answers + cuts)))
    assert (figures.answers, figures.self_interruptions) == (3, 1)


def test_an_answer_is_heard_after_its_first_delta() -> None:
    """Not where the agent spoke already: that was another's sound."""
    answers = [EventRow(2990.0, 5, "answer"), EventRow(4500.0, 5, "answer")]
    sounds = [(t_ms, 0, 1) for t_ms in SLOTS_MS if 3000 <= t_ms < 8000]
    figures = compute(side(others=sounds), side(events=answers))
    assert figures.provider_to_line.count == 1
    assert figures.provider_to_line.max_ms == pytest.approx(10.0)


def test_gaps_at_the_line_are_counted() -> None:
    """More than 40 ms between two frames; a pause of seconds is none."""
    frames = [(t_ms, 0, 0) for t_ms in SLOTS_MS if not (5000 < t_ms < 5060 or 9000 < t_ms < 12_000)]
    figures = compute(side(others=frames), side())
    assert figures.line_gaps == 1
    assert figures.line_interval.p50_ms == pytest.approx(20.0)


def test_what_the_engine_used_is_shared_by_its_calls() -> None:
    """CPU by calls and seconds, memory beyond that without calls."""
    figures = compute(
        side(events=[EventRow(2000.0, 0, "lost"), EventRow(2000.0, 0, "unanswered")]),
        side(),
        n_calls=4,
        engine=UsageWindow(cpu_s=10.0, waited_s=1.0, resident_bytes=9_000_000),
        idle=UsageWindow(cpu_s=0.01, waited_s=0.0, resident_bytes=1_000_000),
        load_cpu_s=5.0,
    )
    assert figures.cpu_per_call == pytest.approx(0.125)
    assert figures.core_share == pytest.approx(0.5)
    assert figures.memory_per_call_bytes == pytest.approx(2_000_000)
    assert figures.waited_share == pytest.approx(0.05)
    assert figures.load_share == pytest.approx(0.25)
    assert (figures.lost_calls, figures.unanswered) == (1, 1)


def test_without_anything_there_are_no_figures() -> None:
    """And no error."""
    figures = compute(side(), side())
    assert figures.line_to_provider.p99_ms is None
    assert figures.cpu_per_call is None
    assert percentiles([]).max_ms is None
