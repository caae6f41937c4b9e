"""Rows of the guard's network."""

from __future__ import annotations

import numpy as np

from support.signals import silence, speech_like, white_noise
from voxgate.core.guard.frame_features import FEATURE_COUNT
from voxgate.lab.guard_scenes import GuardScene
from voxgate.lab.training.guard_rows import record_scene


def scene(samples: np.ndarray, *unasked: tuple[int, int]) -> GuardScene:
    frames = len(samples) // 160
    is_asked = np.ones(frames, bool)
    for start, end in unasked:
        is_asked[start:end] = False
    return GuardScene(
        capture=samples,
        labels=(np.arange(frames) % 2).astype(np.int8),
        caller_speech=(),
        is_asked=is_asked,
    )


WORDS = np.concatenate([silence(1000), speech_like(1000, seed=1), silence(1000)])


def test_frames_that_the_guard_settles_itself_have_no_row() -> None:
    """Silence has none, speech has; each row has the label of its frame."""
    rows = record_scene(scene(WORDS))
    assert rows.features.shape == (len(rows.labels), FEATURE_COUNT)
    assert set(range(52, 98)) <= set(rows.frame_index) <= set(range(50, 102))
    assert np.array_equal(rows.labels, rows.frame_index % 2)


def test_frames_of_the_agents_turns_have_no_row() -> None:
    """And the first row after such a turn tells how long it was."""
    rows = record_scene(scene(WORDS, (60, 80)))
    assert not set(range(60, 80)) & set(rows.frame_index)
    after = list(rows.frame_index).index(80)
    assert rows.features[after][FEATURE_COUNT - 2] == np.float16(0.4)


def test_a_line_of_silence_has_no_rows_at_all() -> None:
    """Such a scene teaches nothing, and is no error."""
    rows = record_scene(scene(silence(500)))
    assert rows.features.shape == (0, FEATURE_COUNT)
    assert len(rows.labels) == 0


def test_the_mode_of_the_voice_detector_shows() -> None:
    """Mode 0 calls noise speech that mode 3 does not."""
    noise = white_noise(1000, level_dbfs=-30.0)
    voiced = [
        record_scene(scene(noise), webrtc_aggressiveness=mode).features[:, FEATURE_COUNT - 3].sum()
        for mode in (0, 3)
    ]
    assert voiced[0] > voiced[1]
