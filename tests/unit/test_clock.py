"""Shells read a monotonic time in ms."""

from __future__ import annotations

import pytest

from voxgate import clock


def test_time_is_in_ms_with_its_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nanoseconds of the monotonic clock become ms; half a ms is not lost."""
    monkeypatch.setattr(clock.time, "monotonic_ns", lambda: 1_234_500_000)
    assert clock.monotonic_ms() == 1234.5
