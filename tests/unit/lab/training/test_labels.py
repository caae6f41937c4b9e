"""Labels of frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voxgate.lab.scenarios import TAIL_SAMPLES, Call
from voxgate.lab.training.labels import CALLER, IGNORED, NO_CALLER, audible_frames, label_frames


def call_of(
    frames: int,
    *,
    speech: Sequence[tuple[int, int]] = (),
    agent: Sequence[tuple[int, int]] = (),
) -> Call:
    silence = np.zeros(frames * 160, np.int16)
    return Call(
        capture=silence, far_end=silence, agent_speaking=list(agent), caller_speech=list(speech)
    )


def test_margins_around_an_utterance_teach_nothing() -> None:
    """Two frames before the onset, its own frame, and 300 ms after the end are left out."""
    labels, since_onset = label_frames(call_of(60, speech=[(20 * 160 + 80, 30 * 160 + 40)]))
    expected = [NO_CALLER] * 18 + [IGNORED] * 3 + [CALLER] * 9 + [IGNORED] * 15 + [NO_CALLER] * 15
    assert labels.tolist() == expected
    assert since_onset[19:31].tolist() == [-1, *range(10), -1]


def test_an_utterance_soon_after_another_is_still_taught() -> None:
    """The fading of one word does not hide the next; its onset margin still counts."""
    labels, since_onset = label_frames(call_of(40, speech=[(0, 5 * 160), (10 * 160, 20 * 160)]))
    assert labels[5:12].tolist() == [IGNORED] * 6 + [CALLER]
    assert labels[11:20].tolist() == [CALLER] * 9
    assert since_onset[10] == 0


def test_margins_end_with_the_call() -> None:
    """An utterance over both ends of a call has labels for its frames and no more."""
    labels, since_onset = label_frames(call_of(4, speech=[(160, 10 * 160)]))
    assert labels.tolist() == [IGNORED, IGNORED, CALLER, CALLER]
    assert since_onset.tolist() == [-1, 0, 1, 2]


def test_the_agent_is_audible_until_its_tail_ends() -> None:
    """Each turn's last echo may come 700 ms after it."""
    audible = audible_frames(call_of(80, agent=[(160, 5 * 160), (60 * 160, 62 * 160)]))
    tail = TAIL_SAMPLES // 160
    assert np.flatnonzero(~audible).tolist() == [0, *range(6 + tail, 60)]
