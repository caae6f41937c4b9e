"""Everyday noises by formula: what a small corpus has too few of.

Invariant: active parts are at 0 dBFS.
"""

from __future__ import annotations

__all__ = ["EVERYDAY_KINDS", "make_everyday"]

from collections.abc import Callable, Mapping

import numpy as np

from ..scenarios.signals import RATE_HZ, Audio, Rng, scale_to_dbfs, shape_spectrum


def make_everyday(rng: Rng, kind: str, length: int) -> Audio:
    """Return a noise of one of :data:`EVERYDAY_KINDS`, float32 [shape=(length,)]."""
    return scale_to_dbfs(np.asarray(_MAKERS[kind](rng, length), np.float32), 0.0)


def _rain(rng: Rng, length: int) -> Audio:
    hiss = _hiss(rng, length, rng.uniform(300, 1500), rng.uniform(2000, 3800))
    drops = _impacts(rng, length, rng.uniform(5, 80), decay=(4, 40), ring=0.5)
    return hiss * _swell(rng, length, 2.0, rng.uniform(0, 4)) + rng.uniform(0, 4) * drops


def _street(rng: Rng, length: int) -> Audio:
    rumble = _hiss(rng, length, 40, rng.uniform(200, 900))
    return rumble * _swell(rng, length, rng.uniform(1.0, 4.0), rng.uniform(4, 14))


def _wind(rng: Rng, length: int) -> Audio:
    rush = _hiss(rng, length, 20, rng.uniform(150, 600))
    return rush * _swell(rng, length, rng.uniform(0.15, 0.6), rng.uniform(6, 16))


def _typing(rng: Rng, length: int) -> Audio:
    return _impacts(rng, length, rng.uniform(2, 9), decay=(10, 120), ring=rng.uniform(0, 1))


def _dishes(rng: Rng, length: int) -> Audio:
    return _impacts(rng, length, rng.uniform(0.7, 5), decay=(100, 1500), ring=rng.uniform(0.5, 6))


def _clicks(rng: Rng, length: int) -> Audio:
    return _impacts(rng, length, rng.uniform(0.3, 4), decay=(2, 25), ring=0.0)


def _crackle(rng: Rng, length: int) -> Audio:
    return _impacts(rng, length, rng.uniform(10, 150), decay=(1, 12), ring=0.3)


def _footsteps(rng: Rng, length: int) -> Audio:
    out = np.zeros(length)
    period = rng.uniform(0.4, 0.8) * RATE_HZ
    for at in np.arange(rng.uniform(0, period), length, period):
        start = max(0, int(at + rng.normal() * 200))
        t = np.arange(max(0, min(length - start, int(0.15 * RATE_HZ))))
        out[start : start + len(t)] += rng.normal(size=len(t)) * np.exp(-t / rng.uniform(60, 300))
    return shape_spectrum(out, [20, 150, 1500, 4000], [0, 4, -10, -25])


def _machine(rng: Rng, length: int) -> Audio:
    """Return an engine, a fan or a vacuum cleaner: harmonics that wander, in noise."""
    t_s = np.cumsum(1 + 0.03 * rng.uniform(0, 3) * _slow(rng, length, 1.0)) / RATE_HZ
    base_hz, slope = rng.uniform(40, 320), rng.uniform(0.3, 1.2)
    wave = np.zeros(length)
    for n in range(1, int(min(20, 3600 // base_hz)) + 1):
        phase = 2 * np.pi * n * base_hz * t_s + rng.uniform(0, 2 * np.pi)
        wave += rng.uniform(0, 1) / n**slope * np.sin(phase)
    noise = _hiss(rng, length, 100, 3000)
    share = rng.uniform(0.1, 2) * wave.std() / (noise.std() + 1e-9)
    return np.asarray(wave + share * noise)


def _rustle(rng: Rng, length: int) -> Audio:
    """Return clothes, paper or a hand on the phone: hiss in short swells."""
    noise = _hiss(rng, length, rng.uniform(60, 800), rng.uniform(1200, 3800))
    gate = np.maximum(_slow(rng, length, rng.uniform(0.03, 0.15)) - rng.uniform(0, 1), 0)
    return np.asarray(noise * gate)


def _siren(rng: Rng, length: int) -> Audio:
    """Return an alarm or a siren: a tone that glides or alternates, with two overtones."""
    t_s = np.arange(length) / RATE_HZ
    course = np.sin(2 * np.pi * rng.uniform(0.2, 8) * t_s)
    if rng.random() < 0.4:
        course = np.sign(course)
    centre_hz, span = rng.uniform(400, 2200), rng.uniform(0.02, 0.6)
    phase = 2 * np.pi * np.cumsum(centre_hz * (1 + span * course / 2)) / RATE_HZ
    wave = np.sin(phase) + rng.uniform(0, 0.5) * np.sin(2 * phase)
    wave = wave + rng.uniform(0, 0.3) * np.sin(3 * phase)
    if rng.random() < 0.5:
        wave = wave * (np.sin(2 * np.pi * rng.uniform(0.3, 4) * t_s) > rng.uniform(-0.5, 0.7))
    return np.asarray(wave)


def _bell(rng: Rng, length: int) -> Audio:
    out = np.zeros(length)
    partials_hz = rng.uniform(300, 3400, size=int(rng.integers(2, 6)))
    at_s = rng.uniform(0, 1)
    while at_s * RATE_HZ < length:
        start = int(at_s * RATE_HZ)
        t_s = np.arange(min(length - start, 3 * RATE_HZ)) / RATE_HZ
        for partial_hz in partials_hz:
            fall = rng.uniform(0.2, 1) * np.exp(-t_s / rng.uniform(0.08, 1.0))
            out[start : start + len(t_s)] += fall * np.sin(2 * np.pi * partial_hz * t_s)
        at_s += rng.uniform(0.1, 3.0)
    return out


def _bark(rng: Rng, length: int) -> Audio:
    """Return barks, calls and squeaks: short gliding harmonics of a pitch above most voices'."""
    out = np.zeros(length)
    at_s, pitch_hz = rng.uniform(0, 1), rng.uniform(250, 1300)
    while at_s * RATE_HZ < length:
        start = int(at_s * RATE_HZ)
        count = min(length - start, int(rng.uniform(0.06, 0.3) * RATE_HZ))
        rise = np.sin(np.pi * np.arange(count) / count)
        glide = pitch_hz * (0.8 + rng.uniform(0.1, 0.6) * rise)
        phase = 2 * np.pi * np.cumsum(glide) / RATE_HZ
        wave = rng.uniform(0, 1.5) * rng.normal(size=count)
        for n in range(1, int(3600 // (1.4 * pitch_hz)) + 1):
            wave += rng.uniform(0, 1) * np.sin(n * phase)
        out[start : start + count] += rise * wave
        at_s += rng.uniform(0.15, 2.0)
    return shape_spectrum(out, [20, 300, 1200, 4000], [-20, 0, 0, -12])


def _breath(rng: Rng, length: int) -> Audio:
    """Return breathing into the phone: noise through two formants that rises and falls."""
    out = np.zeros(length)
    at_s = rng.uniform(0, 2)
    while at_s * RATE_HZ < length:
        start = int(at_s * RATE_HZ)
        count = min(length - start, int(rng.uniform(0.3, 1.4) * RATE_HZ))
        course, peak = np.linspace(0, 1, count), rng.uniform(0.2, 0.8)
        rise = np.where(course < peak, course / peak, (1 - course) / (1 - peak))
        points_hz = [20, rng.uniform(300, 1000), 1050, rng.uniform(1100, 2800), 4000]
        gains_db = [-15, 0, -rng.uniform(0, 10), rng.uniform(-10, 4), -20]
        puff = shape_spectrum(rng.normal(size=count), points_hz, gains_db)
        out[start : start + count] += puff * rise ** rng.uniform(0.7, 2)
        at_s += rng.uniform(0.5, 3.5)
    return out


def _hiss(rng: Rng, length: int, low_hz: float, high_hz: float) -> Audio:
    """Return noise that is strong between two frequencies."""
    high_hz = min(max(high_hz, 2 * low_hz), 3900)
    points_hz = [10, low_hz, (low_hz * high_hz) ** 0.5, high_hz, 4000]
    gains_db = [-25, 0, rng.uniform(-6, 6), 0, -rng.uniform(0, 30)]
    return shape_spectrum(rng.normal(size=length), points_hz, gains_db)


def _slow(rng: Rng, length: int, scale_s: float) -> Audio:
    """Return a random course of unit deviation that turns about every ``scale_s``."""
    count = int(length / RATE_HZ / scale_s) + 3
    places = np.arange(count) * scale_s * RATE_HZ
    return np.interp(np.arange(length), places, rng.normal(size=count))


def _swell(rng: Rng, length: int, scale_s: float, depth_db: float) -> Audio:
    return np.asarray(10 ** (depth_db * _slow(rng, length, scale_s) / 20))


def _impacts(rng: Rng, length: int, per_s: float, *, decay: tuple[int, int], ring: float) -> Audio:
    """Return impacts at random times: noise with ringing, each with a decay of its own."""
    out = np.zeros(length)
    for at in rng.integers(0, length, size=max(1, int(per_s * length / RATE_HZ))):
        samples = rng.uniform(*decay)
        t = np.arange(min(length - int(at), int(6 * samples)))
        wave = rng.normal(size=len(t))
        for _ in range(int(rng.integers(1, 4))):
            wave += ring * np.sin(2 * np.pi * rng.uniform(300, 3600) / RATE_HZ * t)
        out[at : at + len(t)] += rng.uniform(0.1, 1.0) * wave * np.exp(-t / samples)
    return out


_MAKERS: Mapping[str, Callable[[Rng, int], Audio]] = {
    "rain": _rain,
    "street": _street,
    "wind": _wind,
    "typing": _typing,
    "dishes": _dishes,
    "footsteps": _footsteps,
    "machine": _machine,
    "rustle": _rustle,
    "siren": _siren,
    "bell": _bell,
    "bark": _bark,
    "breath": _breath,
    "clicks": _clicks,
    "crackle": _crackle,
}
EVERYDAY_KINDS = tuple(_MAKERS)
"""Everyday noises that there is a formula for."""
