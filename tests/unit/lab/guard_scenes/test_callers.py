"""Callers on an otherwise silent line, and what is true of their frames."""

from __future__ import annotations

import numpy as np

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.guard_scenes.callers import NOBODY, SPEECH, UNKNOWN, draw_caller, label_frames

FRAMES = 200


def track(*spans: tuple[int, int], level: float = 0.1) -> np.ndarray:
    """Return a track of noise in some spans of frames, and nothing elsewhere."""
    samples = np.zeros(FRAMES * 160)
    noise = np.random.default_rng(0).normal(size=len(samples)) * level
    for start, end in spans:
        samples[start * 160 : end * 160] = noise[start * 160 : end * 160]
    return samples


def test_frames_of_speech_and_of_nobody() -> None:
    """Speech is speech; well away from it there is nobody; beside it nobody can say."""
    labels = label_frames(track((50, 100)), track())
    assert (labels[50:100] == SPEECH).all()
    assert (labels[100:104] == UNKNOWN).all()
    assert labels[49] == UNKNOWN
    assert (labels[:49] == NOBODY).all()
    assert (labels[104:] == NOBODY).all()


def test_a_short_gap_is_neither() -> None:
    """Four silent frames inside a word are not taught as silence; twenty are."""
    labels = label_frames(track((50, 80), (84, 100), (120, 140)), track())
    assert (labels[80:84] == UNKNOWN).all()
    assert (labels[105:118] == NOBODY).all()


def test_buried_speech_is_unknown() -> None:
    """What lies 20 dB under the noise of its frame teaches nothing."""
    labels = label_frames(track((50, 100)), track((0, 75), level=1.0))
    assert (labels[50:75] == UNKNOWN).all()
    assert (labels[75:100] == SPEECH).all()
    assert (labels[:49] == NOBODY).all()


def test_a_line_without_a_caller() -> None:
    """Nobody, from the first frame to the last."""
    assert (label_frames(track(), track((0, 200))) == NOBODY).all()


def test_a_caller_speaks_with_pauses() -> None:
    """The marks hold nearly all of the track's power, and leave pauses."""
    samples, spans = draw_caller(small_bank(), np.random.default_rng(4), SPLIT, 160_000)
    inside = np.zeros(len(samples), bool)
    for start, end in spans:
        inside[start:end] = True
    assert len(spans) > 3
    assert 0.2 < inside.mean() < 0.95
    assert (samples[inside] ** 2).sum() > 0.95 * (samples**2).sum()
