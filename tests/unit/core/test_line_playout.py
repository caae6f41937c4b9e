"""What lines are sent and play: those that buffer, and those that do not."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.line_playout import LinePlayout
from voxgate.core.playout import Playout, PlayoutFrame

MULAW = AudioFormat(Encoding.MULAW)
SILENCE = MULAW.silence(160)
LEAD_MS = 200.0


def voice(n_frames: int, first: int = 0) -> bytes:
    """Return audio whose frames are told apart by their bytes; none is silence."""
    return b"".join(bytes((number % 200,)) * 160 for number in range(first, first + n_frames))


def frames_of(audio: bytes) -> list[bytes]:
    return [audio[at : at + 160] for at in range(0, len(audio), 160)]


class Line:
    """A far line: plays what arrives at real time and says so, half a round trip away.

    Time goes in steps of 1 ms.
    """

    def __init__(self, round_trip_ms: int = 0) -> None:
        self.way_ms = round_trip_ms / 2
        self.played: list[bytes] = []
        self.max_held_ms = 0.0
        self.is_stalled = False
        self._arriving: deque[tuple[float, int, bytes]] = deque()
        self._held: deque[tuple[int, bytes]] = deque()
        self._reports: deque[tuple[float, int]] = deque()
        self._n_sent = 0
        self._n_cleared = 0
        self._left_ms = 0

    def send(self, audio: bytes, now_ms: float) -> None:
        self._n_sent += 1
        self._arriving.append((now_ms + self.way_ms, self._n_sent, audio))

    def clear(self, now_ms: float) -> None:
        self._n_cleared = self._n_sent
        self._arriving.append((now_ms + self.way_ms, 0, b"clear"))

    def step(self, now_ms: float) -> list[int]:
        """Let a ms pass; return the reports that come home."""
        while self._arriving and self._arriving[0][0] <= now_ms:
            _, number, audio = self._arriving.popleft()
            if audio == b"clear":
                for held, _ in self._held:
                    self._reports.append((now_ms + self.way_ms, held))
                self._held.clear()
                self._left_ms = 0
                continue
            if not self._held:
                self._left_ms = 20
            self._held.append((number, audio))
        self._play(now_ms)
        home = []
        while self._reports and self._reports[0][0] <= now_ms:
            number = self._reports.popleft()[1]
            if number > self._n_cleared:
                home.append(number)
        return home

    def _play(self, now_ms: float) -> None:
        held_ms = len(self._held) * 20 - (20 - self._left_ms if self._held else 0)
        self.max_held_ms = max(self.max_held_ms, held_ms)
        if not self._held or self.is_stalled:
            return
        self._left_ms -= 1
        if self._left_ms == 0:
            number, audio = self._held.popleft()
            self.played.append(audio)
            self._reports.append((now_ms + self.way_ms, number))
            self._left_ms = 20

    @property
    def heard_ms(self) -> float:
        """What was played, in ms."""
        return len(self.played) * 20 + (20 - self._left_ms if self._held else 0)


class Call:
    """A playout and its line, run ms by ms."""

    def __init__(self, round_trip_ms: int = 0, *, max_lead_ms: float = LEAD_MS) -> None:
        self.playout = LinePlayout(MULAW, max_lead_ms=max_lead_ms)
        self.line = Line(round_trip_ms)
        self.now_ms = 0
        self.far_end: list[PlayoutFrame] = []

    def run(self, duration_ms: int) -> None:
        for _ in range(duration_ms):
            if self.now_ms % 20 == 0:
                slot = self.playout.next_slot(self.now_ms, self.now_ms)
                for frame in slot.sent:
                    self.line.send(frame.audio, self.now_ms)
                self.far_end.append(slot.played)
            self.now_ms += 1
            for number in self.line.step(self.now_ms):
                self.playout.report_played(number, self.now_ms)

    def pause(self) -> None:
        self.playout.pause(self.now_ms)
        self._flush_line()

    def flush(self) -> dict[str, float]:
        heard_ms = self.playout.flush(self.now_ms)
        self._flush_line()
        return heard_ms

    def _flush_line(self) -> None:
        frames = self.playout.take_line_flush()
        if frames is not None:
            self.line.clear(self.now_ms)
            for frame in frames:
                self.line.send(frame.audio, self.now_ms)


class TestWithoutBuffer:
    """The playout of a line that plays what it gets."""

    def test_it_is_the_plain_playout(self) -> None:
        """One frame a slot, sent and played, through pauses and flushes alike."""
        plain, playout = Playout(MULAW), LinePlayout(MULAW)
        for target in (plain, playout):
            target.enqueue("a", voice(5))
            target.finish("a")
        for slot in range(14):
            if slot == 2:
                plain.pause()
                playout.pause(40.0)
                assert playout.take_line_flush() is None
            if slot == 5:
                plain.resume()
                playout.resume()
            expected = plain.next_frame()
            made = playout.next_slot(20.0 * slot, 20.0 * slot)
            assert made.sent == (expected,)
            assert made.played == expected
        assert playout.flush(300.0) == plain.flush() == {}
        assert playout.take_line_flush() is None
        assert not playout.is_buffered

    def test_a_slot_that_was_missed_was_silent(self) -> None:
        """Nothing was sent, so nothing was played."""
        playout = LinePlayout(MULAW)
        playout.enqueue("a", voice(5))
        assert not playout.skip_slot(0.0).is_agent_audio

    def test_heard_is_what_was_sent(self) -> None:
        """Each frame counts once it was handed out."""
        playout = LinePlayout(MULAW)
        playout.enqueue("a", voice(5))
        playout.next_slot(0.0, 0.0)
        assert playout.heard_ms("a") == 20
        assert playout.heard_ms("b") == 0


class TestLead:
    """How far ahead a line is sent."""

    def test_the_first_word_is_played_at_once_and_sent_ahead(self) -> None:
        """What the gate is shown begins with the first frame, and goes on a frame a slot."""
        playout = LinePlayout(MULAW, max_lead_ms=LEAD_MS)
        frames = frames_of(voice(30))
        playout.enqueue("a", voice(30))
        first = playout.next_slot(0.0, 0.0)
        assert [frame.audio for frame in first.sent] == frames[:10]
        assert first.played.audio == frames[0]
        second = playout.next_slot(20.0, 20.0)
        assert [frame.audio for frame in second.sent] == frames[10:11]
        assert second.played.audio == frames[1]
        assert playout.lead_ms == 180

    def test_a_silent_agent_is_not_sent(self) -> None:
        """A line that needs no silence is sent none, so that the next word waits for nothing."""
        playout = LinePlayout(MULAW, max_lead_ms=LEAD_MS)
        slot = playout.next_slot(0.0, 0.0)
        assert slot.sent == ()
        assert slot.played == PlayoutFrame(audio=SILENCE, is_agent_audio=False, item_id=None)

    @pytest.mark.parametrize("round_trip_ms", [0, 80, 300])
    def test_the_line_never_holds_more_than_the_lead(self, round_trip_ms: int) -> None:
        """Whatever the round trip, it is sent 200 ms ahead and no more, and never runs dry."""
        call = Call(round_trip_ms)
        call.playout.enqueue("a", voice(150))
        call.playout.finish("a")
        call.run(3600)
        assert call.line.played == frames_of(voice(150))
        assert 180 <= call.line.max_held_ms <= 200
        assert [frame.audio for frame in call.far_end[:150]] == frames_of(voice(150))

    def test_an_answer_that_comes_in_pieces_is_an_underrun_only_when_the_line_runs_dry(
        self,
    ) -> None:
        """Pieces that come within the lead are no gap."""
        call = Call()
        call.playout.enqueue("a", voice(10))
        call.run(100)
        call.playout.enqueue("a", voice(10, 10))
        call.run(200)
        assert call.playout.underruns == 0
        call.run(200)
        assert call.playout.underruns == 1

    def test_a_slot_that_was_missed_was_played_from_the_buffer(self) -> None:
        """Our own loop stood still; the line did not."""
        playout = LinePlayout(MULAW, max_lead_ms=LEAD_MS)
        playout.enqueue("a", voice(20))
        playout.next_slot(0.0, 0.0)
        assert playout.skip_slot(20.0).audio == frames_of(voice(2))[1]
        assert playout.lead_ms == 160

    def test_negative_lead_is_refused(self) -> None:
        """No line plays what it will get."""
        with pytest.raises(ValueError, match="max_lead_ms"):
            LinePlayout(MULAW, max_lead_ms=-1)


class TestActivity:
    """Whether the agent's voice is still on its way."""

    @pytest.mark.parametrize("max_lead_ms", [0.0, LEAD_MS])
    def test_it_is_active_until_the_last_word_was_played(self, max_lead_ms: float) -> None:
        """From the moment that there is audio to the slot after the last; with a lead and without,
        though the queue of a line that is sent ahead is empty 200 ms sooner."""
        call = Call(max_lead_ms=max_lead_ms)
        assert not call.playout.is_active
        call.playout.enqueue("a", voice(30))
        call.playout.finish("a")
        assert call.playout.is_active
        call.run(29 * 20 + 1)
        assert call.far_end[-1].is_agent_audio
        assert call.playout.is_active
        call.run(20)
        assert not call.far_end[-1].is_agent_audio
        assert not call.playout.is_active

    @pytest.mark.parametrize("max_lead_ms", [0.0, LEAD_MS])
    def test_a_pause_is_no_end_and_a_flush_is_one(self, max_lead_ms: float) -> None:
        """What was paused goes on when the caller was only heard to cough."""
        call = Call(max_lead_ms=max_lead_ms)
        call.playout.enqueue("a", voice(30))
        call.run(210)
        call.pause()
        call.run(400)
        assert not call.far_end[-1].is_agent_audio
        assert call.playout.is_active
        call.flush()
        call.run(40)
        assert not call.playout.is_active


class TestPauseAndFlush:
    """What a line that is sent ahead is told."""

    def test_a_pause_stops_the_line_within_a_frame_and_fades(self) -> None:
        """It forgets, plays one fade-out, and nothing after it."""
        call = Call()
        call.playout.enqueue("a", voice(60))
        call.run(210)
        call.pause()
        n_whole = len(call.line.played)
        call.run(200)
        (fade,) = call.line.played[n_whole:]
        assert fade.endswith(SILENCE[:100])
        assert fade[0] != SILENCE[0]
        assert not any(frame.is_agent_audio for frame in call.far_end[-5:])

    @pytest.mark.parametrize("round_trip_ms", [0, 40, 160])
    def test_a_resume_goes_on_where_the_caller_stopped_hearing(self, round_trip_ms: int) -> None:
        """No whole frame is missing, and no more than one is heard twice."""
        call = Call(round_trip_ms)
        call.playout.enqueue("a", voice(60))
        call.playout.finish("a")
        call.run(610)
        call.pause()
        call.run(300)
        call.playout.resume()
        call.run(2000)
        whole = [frame for frame in call.line.played if len(set(frame)) == 1]
        numbers = [frame[0] for frame in whole]
        missing = set(range(60)) - set(numbers)
        assert len(missing) <= 2  # the one that was being played, and the one that fades in
        assert len(numbers) - len(set(numbers)) <= 1
        assert numbers == sorted(numbers)

    def test_a_second_pause_changes_nothing(self) -> None:
        """The fade-out of the first is not cut off."""
        call = Call()
        call.playout.enqueue("a", voice(60))
        call.run(200)
        call.pause()
        call.playout.pause(call.now_ms)
        assert call.playout.take_line_flush() is None

    def test_a_flush_while_paused_has_nothing_to_tell_the_line(self) -> None:
        """It was told already."""
        call = Call()
        call.playout.enqueue("a", voice(60))
        call.run(200)
        call.pause()
        call.run(100)
        call.playout.flush(call.now_ms)
        assert call.playout.take_line_flush() is None

    def test_items_that_the_line_holds_are_flushed_and_reported(self) -> None:
        """Two short answers in the lead: the first is half heard, the second not at all."""
        call = Call()
        for name in ("a", "b"):
            call.playout.enqueue(name, voice(5))
            call.playout.finish(name)
        call.run(60)
        assert call.playout.heard_ms("a") == 60
        assert call.playout.heard_ms("b") == 0
        assert call.flush() == {"a": 60, "b": 0}
        call.run(100)
        assert call.playout.lead_ms == 0

    def test_what_was_completely_heard_is_not_reported(self) -> None:
        """An answer that is over can't be cut short."""
        call = Call()
        call.playout.enqueue("a", voice(5))
        call.playout.finish("a")
        call.run(140)
        assert call.flush() == {}

    @given(
        round_trip_ms=st.sampled_from([0, 20, 50, 120, 250]),
        at_ms=st.integers(400, 2500),
        stall=st.tuples(st.integers(300, 1800), st.integers(0, 400)),
        is_paused_first=st.booleans(),
    )
    def test_heard_is_within_20_ms_of_what_the_line_has_played(
        self, round_trip_ms: int, at_ms: int, stall: tuple[int, int], is_paused_first: bool
    ) -> None:
        """Of what it has played when it is told to forget; also where it had stood still before."""
        call = Call(round_trip_ms)
        call.playout.enqueue("a", voice(200))
        stall_ms, stalled_for_ms = stall
        if stall_ms < at_ms:
            call.run(stall_ms)
            call.line.is_stalled = True
            call.run(min(stalled_for_ms, at_ms - stall_ms))
            call.line.is_stalled = False
        call.run(at_ms - call.now_ms)
        if is_paused_first:
            call.pause()
        else:
            heard_ms = call.flush()["a"]
        way_ms = round(call.line.way_ms)
        n_steps = max(1, way_ms)
        truth_ms = call.line.heard_ms
        for _ in range(n_steps):  # what is on its way arrives
            truth_ms = call.line.heard_ms
            call.now_ms += 1
            call.line.step(call.now_ms)
        if is_paused_first:
            heard_ms = call.flush()["a"]
        # A line that stands still in the very round trip that is not reported yet is not known.
        slack_ms = min(round_trip_ms, stalled_for_ms) if stall_ms < at_ms else 0
        assert truth_ms - 20 - slack_ms <= heard_ms <= truth_ms + 20 + slack_ms


class TestFarEnd:
    """What the gate is shown."""

    def test_a_line_that_stood_still_is_in_step_again(self) -> None:
        """After a stall, what is shown lags what is played no more than before it."""
        call = Call(60)
        call.playout.enqueue("a", voice(190))
        call.run(1000)
        call.line.is_stalled = True
        call.run(100)
        call.line.is_stalled = False
        call.run(1000)
        shown = call.far_end[-1].audio[0]
        playing = len(call.line.played)
        # Half a round trip passes between what is sent and what is played: at most two frames.
        assert 0 <= shown - playing <= 3
        assert any(not frame.is_agent_audio for frame in call.far_end[1:])

    def test_shown_and_played_are_the_same_audio(self) -> None:
        """Over pauses, resumes and a flush, the frames shown are those that the line played."""
        call = Call()
        call.playout.enqueue("a", voice(100))
        for duration_ms in (310, 250):
            call.run(duration_ms)
            call.pause()
            call.run(170)
            call.playout.resume()
        call.run(200)
        call.flush()
        call.run(200)
        shown = [frame.audio for frame in call.far_end if frame.is_agent_audio]
        played = call.line.played
        assert abs(len(shown) - len(played)) <= 3
        whole_shown = [audio for audio in shown if len(set(audio)) == 1]
        whole_played = [audio for audio in played if len(set(audio)) == 1]
        extra = len(whole_shown) - len(whole_played)
        assert 0 <= extra <= 3  # a frame cut off by each stop is shown whole
        positions = np.array([audio[0] for audio in whole_played])
        assert (np.diff(positions) >= 0).all()
