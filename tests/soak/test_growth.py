"""The judge of growth finds leaks, and takes no step or saw of an allocator for one."""

from __future__ import annotations

import numpy as np
import pytest

from soak.growth import assert_no_growth, growth_of

_CHECKPOINTS = 30


def _rows(values: np.ndarray) -> list[dict[str, float]]:
    return [{"kib": float(value)} for value in values]


@pytest.mark.parametrize("seed", range(10))
def test_a_leak_is_found_in_noise(seed: int) -> None:
    """A tenth of a KiB a call under noise of 100 KiB: 660 KiB from the first third on."""
    noise = np.random.default_rng(seed).normal(0.0, 100.0, _CHECKPOINTS)
    leak = np.linspace(0.0, 1000.0, _CHECKPOINTS)
    growth = growth_of(list(noise + leak))
    assert growth.amount == pytest.approx(660.0, abs=4 * growth.error)
    with pytest.raises(AssertionError, match="kib"):
        assert_no_growth(_rows(noise + leak), {"kib": 300.0})


@pytest.mark.parametrize("seed", range(10))
def test_what_comes_and_goes_is_no_leak(seed: int) -> None:
    """Noise, a saw, and what fills up in the first third."""
    at = np.arange(_CHECKPOINTS)
    noise = np.random.default_rng(seed).normal(0.0, 20.0, _CHECKPOINTS)
    filling = np.minimum(at, _CHECKPOINTS // 3) * 500.0
    assert_no_growth(_rows(noise + at % 5 * 50.0 + filling), {"kib": 100.0})


def test_one_step_of_an_allocator_is_no_leak() -> None:
    """An arena more, somewhere on the way."""
    steps = np.where(np.arange(_CHECKPOINTS) < 20, 0.0, 416.0)
    assert_no_growth(_rows(steps), {"kib": 1024.0})
