"""Scenes: a caller or nobody, and what else is on the line."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.guard_scenes.callers import NOBODY, SPEECH
from voxgate.lab.guard_scenes.scenes import SCENE_KINDS, SceneRanges, SceneWish, draw_scene

RANGES = SceneRanges(
    split=SPLIT,
    codecs=("mulaw", "alaw", "linear"),
    line_noise_dbfs=(-80.0, -70.0),
    burst_prob=0.0,
    level_step_prob=0.0,
    edge_prob=0.0,
    losses=(0.0,),
    agent_prob=0.0,
)


def scene(seed: int = 1, ranges: SceneRanges = RANGES, **wish):
    return draw_scene(small_bank(), seed, ranges, duration_s=8.0, wish=SceneWish(**wish))


def level_dbfs(samples: np.ndarray) -> float:
    return 20 * np.log10(samples.astype(float).std() / 32768)


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_every_kind_can_be_heard(kind) -> None:
    """With and without a caller: whole, labelled, and what was wished for."""
    for has_caller in (False, True):
        got = scene(kind=kind, has_caller=has_caller)
        assert got.capture.dtype == np.int16
        assert len(got.capture) == 64_000
        assert got.labels.shape == got.is_asked.shape == (400,)
        assert (got.tags["kind"], got.tags["caller"]) == (kind, str(has_caller).lower())
        assert bool(got.caller_speech) is has_caller
        assert (SPEECH in got.labels) is has_caller
        assert (NOBODY in got.labels) is (kind != "tv")


def test_the_seed_decides() -> None:
    """The same seed gives the same line, another one another."""
    everything = replace(SceneRanges(split=SPLIT), codecs=("mulaw",))
    first, again, other = (scene(seed, everything) for seed in (5, 5, 6))
    assert np.array_equal(first.capture, again.capture)
    assert np.array_equal(first.is_asked, again.is_asked)
    assert first.tags == again.tags
    assert not np.array_equal(first.capture, other.capture)


def test_a_wish_for_a_level_is_granted() -> None:
    """20 dB more between caller and noise is 20 dB less noise."""
    near, far = (scene(kind="steady", has_caller=True, snr_db=snr_db) for snr_db in (10.0, 30.0))
    is_idle = near.labels == NOBODY
    fall_db = [level_dbfs(of.capture.reshape(-1, 160)[is_idle].ravel()) for of in (near, far)]
    assert fall_db[0] - fall_db[1] == pytest.approx(20.0, abs=1.0)


def test_noise_begins_ends_and_changes() -> None:
    """Edges and steps change the level in the course of a scene."""
    moving = replace(RANGES, edge_prob=1.0, level_step_prob=1.0, alone_dbfs=(-20.0, -20.0))
    got = scene(3, moving, kind="steady", has_caller=False)
    levels = [level_dbfs(part) for part in np.split(got.capture, 16)]
    assert max(levels) - min(levels) > 20.0


def test_bursts_are_heard_on_a_quiet_line() -> None:
    """Short sounds stand out of it."""
    loud = replace(RANGES, burst_prob=1.0)
    peaks = [
        np.abs(scene(seed, loud, kind="none", has_caller=False).capture).max() for seed in range(6)
    ]
    assert max(peaks) > 1000
    assert np.abs(scene(kind="none", has_caller=False).capture).max() < 100


def test_the_guard_is_not_asked_while_the_agent_speaks() -> None:
    """Turns of the agent of a second or more, and frames between them."""
    got = scene(2, replace(RANGES, agent_prob=1.0))
    assert 0.1 < got.is_asked.mean() < 0.9


def test_packets_are_lost() -> None:
    """Frames of zeros, or repeated ones, on a line that has neither."""
    lossy = replace(RANGES, losses=(0.2,), codecs=("linear",))
    got = scene(1, lossy, kind="steady", has_caller=False)
    frames = got.capture.reshape(-1, 160)
    assert any(not frame.any() for frame in frames) or any(
        np.abs(after - 0.7 * before).max() < 2 for before, after in pairwise(frames)
    )
