"""Noise floor and leakage per band: what moves them, how fast, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.core.echo.band_trackers import BandTrackers
from voxgate.core.echo.bands import BAND_COUNT


def _levels(level_db: float) -> np.ndarray:
    return np.full(BAND_COUNT, level_db, np.float32)


def test_the_floor_falls_quickly_and_rises_slowly() -> None:
    """To a quieter line it goes within 200 ms; a second of speech lifts it by 3 dB, no more."""
    trackers = BandTrackers()
    for _ in range(300):
        trackers.track_floor(_levels(-60.0))
    np.testing.assert_allclose(trackers.floor_db, -60.0, atol=0.1)
    for _ in range(50):
        trackers.track_floor(_levels(-20.0))
    assert (trackers.floor_db < -56.0).all()
    for _ in range(10):
        trackers.track_floor(_levels(-75.0))
    assert (trackers.floor_db < -73.0).all()


def test_the_floor_settles_early_in_a_call_and_has_a_lowest_level() -> None:
    """A line at -55 dB is learnt in its first two seconds; digital silence ends at -90 dB."""
    trackers = BandTrackers()
    for _ in range(100):
        trackers.track_floor(_levels(-55.0))
    np.testing.assert_allclose(trackers.floor_db, -55.0, atol=0.1)
    for _ in range(100):
        trackers.track_floor(_levels(-100.0))
    np.testing.assert_allclose(trackers.floor_db, -90.0, atol=1e-3)


def test_leakage_is_learnt_only_where_echo_stands_out() -> None:
    """Bands with a loud echo estimate move towards residual over echo, the others stay."""
    trackers = BandTrackers()
    before = trackers.leakage_db.copy()
    echo = _levels(-100.0)
    echo[:5] = -30.0
    for _ in range(200):
        trackers.track_leakage(_levels(-45.0), echo)
    np.testing.assert_allclose(trackers.leakage_db[:5], -15.0, atol=0.2)
    np.testing.assert_array_equal(trackers.leakage_db[5:], before[5:])


@pytest.mark.parametrize(("residual_db", "limit_db"), [(-95.0, -30.0), (0.0, 15.0)])
def test_leakage_keeps_to_its_range(residual_db: float, limit_db: float) -> None:
    """Neither a dead line nor a shouting caller drives it out of -30..15 dB."""
    trackers = BandTrackers()
    for _ in range(400):
        trackers.track_leakage(_levels(residual_db), _levels(-30.0))
    np.testing.assert_allclose(trackers.leakage_db, limit_db, atol=0.1)


def test_powers_are_the_levels_and_reset_begins_anew() -> None:
    """-65 and -6 dB at the start of a call, also of the next one."""
    trackers = BandTrackers()
    trackers.track_floor(_levels(-20.0))
    trackers.track_leakage(_levels(-20.0), _levels(-20.0))
    np.testing.assert_allclose(
        10 * np.log10(trackers.as_powers()),
        np.stack([trackers.floor_db, trackers.leakage_db]),
        atol=1e-3,
    )
    trackers.reset()
    np.testing.assert_allclose(10 * np.log10(trackers.as_powers()[:, 0]), [-65.0, -6.0], atol=1e-3)
