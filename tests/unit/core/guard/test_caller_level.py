"""The caller's level, and voices below it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgate.core.guard.caller_level import CallerLevel, LevelRule

CALLER = 2000.0
"""RMS of the caller's loud frames in these calls."""


class Call:
    """A call of which only the frames of speech matter."""

    def __init__(self, **rule: float) -> None:
        self.level = CallerLevel(LevelRule(**rule))
        self._rng = np.random.default_rng(1)

    def hear(self, duration_s: float, below_db: float = 0.0, *, even: bool = False) -> list[bool]:
        """Speak for so long, so far below the caller; return for each frame if it is quieter."""
        heard = []
        for _ in range(round(duration_s * 50)):
            swing_db = 0.0 if even else float(self._rng.uniform(-6.0, 3.0))
            self.level.hear(CALLER * 10 ** ((swing_db - below_db) / 20))
            heard.append(self.level.is_quieter)
        return heard

    def pause(self, duration_s: float) -> None:
        for _ in range(round(duration_s * 50)):
            self.level.pass_slot()


def test_a_voice_that_comes_back_below_the_caller_is_another() -> None:
    """A television: its first stretch is let pass, and from the next one on it is known."""
    call = Call()
    call.hear(3.0)
    assert not any(call.hear(2.0, below_db=16.0))
    assert not any(call.hear(2.0))
    again = call.hear(2.0, below_db=16.0)
    assert not any(again[:10])
    assert all(again[25:])


def test_a_caller_who_turns_away_once_is_let_pass() -> None:
    """Nobody has been heard above a quieter voice yet: the doubt is the caller's."""
    call = Call()
    call.hear(5.0)
    assert not any(call.hear(4.0, below_db=12.0))


def test_a_quieter_voice_that_goes_on_is_known_without_a_return() -> None:
    """After 4 s of it, whoever it is."""
    call = Call()
    call.hear(5.0)
    heard = call.hear(7.0, below_db=25.0)
    assert not any(heard[:200])
    assert any(heard[200:])


def test_what_spoke_before_a_louder_voice_was_not_the_caller() -> None:
    """A television is heard first; the caller's speech of 1.2 s in all makes it known."""
    call = Call()
    call.hear(3.0, below_db=16.0)
    assert not any(call.hear(0.8))
    assert not any(call.hear(0.5, below_db=16.0))
    assert not any(call.hear(1.0))
    assert call.level.rms > 0.5 * CALLER
    assert all(call.hear(2.0, below_db=16.0)[25:])


@pytest.mark.parametrize("above_db", [10.0, 12.0, 15.0, 20.0])
@pytest.mark.parametrize("duration_s", [0.4, 0.9])
def test_a_louder_word_changes_nothing(above_db, duration_s) -> None:
    """A colleague's, or the caller's own: the caller who goes on is the caller still."""
    call = Call()
    call.hear(4.0)
    before = call.level.rms
    assert not any(call.hear(duration_s, below_db=-above_db))
    assert call.level.rms < 1.5 * before
    assert not any(call.hear(5.0))


def test_above_a_louder_word_nobody_is_known() -> None:
    """Who turned away before it has the doubt after it."""
    call = Call()
    call.hear(3.0)
    call.hear(1.0, below_db=16.0)
    call.hear(0.5, below_db=-12.0)
    assert not any(call.hear(2.0, below_db=16.0))


def test_louder_words_far_apart_do_not_add_up() -> None:
    """Of 0.9 s of them nothing is remembered after 15 s of the caller."""
    call = Call()
    call.hear(4.0)
    for _ in range(4):
        assert not any(call.hear(0.9, below_db=-12.0))
        assert not any(call.hear(15.0))


def test_the_caller_is_heard_again_within_three_frames() -> None:
    """The first loud frames of a word end it."""
    call = Call()
    call.hear(3.0)
    call.hear(2.0, below_db=16.0)
    call.hear(2.0)
    assert call.hear(2.0, below_db=16.0)[-1]
    assert call.hear(0.1, even=True) == [False] * 5


def test_a_caller_who_stays_quiet_is_the_caller_again() -> None:
    """The level learned falls by 1 dB with each second of speech."""
    call = Call()
    call.hear(3.0)
    call.hear(2.0, below_db=16.0)
    call.hear(2.0)
    heard = call.hear(16.0, below_db=16.0)
    assert any(heard[:250])
    assert not any(heard[450:])


def test_the_first_speech_of_a_call_only_teaches() -> None:
    """Half a second, however it falls."""
    call = Call(doubt_s=0.0, long_frames=5, short_frames=5)
    call.hear(0.2)
    assert not any(call.hear(0.3, below_db=20.0))


def test_after_a_long_pause_a_voice_is_measured_anew() -> None:
    """What was said 2 s ago does not speak for or against it."""
    call = Call()
    call.hear(3.0)
    call.hear(2.0, below_db=16.0)
    call.hear(2.0)
    call.hear(2.0, below_db=16.0)
    assert call.level.is_quieter
    call.pause(1.9)
    assert call.level.is_quieter
    call.pause(0.2)
    assert not call.level.is_quieter


def test_a_frame_that_the_line_lost_teaches_nothing() -> None:
    """Zeros have no level."""
    call = Call()
    call.level.hear(0.0)
    assert call.level.rms == 0.0
    call.hear(2.0)
    before = call.level.rms
    call.level.hear(0.0)
    assert call.level.rms == before


def test_what_is_remembered_of_a_quieter_voice_fades() -> None:
    """After a minute of the caller alone the doubt is the caller's once more."""
    call = Call()
    call.hear(3.0)
    call.hear(2.0, below_db=16.0)
    call.hear(60.0)
    assert not any(call.hear(1.5, below_db=16.0))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.floats(0.0, 30.0), st.booleans()), min_size=1, max_size=12
    ),
    st.sampled_from([0.5, 2.0]),
)
def test_a_louder_or_softer_call_gives_the_same_answers(course, scale) -> None:
    """6 dB up or down change no frame."""
    plain, scaled = CallerLevel(LevelRule()), CallerLevel(LevelRule())
    rng = np.random.default_rng(2)
    for frames, below_db, is_speech in course:
        for _ in range(frames):
            level = CALLER * 10 ** ((rng.uniform(-6.0, 3.0) - below_db) / 20)
            for of, factor in ((plain, 1.0), (scaled, scale)):
                if is_speech:
                    of.hear(level * factor)
                else:
                    of.pass_slot()
            assert plain.is_quieter == scaled.is_quieter
    assert scaled.rms == pytest.approx(plain.rms * scale)


def test_another_distance_holds_from_the_next_frame_on() -> None:
    """The level that was learned stays."""
    call = Call()
    call.hear(3.0)
    learned = call.level.rms
    call.level.set_below(25.0)
    assert call.level.rms == learned
    call.hear(2.0, below_db=16.0)
    call.hear(2.0)
    assert not any(call.hear(2.0, below_db=16.0))
