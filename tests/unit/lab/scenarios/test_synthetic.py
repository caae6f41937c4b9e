"""Clips that need no corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from voxgate.lab.scenarios.corpus_folder import FoundClip
from voxgate.lab.scenarios.synthetic import packaged_voices, synthetic_music, synthetic_noises


@pytest.mark.parametrize(
    ("make", "kind", "least"),
    [
        (packaged_voices, "speech", 10),
        (synthetic_music, "music", 3),
        (synthetic_noises, "noise", 4),
    ],
)
def test_there_are_clips_of_each_kind_always_the_same(
    make: Callable[[], Iterator[FoundClip]], kind: str, least: int
) -> None:
    """They are audible, and different from each other."""
    clips, again = list(make()), list(make())
    assert len(clips) >= least
    assert {clip.kind for clip in clips} == {kind}
    assert all(clip.licence for clip in clips)
    waves = [clip.read() for clip in clips]
    for wave, other in zip(waves, (clip.read() for clip in again), strict=True):
        assert wave is not None
        assert other is not None
        assert np.array_equal(wave, other)
        assert np.all(np.isfinite(wave))
        assert np.std(wave) > 1e-3
    assert len(
        {(wave or np.zeros(0)).tobytes() if wave is None else wave.tobytes() for wave in waves}
    ) == len(waves)


def test_the_voices_are_two() -> None:
    """The agent's and the caller's: who interrupts is somebody else."""
    assert len({clip.source for clip in packaged_voices()}) == 2
