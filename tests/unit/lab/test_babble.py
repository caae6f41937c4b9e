"""Babble made of a few voices."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import white_noise
from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs
from voxgate.lab.babble import make_babble


def tone(hz: float, duration_ms: int = 1000) -> np.ndarray:
    """Return a sentence of one pitch."""
    t_s = np.arange(8 * duration_ms) / 8000
    return np.round(5000 * np.sin(2 * np.pi * hz * t_s)).astype(np.int16)


def levels_dbfs(babble: np.ndarray) -> np.ndarray:
    return np.array([rms_to_dbfs(rms(frame)) for frame in babble.reshape(-1, 160)])


VOICES = [[tone(400), tone(400, 700)], [tone(1000)]]


@pytest.mark.parametrize("level_dbfs", [-50.0, -30.0])
@pytest.mark.parametrize("n_talkers", [1, 8])
def test_babble_has_its_length_and_level(level_dbfs: float, n_talkers: int) -> None:
    """However many talk, all of them together."""
    babble = make_babble(VOICES, n_talkers=n_talkers, level_dbfs=level_dbfs, duration_ms=5000)
    assert babble.dtype == np.int16
    assert babble.shape == (40_000,)
    assert rms_to_dbfs(rms(babble)) == pytest.approx(level_dbfs, abs=0.1)


def test_the_same_seed_gives_the_same_babble_and_another_one_another() -> None:
    """To the sample."""
    one, same, other = (
        make_babble(VOICES, n_talkers=3, level_dbfs=-30, duration_ms=2000, seed=seed)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_no_two_talkers_have_the_same_pitch() -> None:
    """Two voices of one pitch each make four people, from 0.82 to 1.2 times as high."""
    babble = make_babble(VOICES, n_talkers=4, level_dbfs=-30, duration_ms=8000)
    power = np.abs(np.fft.rfft(babble)) ** 2
    hz = np.fft.rfftfreq(len(babble), 1 / 8000)
    rates = np.linspace(0.82, 1.2, 4)
    pitches_hz = [400 * rates[0], 1000 * rates[1], 400 * rates[2], 1000 * rates[3]]
    near = [np.abs(hz - pitch_hz) < 15 for pitch_hz in pitches_hz]
    assert sum(power[band].sum() for band in near) > 0.9 * power.sum()
    assert all(power[band].sum() > 0.01 * power.sum() for band in near)


def test_somebody_always_talks() -> None:
    """Many talkers, and a room that reverberates, fill each other's pauses."""
    gappy = [[np.concatenate([white_noise(400), np.zeros(1600, np.int16)])]]
    many = make_babble(gappy, n_talkers=12, level_dbfs=-30, duration_ms=10_000)
    assert levels_dbfs(many).min() > -30 - 12
    one = make_babble(gappy, n_talkers=1, level_dbfs=-30, duration_ms=10_000)
    assert levels_dbfs(one).min() < -30 - 12, "one talker pauses"


def test_the_end_leads_on_to_the_beginning() -> None:
    """The step between the last sample and the first is one like all others."""
    babble = make_babble(VOICES, n_talkers=8, level_dbfs=-20, duration_ms=3000).astype(float)
    steps = np.abs(np.diff(babble))
    assert abs(babble[0] - babble[-1]) <= steps.max()


def test_without_talkers_there_is_no_babble() -> None:
    """The message names the number."""
    with pytest.raises(ValueError, match="n_talkers: 0 is not 1 or more"):
        make_babble(VOICES, n_talkers=0, level_dbfs=-30)


def test_silent_voices_have_no_level() -> None:
    """Instead of a division by zero."""
    with pytest.raises(ValueError, match="voices: all of them are silent"):
        make_babble([[np.zeros(800, np.int16)]], n_talkers=2, level_dbfs=-30, duration_ms=1000)
