"""Where a clean signal is active."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import silence, tone, white_noise
from voxgate.lab.evaluate.activity import active_intervals


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100])
def test_sound_between_silences_is_found_to_the_slot(rate_hz: int) -> None:
    """At any rate, in stream time."""
    signal = np.concatenate(
        [
            silence(400, rate_hz=rate_hz),
            tone(1000, 400.0, rate_hz=rate_hz),
            silence(500, rate_hz=rate_hz),
        ]
    )
    assert active_intervals(signal, rate_hz) == ((400, 1400),)


@pytest.mark.parametrize(
    ("pause_ms", "expected"), [(680, ((0, 1280),)), (700, ((0, 300), (1000, 1300)))]
)
def test_only_shorter_pauses_are_bridged(pause_ms: int, expected: object) -> None:
    """A pause of 700 ms divides two turns."""
    signal = np.concatenate([tone(300, 400.0), silence(pause_ms), tone(300, 400.0)])
    assert active_intervals(signal, 8000) == expected


@pytest.mark.parametrize(("level_dbfs", "is_active"), [(-49.0, True), (-51.0, False)])
def test_the_level_decides(level_dbfs: float, is_active: bool) -> None:
    """-50 dBFS over 20 ms."""
    assert bool(active_intervals(tone(200, 400.0, level_dbfs=level_dbfs), 8000)) is is_active


def test_line_noise_is_no_activity_and_nothing_is_nothing() -> None:
    """Noise at -60 dBFS, and no samples at all."""
    assert active_intervals(white_noise(1000, level_dbfs=-60.0), 8000) == ()
    assert active_intervals(silence(0), 8000) == ()


def test_a_last_slot_that_is_not_whole_counts() -> None:
    """Sound that ends the file is not lost."""
    assert active_intervals(tone(310, 400.0), 8000) == ((0, 320),)
