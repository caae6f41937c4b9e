"""Level and zero crossings of one frame."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxgate.core.levels import peak, rms, zero_crossing_ratio
from voxgate.core.units import rms_to_dbfs

frames = hnp.arrays(np.int16, st.integers(1, 400))


def test_full_scale_square_wave_is_0_dbfs() -> None:
    """The most negative sample all along is the loudest frame there is: no overflow."""
    square = np.full(160, -32768, np.int16)
    assert rms(square) == 32768.0
    assert peak(square) == 32768.0


def test_full_scale_sine_reads_minus_3_dbfs() -> None:
    """A full-scale sine is 3.01 dB below a full-scale square wave."""
    sine = np.round(32767 * np.sin(2 * np.pi * np.arange(160) / 16)).astype(np.int16)
    assert rms_to_dbfs(rms(sine)) == pytest.approx(-3.01, abs=0.01)


@given(frames)
def test_rms_is_exact(samples) -> None:
    """The sum of squares is that of integers of any size, so it is the same on every machine."""
    exact = sum(int(sample) ** 2 for sample in samples)
    assert rms(samples) == math.sqrt(exact / len(samples))


@given(frames)
def test_float_copy_reads_the_same(samples) -> None:
    """A float32 copy of the frame gives the same measurements as the frame."""
    copied = samples.astype(np.float32)
    assert rms(copied) == rms(samples)
    assert zero_crossing_ratio(copied) == zero_crossing_ratio(samples)
    assert peak(copied) == peak(samples)


@given(frames)
def test_rms_lies_between_mean_and_peak(samples) -> None:
    """No frame is louder than its peak, or quieter than its mean."""
    assert abs(float(np.mean(samples))) <= rms(samples) * (1 + 1e-12)
    assert rms(samples) <= peak(samples) * (1 + 1e-12)
    assert peak(samples) == max(abs(int(sample)) for sample in samples)


@pytest.mark.parametrize(
    ("samples", "ratio"),
    [
        ([1, -1, 1, -1, 1], 1.0),
        ([0, 0, 0, 0], 0.0),
        ([5, 0, 5, 0], 0.0),
        ([0, -1, 0, -1], 1.0),
        ([-3, 0, 3], 0.5),
        ([5, 5, -5, -5, -5], 0.25),
        ([7], 0.0),
        ([], 0.0),
    ],
)
def test_zero_crossings_count_changes_of_sign(samples, ratio) -> None:
    """Zero is positive: touching it from above is no crossing, leaving the negative side is one."""
    assert zero_crossing_ratio(np.array(samples, np.int16)) == ratio


def test_zero_crossings_of_a_tone_give_its_frequency() -> None:
    """A tone crosses zero twice a period."""
    tone = np.round(5000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000 + 0.1)).astype(np.int16)
    assert zero_crossing_ratio(tone) * 8000 / 2 == pytest.approx(440, abs=1)


def test_no_samples_have_no_level() -> None:
    """An empty frame measures as silence instead of raising."""
    nothing = np.zeros(0, np.int16)
    assert rms(nothing) == 0.0
    assert peak(nothing) == 0.0


@pytest.mark.parametrize("measure", [rms, zero_crossing_ratio, peak])
def test_measurement_is_a_plain_float(measure) -> None:
    """Measurements go into decisions and traces as Python floats."""
    assert type(measure(np.array([1, -2, 3], np.int16))) is float
