"""Conversions between units."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.units import (
    MIN_LEVEL_DBFS,
    MIN_RATIO_DB,
    bytes_to_ms,
    bytes_to_samples,
    db_to_power_ratio,
    db_to_ratio,
    dbfs_to_rms,
    ms_to_bytes,
    ms_to_samples,
    power_ratio_to_db,
    ratio_to_db,
    rms_to_dbfs,
    samples_to_bytes,
    samples_to_ms,
)

PCM16 = AudioFormat(Encoding.PCM16, 16_000)
MULAW = AudioFormat(Encoding.MULAW, 8000)


@pytest.mark.parametrize(
    ("duration_ms", "rate_hz", "n_samples"),
    [(20, 8000, 160), (20, 44_100, 882), (0, 8000, 0), (0.06, 8000, 0), (0.1, 8000, 1)],
)
def test_ms_become_the_nearest_sample_count(duration_ms, rate_hz, n_samples) -> None:
    """A duration is that many samples, rounded to the nearest, as an int."""
    assert ms_to_samples(duration_ms, rate_hz) == n_samples
    assert isinstance(ms_to_samples(duration_ms, rate_hz), int)


@given(st.integers(0, 10**9), st.sampled_from([8000, 12_000, 24_000, 44_100, 48_000]))
def test_samples_survive_the_way_through_ms(n_samples, rate_hz) -> None:
    """No sample is lost or won by going through ms, also after hours of audio."""
    assert ms_to_samples(samples_to_ms(n_samples, rate_hz), rate_hz) == n_samples


def test_bytes_follow_the_format() -> None:
    """A PCM16 sample is two bytes, a G.711 sample is one."""
    assert samples_to_bytes(160, PCM16) == 320
    assert samples_to_bytes(160, MULAW) == 160
    assert bytes_to_samples(321, PCM16) == 160
    assert bytes_to_samples(321, MULAW) == 321
    assert ms_to_bytes(20, PCM16) == 640
    assert ms_to_bytes(20, MULAW) == 160
    assert bytes_to_ms(641, PCM16) == 20.0
    assert bytes_to_ms(160, MULAW) == 20.0


def test_bytes_of_a_duration_are_whole_samples() -> None:
    """A duration that ends within a sample never cuts a PCM16 sample in half."""
    assert ms_to_bytes(0.1, PCM16) == 4


@pytest.mark.parametrize(
    ("rms", "level_dbfs"),
    [
        (32768.0, 0.0),
        (32768.0 / math.sqrt(2), -3.0103),
        (3276.8, -20.0),
        (120.0, -48.726),
        (0.0, MIN_LEVEL_DBFS),
        (0.01, MIN_LEVEL_DBFS),
    ],
)
def test_level_is_relative_to_a_full_scale_square_wave(rms, level_dbfs) -> None:
    """A full-scale square wave reads 0 dBFS, a full-scale sine -3.01, silence the floor."""
    assert rms_to_dbfs(rms) == pytest.approx(level_dbfs, abs=1e-3)


@given(st.floats(-99.9, 0.0))
def test_level_round_trip(level_dbfs) -> None:
    """A level survives the way through RMS."""
    assert rms_to_dbfs(dbfs_to_rms(level_dbfs)) == pytest.approx(level_dbfs, abs=1e-9)


@pytest.mark.parametrize("level_dbfs", [MIN_LEVEL_DBFS, -120.0, -math.inf])
def test_level_at_the_floor_is_silence(level_dbfs) -> None:
    """What reads the floor has no RMS."""
    assert dbfs_to_rms(level_dbfs) == 0.0


def test_ratio_of_amplitudes_counts_twice_in_db() -> None:
    """Ten times the amplitude is 20 dB, ten times the power is 10 dB."""
    assert ratio_to_db(10.0) == pytest.approx(20.0)
    assert power_ratio_to_db(10.0) == pytest.approx(10.0)
    assert db_to_ratio(-6.0206) == pytest.approx(0.5, rel=1e-5)
    assert db_to_power_ratio(-3.0103) == pytest.approx(0.5, rel=1e-5)


@given(st.floats(-99.9, 99.9))
def test_ratio_round_trip(ratio_db) -> None:
    """A ratio survives the way through dB."""
    assert ratio_to_db(db_to_ratio(ratio_db)) == pytest.approx(ratio_db, abs=1e-9)
    assert power_ratio_to_db(db_to_power_ratio(ratio_db)) == pytest.approx(ratio_db, abs=1e-9)


@pytest.mark.parametrize("convert", [ratio_to_db, power_ratio_to_db])
def test_ratio_of_nothing_reads_the_floor(convert) -> None:
    """Zero has no logarithm; it reads the stated floor, as everything below it does."""
    assert convert(0.0) == MIN_RATIO_DB
    assert convert(1e-30) == MIN_RATIO_DB


@pytest.mark.parametrize("convert", [ratio_to_db, power_ratio_to_db, rms_to_dbfs])
@pytest.mark.parametrize("bad", [-1.0, math.nan])
def test_impossible_ratio_is_refused(convert, bad) -> None:
    """A negative ratio or NaN is an error, not a level."""
    with pytest.raises(ValueError, match="is not 0 or more"):
        convert(bad)
