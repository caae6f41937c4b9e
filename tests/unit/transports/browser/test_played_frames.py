"""What a page's reports prove, and what they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.transports.browser.played_frames import PlayedFrames


def sent(n_frames: int) -> PlayedFrames:
    frames = PlayedFrames()
    for _ in range(n_frames):
        frames.send()
    return frames


def test_a_report_counts_the_frames_of_the_call():
    """One by one, or several at once."""
    frames = sent(5)
    assert [frames.receive(n, 0) for n in (1, 2, 5)] == [1, 2, 5]


def test_after_a_flush_only_reports_that_name_it_count():
    """Those that were on their way are void, however many frames they name."""
    frames = sent(5)
    assert frames.receive(2, 0) == 2
    assert frames.flush() == 1
    for _ in range(3):
        frames.send()
    assert frames.receive(4, 0) is None
    assert frames.receive(1, 1) == 6
    assert frames.flush() == 2
    assert frames.receive(2, 1) is None
    assert (frames.void_reports, frames.impossible_reports) == (2, 0)


@pytest.mark.parametrize(("n_frames", "flush"), [(6, 0), (1, 1), (0, 2)])
def test_what_was_never_sent_was_never_played(n_frames: int, flush: int):
    """It changes nothing."""
    frames = sent(5)
    assert frames.receive(n_frames, flush) is None
    assert frames.impossible_reports == 1
    assert frames.receive(5, 0) == 5


def test_a_report_that_comes_late_or_twice_proves_nothing_new():
    """Nor does one of no frames."""
    frames = sent(5)
    frames.receive(3, 0)
    assert [frames.receive(n, 0) for n in (3, 2, 0)] == [None] * 3
    assert frames.void_reports == 3


def test_frames_left_out_are_over_when_a_later_one_is():
    """The page never counts them."""
    frames = sent(2)
    for _ in range(2):
        frames.send()
        frames.leave_out()
    frames.send()
    assert frames.receive(2, 0) == 2
    assert frames.receive(4, 0) is None
    assert frames.receive(3, 0) == 5


def test_what_was_left_out_before_a_flush_is_over():
    """The count after it begins behind all that was given."""
    frames = sent(1)
    frames.send()
    frames.leave_out()
    frames.flush()
    frames.send()
    assert frames.receive(1, 1) == 3


def test_a_page_that_reports_nothing_costs_no_memory():
    """The oldest frames left out are taken for over."""
    frames = sent(1)
    for _ in range(5000):
        frames.send()
        frames.leave_out()
    frames.send()
    assert len(frames._left_out) == 3000
    assert frames.receive(2, 0) == 5002


@given(st.lists(st.sampled_from(["send", "leave_out", "flush", "play", "report"]), max_size=200))
def test_reports_of_a_truthful_page_are_the_truth(steps: list[str]):
    """Whatever is sent, left out, played and flushed, and whenever it is reported."""
    frames = PlayedFrames()
    given_frames = flush = n_played = 0
    held: list[int] = []
    last_over = over = 0
    for step in steps:
        if step in ("send", "leave_out"):
            given_frames += 1
            frames.send()
            held.append(given_frames) if step == "send" else frames.leave_out()
        elif step == "flush":
            flush = frames.flush()
            held.clear()
            n_played = 0
        elif step == "play" and held:
            over = held.pop(0)
            n_played += 1
        elif step == "report" and n_played:
            told = frames.receive(n_played, flush)
            assert told == (over if over > last_over else None)
            last_over = max(over, last_over)
    assert frames.impossible_reports == 0
