"""The judge of growth finds leaks, and takes no step or saw of an allocator for one."""

from __future__ import annotations

import numpy as np
import pytest

from support.growth import PROCESS_NOISE, assert_no_growth, growth_of

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


@pytest.mark.parametrize(
    ("column", "leaked", "scatter"), [("heap_kib", 10_000 * 100 / 1024, 100), ("blocks", 1e4, 1000)]
)
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_bytes_for_each_of_10_000_calls_are_found(
    column: str, leaked: float, scatter: float, seed: int
) -> None:
    """By the bounds that `make soak` has: in one piece of C's for each call, or of Python's."""
    noise = np.random.default_rng(seed).normal(0.0, scatter, _CHECKPOINTS)
    rows = [{column: value} for value in noise + np.linspace(0.0, leaked, _CHECKPOINTS)]
    with pytest.raises(AssertionError, match=column):
        assert_no_growth(rows, {column: PROCESS_NOISE[column]})


def test_what_scatters_too_much_to_tell_does_not_pass() -> None:
    """A leak of several times the noise would not be seen in it."""
    noise = np.random.default_rng(0).normal(0.0, 3000.0, _CHECKPOINTS)
    with pytest.raises(AssertionError, match="nothing can be told"):
        assert_no_growth(_rows(noise), {"kib": 128.0})
