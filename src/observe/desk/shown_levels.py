"""Levels as a meter shows them: whole dBFS for all calls, tenths for one looked at closely.

Invariant: a level is never below the floor nor above 0, whatever was measured.
"""

from __future__ import annotations

__all__ = ["FLOOR_DBFS", "dbfs_of_rms", "fine_dbfs_of_rms", "finite_tenth", "rounded_dbfs"]

import math

FLOOR_DBFS = -90
"""What silence is shown as, in dBFS: below one step of 16 bits."""

_FULL_SCALE = 32_768.0


def dbfs_of_rms(level_rms: float) -> int:
    """Return an RMS in int16 units as whole dBFS, from the floor to 0."""
    return round(fine_dbfs_of_rms(level_rms))


def fine_dbfs_of_rms(level_rms: float) -> float:
    """Return the same in tenths of a dB."""
    ratio = level_rms / _FULL_SCALE
    if not ratio > 0.0:
        return float(FLOOR_DBFS)
    dbfs = 20 * math.log10(ratio)
    return min(0.0, max(float(FLOOR_DBFS), round(dbfs, 1)))


def rounded_dbfs(level_dbfs: float | None) -> int | None:
    """Return a level in dBFS as a whole one, from the floor to 0; None stays None."""
    if level_dbfs is None or math.isnan(level_dbfs):
        return None
    return round(min(0.0, max(float(FLOOR_DBFS), level_dbfs)))


def finite_tenth(value: float | None) -> float | None:
    """Return a number in tenths; None for none, and for what JSON can't say."""
    return None if value is None or not math.isfinite(value) else round(value, 1)
