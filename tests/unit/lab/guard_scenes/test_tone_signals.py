"""The tones of the telephone network as signals."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.core.guard.tones import ToneKind, detect_tone
from voxgate.lab.guard_scenes.tone_signals import TONE_KINDS, make_tones

WINDOW = np.hanning(321)[:-1]
EXPECTED = {
    "ringback": ToneKind.CALL_PROGRESS,
    "busy": ToneKind.CALL_PROGRESS,
    "dial": ToneKind.CALL_PROGRESS,
    "dtmf": ToneKind.DTMF,
    "sit": ToneKind.SPECIAL_INFORMATION,
    "fax": ToneKind.FAX,
}


def test_all_kinds_but_the_beep_are_of_the_network() -> None:
    """What the exact detector knows can be made, and one tone that it does not know."""
    assert set(TONE_KINDS) == {*EXPECTED, "beep"}
    assert set(EXPECTED.values()) == set(ToneKind)


@pytest.mark.parametrize("kind", EXPECTED)
@pytest.mark.parametrize("seed", range(4))
def test_tones_are_those_of_the_standards(kind, seed) -> None:
    """Wherever the window lies inside a tone, the exact detector names it."""
    samples = make_tones(np.random.default_rng(seed), kind, 40_000)
    found = []
    for start in range(0, len(samples) - 320, 80):
        window = samples[start : start + 320]
        if (np.abs(window.reshape(8, 40)).max(axis=1) > 0.1).all():
            power = np.abs(np.fft.rfft(window * WINDOW)) ** 2
            found.append(detect_tone(power.astype(np.float32)))
    assert len(found) > 20
    assert found.count(EXPECTED[kind]) >= 0.9 * len(found)


def test_tones_pause() -> None:
    """Busy tone is on for about half of the time."""
    samples = make_tones(np.random.default_rng(3), "busy", 80_000)
    is_on = np.abs(samples.reshape(-1, 160)).max(axis=1) > 0.05
    assert 0.35 < is_on.mean() < 0.65
