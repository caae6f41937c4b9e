"""The tones of the telephone network, as they are heard.

Frequencies and cadences: ITU-T E.180/Q.35 and its Supplement 2 (dial, ringing, busy, special
information), Q.23 (DTMF), T.30 (fax). Invariant: active parts are at 0 dBFS.
"""

from __future__ import annotations

__all__ = ["TONE_KINDS", "make_tones"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..scenarios.signals import RATE_HZ, Audio, Rng, scale_to_dbfs


@dataclass(frozen=True, slots=True)
class _Burst:
    """One burst of a tone, and the pause after it."""

    frequencies_hz: tuple[float, ...]
    on_s: float
    off_s: float


Cadence = Callable[[], _Burst]
"""Gives the next burst."""

_RINGING = (
    _Burst((425.0,), 1.0, 4.0),
    _Burst((440.0, 480.0), 2.0, 4.0),
    _Burst((400.0, 450.0), 0.4, 0.2),
    _Burst((425.0,), 1.5, 3.0),
    _Burst((450.0,), 1.0, 4.0),
    _Burst((400.0,), 1.0, 2.0),
)
_BUSY = (
    _Burst((425.0,), 0.5, 0.5),
    _Burst((480.0, 620.0), 0.5, 0.5),
    _Burst((425.0,), 0.25, 0.25),
    _Burst((400.0,), 0.375, 0.375),
    _Burst((450.0,), 0.35, 0.35),
)
_DIAL = (
    _Burst((425.0,), 9.0, 0.0),
    _Burst((350.0, 440.0), 9.0, 0.0),
    _Burst((350.0, 450.0), 9.0, 0.0),
    _Burst((400.0,), 9.0, 0.0),
)
_DTMF_LOW_HZ, _DTMF_HIGH_HZ = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)
_SPECIAL_HZ = (950.0, 1400.0, 1800.0)
_DRIFT = 0.012
"""Networks are off by about as much as Q.23 and E.180 allow."""


def make_tones(rng: Rng, kind: str, length: int) -> Audio:
    """Return tones of a kind, over and over, float32 [shape=(length,)]."""
    out = np.zeros(length, np.float32)
    at = int(rng.uniform(0, 0.5) * RATE_HZ)
    next_burst = _MAKERS[kind](rng)
    while at < length:
        burst = next_burst()
        tone = _tone(rng, burst)[: length - at]
        out[at : at + len(tone)] = tone
        at += int((burst.on_s + burst.off_s) * RATE_HZ)
    return scale_to_dbfs(out, 0.0)


def _tone(rng: Rng, burst: _Burst) -> Audio:
    t_s = np.arange(int(burst.on_s * RATE_HZ)) / RATE_HZ
    wave: Audio = np.zeros(len(t_s))
    for frequency_hz in burst.frequencies_hz:
        phase = 2 * np.pi * frequency_hz * t_s + rng.uniform(0, 2 * np.pi)
        wave += 10 ** (rng.uniform(-3, 0) / 20) * np.sin(phase)
    return wave


def _cadence(table: tuple[_Burst, ...]) -> Callable[[Rng], Cadence]:
    def make(rng: Rng) -> Cadence:
        burst = table[int(rng.integers(len(table)))]
        drift = 1 + rng.uniform(-_DRIFT, _DRIFT)
        drifted = tuple(frequency_hz * drift for frequency_hz in burst.frequencies_hz)
        fixed = _Burst(drifted, burst.on_s, burst.off_s)
        return lambda: fixed

    return make


def _dtmf(rng: Rng) -> Cadence:
    on_s, off_s = rng.uniform(0.04, 0.25), rng.uniform(0.04, 0.4)

    def burst() -> _Burst:
        drift = 1 + rng.uniform(-_DRIFT, _DRIFT)
        low_hz = _DTMF_LOW_HZ[int(rng.integers(4))] * drift
        high_hz = _DTMF_HIGH_HZ[int(rng.integers(4))] * drift
        return _Burst((low_hz, high_hz), on_s, off_s if rng.random() < 0.9 else 2.0)

    return burst


def _special_information(rng: Rng) -> Cadence:
    drawn_hz = [frequency_hz + rng.uniform(-40, 40) for frequency_hz in _SPECIAL_HZ]
    bursts = [_Burst((drawn_hz[n],), 0.33, 1.0 if n == 2 else 0.0) for n in (2, 1, 0)]

    def burst() -> _Burst:
        bursts.insert(0, bursts.pop())
        return bursts[0]

    return burst


def _fax(rng: Rng) -> Cadence:
    burst = _Burst((1100.0 + rng.uniform(-30, 30),), 0.5, 3.0)
    if rng.random() < 0.4:
        burst = _Burst((2100.0 + rng.uniform(-12, 12),), 3.0, 0.2)
    return lambda: burst


def _beep(rng: Rng) -> Cadence:
    """Return the beeps of answering machines and of recorders."""
    frequency_hz = float(rng.choice((440.0, 800.0, 1000.0, 1400.0))) + rng.uniform(-5, 5)
    burst = _Burst((frequency_hz,), rng.uniform(0.15, 1.0), rng.uniform(1.0, 4.0))
    return lambda: burst


_MAKERS: Mapping[str, Callable[[Rng], Cadence]] = {
    "ringback": _cadence(_RINGING),
    "busy": _cadence(_BUSY),
    "dial": _cadence(_DIAL),
    "dtmf": _dtmf,
    "sit": _special_information,
    "fax": _fax,
    "beep": _beep,
}
TONE_KINDS = tuple(_MAKERS)
"""Tones that there is a formula for; all but the beep are of the telephone network."""
