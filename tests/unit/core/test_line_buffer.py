"""The model of a line that buffers."""

from __future__ import annotations

import pytest

from voxgate.core.line_buffer import LineBuffer
from voxgate.core.playout import PlayoutFrame

ROUND_TRIP_MS = 60.0


def frame(number: int) -> PlayoutFrame:
    """Return a frame that is known by its number."""
    return PlayoutFrame(audio=bytes((number % 256,)), is_agent_audio=True, item_id="a")


def sent(buffer: LineBuffer, n_frames: int, now_ms: float = 0.0) -> list[PlayoutFrame]:
    """Send so many frames at once, and return them."""
    frames = [frame(number) for number in range(n_frames)]
    for each in frames:
        buffer.send(each, now_ms)
    return frames


def played(buffer: LineBuffer, n_slots: int, start_ms: float = 0.0) -> list[PlayoutFrame | None]:
    """Let slots pass, and return what the line played."""
    return [buffer.play_slot(start_ms + 20 * slot) for slot in range(n_slots)]


def reported_in_time(buffer: LineBuffer, n_frames: int, *, stalled_ms: float = 0.0) -> None:
    """Play and report so many frames sent at 0 ms, each a round trip after its end."""
    for number in range(1, n_frames + 1):
        buffer.play_slot(20.0 * (number - 1))
        buffer.report(number, 20.0 * number + ROUND_TRIP_MS + stalled_ms)


class TestPlaying:
    """A frame a slot."""

    def test_frames_are_played_in_order_one_a_slot(self) -> None:
        """What was sent at once is played at real time, then nothing."""
        buffer = LineBuffer()
        frames = sent(buffer, 4)
        assert buffer.waiting_ms == 80
        assert played(buffer, 6) == [*frames, None, None]
        assert buffer.waiting_ms == 0

    def test_a_line_that_was_sent_nothing_plays_nothing(self) -> None:
        """Slots pass without an error."""
        assert played(LineBuffer(), 3) == [None] * 3

    def test_a_line_that_had_stood_still_is_waited_for(self) -> None:
        """Five reports in a row 40 ms late: two slots pass before the next frame."""
        buffer = LineBuffer()
        frames = sent(buffer, 30)
        reported_in_time(buffer, 5)
        for number in range(6, 11):
            buffer.play_slot(20.0 * (number - 1))
            buffer.report(number, 20.0 * number + ROUND_TRIP_MS + 40)
        assert played(buffer, 3, 200.0) == [None, None, frames[10]]
        assert buffer.held_slots == 2

    def test_frames_that_were_under_way_are_not_waited_for_twice(self) -> None:
        """Reports of what was played before the wait are as late as those that caused it."""
        buffer = LineBuffer()
        frames = sent(buffer, 40)
        reported_in_time(buffer, 5)
        played(buffer, 10, 100.0)
        for number in range(6, 16):
            buffer.report(number, 20.0 * number + ROUND_TRIP_MS + 40)
        assert played(buffer, 3, 300.0) == [None, None, frames[15]]
        assert buffer.held_slots == 2

    def test_one_late_report_is_jitter(self) -> None:
        """The least delay of five counts."""
        buffer = LineBuffer()
        frames = sent(buffer, 30)
        reported_in_time(buffer, 10)
        for number in range(11, 16):
            buffer.play_slot(20.0 * (number - 1))
            buffer.report(number, 20.0 * number + ROUND_TRIP_MS + (0 if number == 13 else 50))
        assert played(buffer, 1, 300.0) == [frames[15]]
        assert buffer.held_slots == 0

    def test_a_line_that_is_ahead_is_followed(self) -> None:
        """A report of a frame that should still wait moves the model behind it."""
        buffer = LineBuffer()
        frames = sent(buffer, 10)
        played(buffer, 2)
        buffer.report(5, 30.0)
        assert played(buffer, 1, 40.0) == [frames[5]]

    def test_a_new_beginning_waits_for_nothing(self) -> None:
        """Whatever the line stood still for is over once it has played all that it had."""
        buffer = LineBuffer()
        sent(buffer, 11)
        reported_in_time(buffer, 5)
        for number in range(6, 11):
            buffer.play_slot(20.0 * (number - 1))
            buffer.report(number, 20.0 * number + ROUND_TRIP_MS + 40)
        played(buffer, 3, 200.0)
        again = frame(99)
        buffer.send(again, 500.0)
        assert played(buffer, 1, 500.0) == [again]

    def test_a_round_trip_that_grew_is_known_in_time(self) -> None:
        """After two blocks of reports the longer way is no stall any more."""
        buffer = LineBuffer()
        sent(buffer, 5)
        reported_in_time(buffer, 5)
        for number in range(6, 600):
            buffer.send(frame(number), 20.0 * number)
            buffer.play_slot(20.0 * number)
            buffer.report(number, 20.0 * number + 20 + 100)
        assert buffer.round_trip_ms == pytest.approx(100)


class TestHeard:
    """What the caller has heard, as far as the line has confirmed it."""

    def test_nothing_is_taken_back_of_what_was_confirmed(self) -> None:
        """The rest is, in order, and the line holds nothing any more."""
        buffer = LineBuffer()
        frames = sent(buffer, 10)
        for number in range(1, 5):
            buffer.play_slot(20.0 * (number - 1))
            buffer.report(number, 20.0 * number)
        assert buffer.take_back() == tuple(frames[4:])
        assert buffer.take_back() == ()
        assert buffer.waiting_ms == 0
        assert played(buffer, 1, 100.0) == [None]

    def test_a_frame_that_is_being_played_counts(self) -> None:
        """Its report can't be there before its end."""
        buffer = LineBuffer()
        frames = sent(buffer, 10)
        for number in range(1, 5):
            buffer.play_slot(20.0 * (number - 1))
            buffer.report(number, 20.0 * number)
        buffer.play_slot(80.0)
        assert buffer.unheard() == tuple(frames[5:])

    def test_what_should_have_been_played_is_not_heard_without_the_lines_word(self) -> None:
        """A line that stands still has not played what the model says."""
        buffer = LineBuffer()
        frames = sent(buffer, 20)
        for number in range(1, 5):
            buffer.play_slot(20.0 * (number - 1))
            buffer.report(number, 20.0 * number)
        played(buffer, 10, 80.0)
        assert buffer.unheard() == tuple(frames[5:])

    def test_a_round_trip_of_frames_is_heard_before_the_word_of_it_comes(self) -> None:
        """What is taken back reaches a line that has played on meanwhile."""
        buffer = LineBuffer()
        frames = sent(buffer, 20)
        played(buffer, 8)
        for number in range(1, 6):
            buffer.report(number, 20.0 * number + ROUND_TRIP_MS)
        assert buffer.round_trip_ms == ROUND_TRIP_MS
        assert buffer.unheard() == tuple(frames[8:])

    def test_before_the_first_word_one_frame_is_believed(self) -> None:
        """Nothing is known of the line yet."""
        buffer = LineBuffer()
        frames = sent(buffer, 10)
        played(buffer, 6)
        assert buffer.unheard() == tuple(frames[1:])

    def test_a_line_that_never_says_a_word_is_believed_in_the_end(self) -> None:
        """After two seconds it is taken for one that can't."""
        buffer = LineBuffer()
        sent(buffer, 100)
        played(buffer, 99)
        assert len(buffer.unheard()) == 99
        played(buffer, 1, 1980.0)
        assert buffer.unheard() == ()

    def test_what_is_said_of_frames_taken_back_comes_too_late(self) -> None:
        """All of them are reported when the line forgets them: that proves nothing."""
        buffer = LineBuffer()
        sent(buffer, 10)
        played(buffer, 2)
        buffer.take_back()
        again = sent(buffer, 3, 100.0)
        buffer.report(10, 110.0)
        played(buffer, 2, 100.0)
        assert buffer.unheard() == tuple(again[1:])

    @pytest.mark.parametrize("n_frames", [-1, 0, 11])
    def test_words_about_frames_that_are_not_there_change_nothing(self, n_frames: int) -> None:
        """Nothing before the first, nothing that was not sent."""
        buffer = LineBuffer()
        frames = sent(buffer, 10)
        buffer.report(n_frames, 0.0)
        assert buffer.unheard() == tuple(frames)

    def test_what_waits_for_a_word_is_bounded(self) -> None:
        """A minute of frames, then the oldest count as played."""
        buffer = LineBuffer()
        for number in range(4000):
            buffer.send(frame(number), 20.0 * number)
            buffer.play_slot(20.0 * number)
        assert len(buffer._frames) == 3000
        assert buffer.unheard() == ()
