"""Moments of a call as people write them."""

from __future__ import annotations

__all__ = ["call_time"]


def call_time(t_ms: float, *, digits: int = 3) -> str:
    """Return a time since the call began as ``1:05.660``, hours before it where there are any.

    Args:
        t_ms: In ms; negative before the beginning.
        digits: Of the fraction of a second, 0..3.
    """
    scale = 10**digits
    units = round(abs(t_ms) * scale / 1000)
    sign = "-" if t_ms < 0 and units else ""
    seconds, fraction = divmod(units, scale)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    whole = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{sign}{whole}.{fraction:0{digits}}" if digits else f"{sign}{whole}"
