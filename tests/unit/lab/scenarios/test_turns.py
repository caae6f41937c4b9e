"""Who speaks when on a simulated call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.scenarios.profiles import Profile
from voxgate.lab.scenarios.turns import TAIL_SAMPLES, draw_timeline, mark_speech

PROFILE = Profile(split=SPLIT)


def test_marks_are_where_the_speech_is() -> None:
    """To the frame; pauses of up to 240 ms are part of it, blips are not speech."""
    audio = np.zeros(40 * 160)
    for first, last in ((5, 10), (15, 20), (34, 35)):
        audio[first * 160 : last * 160] = 0.3
    assert mark_speech(audio, 1000) == [(1000 + 5 * 160, 1000 + 20 * 160)]


@pytest.mark.parametrize("length", [0, 159])
def test_less_than_a_frame_has_no_marks(length: int) -> None:
    """There is nothing to tell."""
    assert mark_speech(np.ones(length), 0) == []


@pytest.mark.parametrize("seed", range(5))
def test_turns_are_in_order_and_audible(seed: int) -> None:
    """The agent's turns lie apart and hold all of the far end; the caller's marks hold speech."""
    line = draw_timeline(small_bank(), np.random.default_rng(seed), PROFILE, 12.0)
    assert len(line.far_end) == len(line.caller) == 12 * 8000
    assert line.agent_speaking
    outside = line.far_end.copy()
    last_end = 0
    for start, end in line.agent_speaking:
        assert start >= last_end
        assert np.any(line.far_end[start:end])
        outside[start:end] = 0.0
        last_end = end + TAIL_SAMPLES
    assert not np.any(outside)
    for start, end in line.caller_speech:
        assert np.mean(line.caller[start:end] ** 2) > 1e-4


def test_the_share_of_barge_ins_is_the_profiles() -> None:
    """None or one in every turn."""
    for prob, n_expected in ((0.0, 0), (1.0, 1)):
        profile = replace(PROFILE, barge_in_prob=prob)
        line = draw_timeline(small_bank(), np.random.default_rng(4), profile, 12.0)
        start, end = line.agent_speaking[0]
        onsets = [onset for onset, _ in line.caller_speech if start <= onset <= end + 1600]
        assert bool(onsets) == bool(n_expected)


def test_the_agent_may_begin_in_the_callers_answer() -> None:
    """Of many calls some do if the profile says so, and none otherwise."""

    def begun_in_answers(profile: Profile) -> int:
        lines = [
            draw_timeline(small_bank(), np.random.default_rng(seed), profile, 12.0)
            for seed in range(10)
        ]
        return sum(
            any(onset < start < end for onset, end in line.caller_speech)
            for line in lines
            for start, _ in line.agent_speaking
        )

    profile = replace(PROFILE, barge_in_prob=0.0)
    assert begun_in_answers(profile) == 0
    assert begun_in_answers(replace(profile, talk_over_prob=1.0)) > 0
