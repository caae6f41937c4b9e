"""Marks: what they prove, and what not."""

from __future__ import annotations

import pytest

from voxgate.transports.played_marks import PlayedMarks


def sent(n_frames: int) -> PlayedMarks:
    marks = PlayedMarks()
    for _ in range(n_frames):
        marks.send()
    return marks


def test_a_mark_says_how_many_frames_were_played():
    """Each is named by the frames sent before it."""
    marks = PlayedMarks()
    names = [marks.send() for _ in range(3)]
    assert [marks.receive(name) for name in names] == [1, 2, 3]


def test_marks_after_our_own_clear_prove_nothing():
    """Twilio returns all of them at once; those of frames sent later count again."""
    marks = PlayedMarks()
    names = [marks.send() for _ in range(4)]
    assert marks.receive(names[0]) == 1
    marks.clear()
    assert [marks.receive(name) for name in names[1:]] == [None] * 3
    assert marks.void_marks == 3
    assert marks.receive(marks.send()) == 5


def test_a_mark_that_comes_late_or_twice_says_nothing_new():
    """Time does not run backwards."""
    marks = sent(3)
    assert marks.receive("2") == 2
    assert marks.receive("1") is None
    assert marks.receive("2") is None
    assert (marks.void_marks, marks.foreign_marks) == (2, 0)


@pytest.mark.parametrize("name", ["", "0", "4", "-1", "1.0", "abc", "9" * 40, "\u0662", " 1"])
def test_marks_that_we_never_sent_are_counted(name: str):
    """Whatever they are named."""
    marks = sent(3)
    assert marks.receive(name) is None
    assert (marks.void_marks, marks.foreign_marks) == (0, 1)


def test_a_frame_held_back_is_not_in_the_mark_behind_the_others():
    """It is proven by a later mark; one that would prove nothing new is not sent."""
    marks = PlayedMarks()
    assert marks.send_partly(1) is None
    assert marks.send_partly(1) == "1"
    assert marks.send_partly(2) is None
    assert marks.send_partly(0) == "4"
    assert marks.receive("4") == 4
    marks.clear()
    assert marks.send_partly(1) is None
    assert marks.send_partly(0) == "6"
