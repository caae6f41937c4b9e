"""Tones of the telephone network: told exactly, and nothing else taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import speech_like, tone, white_noise
from voxgate.core.guard.tones import (
    _IN_BAND,
    _LINES_SHARE,
    ToneKind,
    _has_more_lines,
    _take_line,
    detect_tone,
)

WINDOW = np.hanning(321)[:-1]


def spectrum(samples: np.ndarray) -> np.ndarray:
    """Return the power of the bins of the last 40 ms."""
    return (np.abs(np.fft.rfft(samples[-320:] * WINDOW)) ** 2).astype(np.float32)


def tones(*frequencies_hz: float, noise_dbfs: float = -60.0) -> np.ndarray:
    """Return tones of -20 dBFS each over noise."""
    mixed = white_noise(40, level_dbfs=noise_dbfs).astype(np.int32)
    for frequency_hz in frequencies_hz:
        mixed += tone(40, frequency_hz, level_dbfs=-20.0)
    return mixed


@pytest.mark.parametrize(
    ("frequencies_hz", "kind"),
    [
        ((425.0,), ToneKind.CALL_PROGRESS),
        ((400.0,), ToneKind.CALL_PROGRESS),
        ((450.0,), ToneKind.CALL_PROGRESS),
        ((440.0, 480.0), ToneKind.CALL_PROGRESS),
        ((400.0, 450.0), ToneKind.CALL_PROGRESS),
        ((350.0, 440.0), ToneKind.CALL_PROGRESS),
        ((480.0, 620.0), ToneKind.CALL_PROGRESS),
        ((1100.0,), ToneKind.FAX),
        ((1135.0,), ToneKind.FAX),
        ((2100.0,), ToneKind.FAX),
        ((950.0,), ToneKind.SPECIAL_INFORMATION),
        ((1440.0,), ToneKind.SPECIAL_INFORMATION),
        ((1800.0,), ToneKind.SPECIAL_INFORMATION),
    ],
)
def test_tones_of_the_recommendations_are_told(frequencies_hz, kind) -> None:
    """E.180, its supplement and T.30, at their frequencies and within their tolerances."""
    assert detect_tone(spectrum(tones(*frequencies_hz))) is kind


@pytest.mark.parametrize("low_hz", [697.0, 770.0, 852.0, 941.0])
@pytest.mark.parametrize("high_hz", [1209.0, 1336.0, 1477.0, 1633.0])
@pytest.mark.parametrize("drift", [0.985, 1.0, 1.015])
def test_push_buttons_are_told(low_hz, high_hz, drift) -> None:
    """All sixteen pairs of Q.23, 1.5 % off as well."""
    assert detect_tone(spectrum(tones(low_hz * drift, high_hz * drift))) is ToneKind.DTMF


@pytest.mark.parametrize("frequencies_hz", [(600.0,), (1000.0, 2000.0), (200.0, 425.0, 1300.0)])
def test_other_lines_are_no_tone(frequencies_hz) -> None:
    """A beep, a chord and a voice's harmonics are left to the network."""
    assert detect_tone(spectrum(tones(*frequencies_hz))) is None


def test_a_tone_under_noise_is_none() -> None:
    """6 dB over the noise too much of the power is not in the line."""
    assert detect_tone(spectrum(tones(425.0, noise_dbfs=-26.0))) is None


@pytest.mark.parametrize("seed", range(5))
def test_speech_is_no_tone(seed) -> None:
    """Of 10 s of voiced sounds not one frame."""
    samples = speech_like(10_000, seed=seed)
    found = [detect_tone(spectrum(samples[:end])) for end in range(320, len(samples), 160)]
    assert not any(found)


def test_silence_is_no_tone() -> None:
    """No power, no lines."""
    assert detect_tone(np.zeros(161, np.float32)) is None


def test_what_is_told_sooner_is_no_tone() -> None:
    """A spectrum that has more lines by the quick sums has too little power in two by the others.

    Lines at any place, 50 Hz and 3,990 Hz too, over noise that brings the share close to the limit.
    """
    generator = np.random.default_rng(1)
    soon = 0
    for _ in range(500):
        noise_dbfs = generator.uniform(-40.0, -20.0)
        power = spectrum(tones(*generator.uniform(50.0, 3990.0, 2), noise_dbfs=noise_dbfs))
        if _has_more_lines(power):
            soon += 1
            band = power.copy()
            band[: _IN_BAND.start] = 0.0
            total = float(np.add.reduce(power[_IN_BAND]))
            assert _take_line(band).power + _take_line(band).power < _LINES_SHARE * total
    assert 100 < soon < 400
