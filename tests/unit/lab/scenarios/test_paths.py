"""Echo paths and loudspeakers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from voxgate.lab.scenarios.paths import (
    distort,
    make_handset_path,
    make_hybrid_path,
    make_room_path,
)
from voxgate.lab.scenarios.signals import Audio, Rng


@pytest.mark.parametrize(
    ("make", "longest_ms"),
    [(make_hybrid_path, 16), (make_handset_path, 40), (make_room_path, 400)],
)
@pytest.mark.parametrize("seed", range(4))
def test_a_path_has_unit_energy_and_its_seed_decides(
    make: Callable[[Rng], Audio], longest_ms: int, seed: int
) -> None:
    """No path changes the return loss, none is longer than its kind, two seeds are two paths."""
    path = make(np.random.default_rng(seed))
    assert np.sum(path**2) == pytest.approx(1.0, rel=1e-4)
    assert 0 < len(path) <= longest_ms * 8
    assert np.array_equal(path, make(np.random.default_rng(seed)))
    other = make(np.random.default_rng(seed + 100))
    assert len(path) != len(other) or not np.allclose(path, other)


def test_every_kind_of_distortion_keeps_the_signal_finite_and_bends_it() -> None:
    """A sine is no longer one; over many seeds all kinds occur."""
    sine = 0.3 * np.sin(2 * np.pi * 200 * np.arange(1600) / 8000)
    kinds = set()
    for seed in range(20):
        bent, kind = distort(sine, np.random.default_rng(seed))
        kinds.add(kind)
        assert np.all(np.isfinite(bent))
        assert abs(np.mean(bent)) < 1e-3
    assert kinds == {"clip", "soft", "asymmetric", "cubic"}
