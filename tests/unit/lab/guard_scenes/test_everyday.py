"""Everyday noises by formula."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.lab.guard_scenes.everyday import EVERYDAY_KINDS, make_everyday


@pytest.mark.parametrize("kind", EVERYDAY_KINDS)
def test_a_noise_has_its_length_and_level(kind) -> None:
    """Active parts are at 0 dBFS, whatever is drawn; nothing is infinite."""
    for seed in range(4):
        noise = make_everyday(np.random.default_rng(seed), kind, 24_000)
        assert noise.shape == (24_000,)
        assert np.isfinite(noise).all()
        powers = np.mean(noise.reshape(-1, 160) ** 2, axis=1)
        active = powers[powers > powers.max() * 10**-2.5]
        assert 10 * np.log10(active.mean()) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("kind", EVERYDAY_KINDS)
def test_the_generator_decides(kind) -> None:
    """The same seed gives the same noise, another one another."""
    first, again, other = (
        make_everyday(np.random.default_rng(seed), kind, 8000) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
