"""What callers heard, of calls that were made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from support.load_sides import side
from voxgate.lab.load.frame_log import PLAYED_SOUND, EventRow
from voxgate.lab.load.line_figures import HeardLine, hear_line

WINDOW_MS = (1000.0, 21_000.0)
SLOTS_MS = [20.0 * n for n in range(1100)]


def hear(callers: Any, server: Any) -> HeardLine:
    """Return what one call heard, whose session is number 5."""
    return hear_line(callers, server, {5: 0}, WINDOW_MS)


def test_the_agent_yields_when_it_is_heard_for_the_last_time() -> None:
    """From the caller's first frame over it; who is not let through is counted as missed."""
    sounds = [(t_ms, 0, 1) for t_ms in SLOTS_MS if 3000 <= t_ms < 5200 or 9000 <= t_ms < 15_000]
    events = [EventRow(5000.0, 0, "interrupts"), EventRow(10_000.0, 0, "interrupts")]
    heard = hear(side(others=sounds, events=events), side())
    assert len(heard.yields_ms) == 2
    assert heard.yields_ms[1] is None
    assert heard.yields_ms[0] == pytest.approx(180.0)


def test_on_a_line_that_buffers_playing_counts() -> None:
    """What came ahead is forgotten by the line's clear."""
    came = [(t_ms - 200, 0, 1) for t_ms in SLOTS_MS if 3000 <= t_ms < 5400]
    played = [(t_ms, 0, PLAYED_SOUND) for t_ms in SLOTS_MS if 3000 <= t_ms < 5100]
    events = [EventRow(5000.0, 0, "interrupts")]
    heard = hear(side(others=came + played, events=events), side())
    assert heard.yields_ms[0] == pytest.approx(80.0)
    assert heard.intervals_ms.max() == pytest.approx(20.0)


def test_an_answer_that_is_cut_off_while_the_caller_is_silent_cut_itself_off() -> None:
    """Not so one that the caller broke into."""
    answers = [EventRow(t_ms, 5, "answer", 4000.0) for t_ms in (3000.0, 9000.0, 15_000.0)]
    cuts = [EventRow(4000.0, 5, "truncated"), EventRow(10_000.0, 5, "truncated")]
    spoke = [EventRow(9800.0, 0, "interrupts")]
    heard = hear(side(events=spoke), side(events=sorted(answers + cuts)))
    assert (heard.answers, heard.cut) == (3, 1)


def test_an_answer_is_heard_after_its_first_delta() -> None:
    """Not where the agent spoke already: that was another's sound."""
    answers = [EventRow(2990.0, 5, "answer"), EventRow(4500.0, 5, "answer")]
    sounds = [(t_ms, 0, 1) for t_ms in SLOTS_MS if 3000 <= t_ms < 8000]
    heard = hear(side(others=sounds), side(events=answers))
    assert heard.first_ms == pytest.approx((10.0,))


def test_gaps_at_the_line_are_counted() -> None:
    """More than 40 ms between two frames; a pause of seconds is none."""
    frames = [(t_ms, 0, 0) for t_ms in SLOTS_MS if not (5000 < t_ms < 5060 or 9000 < t_ms < 12_000)]
    heard = hear(side(others=frames), side())
    assert int((heard.intervals_ms > 40.0).sum()) == 1
    assert float(np.median(heard.intervals_ms)) == pytest.approx(20.0)
