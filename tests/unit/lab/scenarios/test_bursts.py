"""Bursts."""

from __future__ import annotations

import numpy as np

from support.sound_banks import SPLIT, small_bank
from voxgate.lab.scenarios.bursts import make_burst


def test_bursts_are_short_loud_and_faded() -> None:
    """Over many seeds, so that every kind occurs: up to 2.5 s, finite, quiet at both ends."""
    lengths = []
    for seed in range(60):
        burst = make_burst(small_bank(), np.random.default_rng(seed), SPLIT)
        again = make_burst(small_bank(), np.random.default_rng(seed), SPLIT)
        assert np.array_equal(burst, again)
        assert np.all(np.isfinite(burst))
        peak = np.max(np.abs(burst))
        assert peak > 0.5
        assert abs(burst[0]) < 0.2 * peak
        assert abs(burst[-1]) < 0.2 * peak
        lengths.append(len(burst))
    assert min(lengths) > 500
    assert max(lengths) <= 20000
