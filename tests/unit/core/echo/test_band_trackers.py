"""Noise floor and leakage per band: what moves them, how fast, and what does not."""

from __future__ import annotations

import numpy as np

from voxgate.core.echo.band_trackers import DECIBEL, BandTrackers
from voxgate.core.echo.bands import BAND_COUNT, WHOLE


def _levels(level_db: float) -> np.ndarray:
    return np.full(BAND_COUNT, level_db * DECIBEL, np.float32)


def _levels_db(trackers: BandTrackers) -> np.ndarray:
    """Return floor and leakage in dB, [shape=(2, 15)]."""
    return 10 * np.log10(trackers.as_powers())


def test_the_floor_falls_quickly_and_rises_slowly() -> None:
    """To a quieter line it goes within 200 ms; a second of speech lifts it by 3 dB, no more."""
    trackers = BandTrackers()
    for _ in range(300):
        trackers.track_floor(_levels(-60.0))
    np.testing.assert_allclose(_levels_db(trackers)[0], -60.0, atol=0.1)
    for _ in range(50):
        trackers.track_floor(_levels(-20.0))
    assert (_levels_db(trackers)[0] < -56.0).all()
    for _ in range(10):
        trackers.track_floor(_levels(-75.0))
    assert (_levels_db(trackers)[0] < -73.0).all()


def test_the_floor_settles_early_in_a_call() -> None:
    """A line at -55 dB is learnt in its first two seconds."""
    trackers = BandTrackers()
    for _ in range(100):
        trackers.track_floor(_levels(-55.0))
    np.testing.assert_allclose(_levels_db(trackers)[0], -55.0, atol=0.1)


def test_the_floor_rises_as_fast_when_only_every_second_frame_is_looked_at() -> None:
    """A fan that starts is learnt at the same pace while the agent is silent."""
    each, every_second = BandTrackers(), BandTrackers()
    for _ in range(200):
        each.track_floor(_levels(-30.0))
    for _ in range(100):
        every_second.track_floor(_levels(-30.0), 2)
    np.testing.assert_allclose(_levels_db(every_second)[0], _levels_db(each)[0], atol=1.0)


def test_leakage_is_learnt_only_where_echo_stands_out() -> None:
    """Bands with a loud echo estimate move towards residual over echo, the others stay."""
    trackers = BandTrackers()
    before = _levels_db(trackers)[1]
    echo = _levels(-100.0)
    echo[:5] = _levels(-30.0)[:5]
    for _ in range(200):
        trackers.track_leakage(_levels(-45.0), echo)
    np.testing.assert_allclose(_levels_db(trackers)[1][:5], -15.0, atol=0.2)
    np.testing.assert_array_equal(_levels_db(trackers)[1][5:], before[5:])


def test_a_shouting_caller_drives_leakage_no_further_than_15_db() -> None:
    """Residual far above the echo is no leakage."""
    trackers = BandTrackers()
    for _ in range(400):
        trackers.track_leakage(_levels(0.0), _levels(-30.0))
    np.testing.assert_allclose(_levels_db(trackers)[1], 15.0, atol=0.1)


def test_the_levels_may_lie_in_the_table_of_another() -> None:
    """What is learnt shows there without being copied."""
    table = np.zeros((4, BAND_COUNT), np.float32)
    trackers = BandTrackers(table[1:3])
    trackers.track_floor(_levels(-20.0))
    np.testing.assert_allclose(table[1] / DECIBEL, _levels_db(trackers)[0], rtol=1e-5)
    assert not table[[0, 3]].any()


def test_powers_are_the_levels_and_reset_begins_anew() -> None:
    """-65 and -6 dB at the start of a call, also of the next one."""
    trackers = BandTrackers()
    trackers.track_floor(_levels(-20.0))
    trackers.track_leakage(_levels(-20.0), _levels(-20.0))
    floor_db, leakage_db = _levels_db(trackers)
    assert (floor_db[:WHOLE] > -65.0).all()
    assert (leakage_db > -6.0).all()
    trackers.reset()
    np.testing.assert_allclose(_levels_db(trackers)[:, 0], [-65.0, -6.0], atol=1e-3)
