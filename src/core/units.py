"""Every conversion between units, named by both: times, sample counts, bytes, ratios, levels.

Invariant: no other module converts, so a number that looks wrong was wrong before it came here.
"""

from __future__ import annotations

__all__ = [
    "FULL_SCALE_RMS",
    "MIN_LEVEL_DBFS",
    "MIN_RATIO_DB",
    "bytes_to_ms",
    "bytes_to_samples",
    "db_to_power_ratio",
    "db_to_ratio",
    "dbfs_to_rms",
    "ms_to_bytes",
    "ms_to_samples",
    "power_ratio_to_db",
    "ratio_to_db",
    "rms_to_dbfs",
    "samples_to_bytes",
    "samples_to_ms",
]

import math

from .audio import AudioFormat

FULL_SCALE_RMS = 32768.0
"""RMS of a full-scale square wave in int16 units: 0 dBFS, the dBov of ITU-T G.100.1."""

MIN_LEVEL_DBFS = -100.0
"""What digital silence reads, in dBFS. One single step in a 20 ms frame at 8 kHz is -112, so that
nothing which is audible on a telephone line is below it."""

MIN_RATIO_DB = -100.0
"""What a ratio of zero reads, in dB: well below every ratio that 16-bit samples can show."""


def ms_to_samples(duration_ms: float, rate_hz: int) -> int:
    """Return how many samples last ``duration_ms``, rounded to the nearest."""
    return round(duration_ms * rate_hz / 1000)


def samples_to_ms(n_samples: int, rate_hz: int) -> float:
    """Return how long ``n_samples`` last, in ms."""
    return n_samples * 1000 / rate_hz


def samples_to_bytes(n_samples: int, audio_format: AudioFormat) -> int:
    """Return how many bytes ``n_samples`` take."""
    return n_samples * audio_format.sample_bytes


def bytes_to_samples(n_bytes: int, audio_format: AudioFormat) -> int:
    """Return how many whole samples ``n_bytes`` hold."""
    return n_bytes // audio_format.sample_bytes


def ms_to_bytes(duration_ms: float, audio_format: AudioFormat) -> int:
    """Return how many bytes last ``duration_ms``, rounded to the nearest whole sample."""
    return ms_to_samples(duration_ms, audio_format.rate_hz) * audio_format.sample_bytes


def bytes_to_ms(n_bytes: int, audio_format: AudioFormat) -> float:
    """Return how long the whole samples in ``n_bytes`` last, in ms."""
    return samples_to_ms(bytes_to_samples(n_bytes, audio_format), audio_format.rate_hz)


def ratio_to_db(amplitude_ratio: float) -> float:
    """Return a ratio of amplitudes in dB, not below :data:`MIN_RATIO_DB`.

    Raises:
        ValueError: if the ratio is negative or not a number.
    """
    return _log_ratio(amplitude_ratio, db_per_decade=20.0, floor_db=MIN_RATIO_DB)


def power_ratio_to_db(power_ratio: float) -> float:
    """Return a ratio of powers in dB, not below :data:`MIN_RATIO_DB`.

    Raises:
        ValueError: if the ratio is negative or not a number.
    """
    return _log_ratio(power_ratio, db_per_decade=10.0, floor_db=MIN_RATIO_DB)


def db_to_ratio(ratio_db: float) -> float:
    """Return the ratio of amplitudes that ``ratio_db`` stands for."""
    return float(10.0 ** (ratio_db / 20.0))


def db_to_power_ratio(ratio_db: float) -> float:
    """Return the ratio of powers that ``ratio_db`` stands for."""
    return float(10.0 ** (ratio_db / 10.0))


def rms_to_dbfs(rms: float) -> float:
    """Return the level of an RMS in int16 units, in dBFS, not below :data:`MIN_LEVEL_DBFS`.

    0 dBFS is a full-scale square wave, so that a full-scale sine reads -3.01.

    Raises:
        ValueError: if ``rms`` is negative or not a number.
    """
    return _log_ratio(rms / FULL_SCALE_RMS, db_per_decade=20.0, floor_db=MIN_LEVEL_DBFS)


def dbfs_to_rms(level_dbfs: float) -> float:
    """Return the RMS in int16 units of a level in dBFS; 0 from :data:`MIN_LEVEL_DBFS` down."""
    if level_dbfs <= MIN_LEVEL_DBFS:
        return 0.0
    return FULL_SCALE_RMS * db_to_ratio(level_dbfs)


def _log_ratio(ratio: float, *, db_per_decade: float, floor_db: float) -> float:
    if ratio > 0.0:
        return max(floor_db, db_per_decade * math.log10(ratio))
    if ratio == 0.0:
        return floor_db
    raise ValueError(f"ratio: {ratio} is not 0 or more")
