"""Music by formula."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.guard_scenes.formula_music import make_music

RATE_HZ = 8000


def concentration(samples: np.ndarray) -> float:
    """Return the share of the power that the strongest 5 % of the bins hold, over 1 s."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    strongest = np.sort(power)[-len(power) // 20 :]
    return float(strongest.sum() / power.sum())


@pytest.mark.parametrize("seed", range(8))
def test_music_is_loud_and_has_notes(seed: int) -> None:
    """About 0 dBFS while it plays, finite, and far from noise: notes are lines."""
    music = make_music(np.random.default_rng(seed), 10 * RATE_HZ)
    assert music.shape == (10 * RATE_HZ,)
    assert np.isfinite(music).all()
    assert 0.5 < np.sqrt(np.mean(music[np.abs(music) > 1e-4] ** 2)) < 1.5
    seconds = music.reshape(10, RATE_HZ)
    noise = np.random.default_rng(0).normal(size=RATE_HZ)
    assert max(concentration(second) for second in seconds) > 2 * concentration(noise)


def test_the_seed_decides() -> None:
    """The same seed gives the same music, another one another."""
    first, again, other = (make_music(np.random.default_rng(n), 8000) for n in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
