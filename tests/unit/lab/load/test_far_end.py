"""A telephone plays frames in order, and passes marks once all before them is played."""

from __future__ import annotations

from voxgate.lab.load.far_end import SILENT_PCM, FarEnd

FRAMES = [bytes([n]) * 320 for n in range(1, 10)]


def test_playing_begins_once_two_frames_wait() -> None:
    """And then goes on to the last; after that it begins anew."""
    far_end = FarEnd(10)
    far_end.push(FRAMES[0])
    assert far_end.pop() is SILENT_PCM
    far_end.push(FRAMES[1])
    assert [far_end.pop() for _ in range(3)] == [FRAMES[0], FRAMES[1], SILENT_PCM]
    far_end.push(FRAMES[2])
    assert far_end.pop() is SILENT_PCM


def test_the_oldest_goes_where_too_many_wait() -> None:
    """A telephone's buffer is short."""
    far_end = FarEnd(2)
    for frame in FRAMES[:4]:
        far_end.push(frame)
    assert [far_end.pop(), far_end.pop(), far_end.pop()] == [FRAMES[2], FRAMES[3], SILENT_PCM]


def test_marks_are_passed_when_what_is_before_them_is_played() -> None:
    """Not sooner, and in order."""
    far_end = FarEnd(10)
    for item in (*FRAMES[:2], "a", FRAMES[2], "b"):
        far_end.push(item) if isinstance(item, bytes) else far_end.push_mark(item)
    passed = []
    for _ in range(3):
        far_end.pop()
        passed.append(far_end.passed_marks())
    assert passed == [[], ["a"], ["b"]]


def test_a_mark_behind_nothing_is_passed_at_once() -> None:
    """There is nothing to wait for."""
    far_end = FarEnd(10)
    far_end.push_mark("now")
    assert far_end.passed_marks() == ["now"]


def test_clearing_passes_all_marks() -> None:
    """As Twilio does: they prove nothing then."""
    far_end = FarEnd(10)
    far_end.push(FRAMES[0])
    far_end.push_mark("a")
    far_end.push(FRAMES[1])
    far_end.push_mark("b")
    far_end.clear()
    assert far_end.passed_marks() == ["a", "b"]
    assert far_end.pop() is SILENT_PCM
