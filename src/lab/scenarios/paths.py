"""Echo paths and loudspeakers: hybrids, handsets, rooms, distortion.

Invariant: a path has unit energy, and everything random in it comes from the generator passed in.
"""

from __future__ import annotations

__all__ = [
    "distort",
    "make_handset_path",
    "make_hybrid_path",
    "make_room_path",
]

import numpy as np

from .signals import RATE_HZ, Audio, Rng, shape_spectrum


def make_hybrid_path(rng: Rng) -> Audio:
    """Return a line hybrid: dispersive, under 16 ms, a few damped resonances.

    In the manner of the echo path models of ITU-T G.168 Annex D.
    """
    length = int(rng.integers(48, 129))
    t = np.arange(length)
    response = np.zeros(length)
    for _ in range(int(rng.integers(2, 6))):
        frequency_hz = rng.uniform(200, 3400)
        decay = rng.uniform(4, 25)
        start = rng.uniform(0, 25)
        on = t >= start
        response += (
            on
            * rng.normal()
            * np.exp(-(t - start) / decay * on)
            * np.cos(2 * np.pi * frequency_hz / RATE_HZ * (t - start) + rng.uniform(0, 6.3))
        )
    return _unit_energy(response)


def make_handset_path(rng: Rng) -> Audio:
    """Return an acoustic leak through a handset: short, resonant, band-limited."""
    length = int(rng.integers(64, 320))
    t = np.arange(length)
    response = rng.normal(size=length) * np.exp(-t / rng.uniform(8, 50))
    response[: int(rng.integers(0, 12))] = 0.0
    centre_hz, width = rng.uniform(600, 2800), rng.uniform(0.2, 0.8)
    points_hz = [1, centre_hz * (1 - width), centre_hz, 3400, 4000]
    return _unit_energy(shape_spectrum(response, points_hz, [-40, -15, 0, -12, -40]))


def make_room_path(rng: Rng) -> Audio:
    """Return a loudspeaker to a microphone in a room: direct sound, reflections, decay."""
    reverberation_s = rng.uniform(0.08, 0.65)
    length = int(RATE_HZ * min(reverberation_s * 0.8, 0.4))
    t_s = np.arange(length) / RATE_HZ
    tail: Audio = rng.normal(size=length) * np.exp(-6.9 * t_s / reverberation_s)
    tail[: int(rng.integers(4, 60))] = 0.0
    fall_db = [0, 0, -rng.uniform(0, 4), -rng.uniform(2, 12)]
    tail = shape_spectrum(tail, [1, 500, 2000, 4000], fall_db)
    response = tail / np.linalg.norm(tail)
    direct = 10 ** (rng.uniform(-8, 14) / 20)
    response[int(rng.integers(0, 6))] += direct
    for _ in range(int(rng.integers(2, 8))):
        response[int(rng.integers(8, min(400, length)))] += direct * rng.normal() * 0.35
    low_hz, high_hz = rng.uniform(150, 500), rng.uniform(2600, 3900)
    dips_db = rng.uniform(-8, 4, size=3)
    points_hz = [1, low_hz, 700, 1300, 2200, high_hz, 4000]
    return _unit_energy(shape_spectrum(response, points_hz, [-35, 0, *dips_db, 0, -25]))


def distort(signal: Audio, rng: Rng) -> tuple[Audio, str]:
    """Overdrive a loudspeaker.

    Returns:
        The signal at about its level, and how it was distorted: ``clip`` (hard), ``soft``,
        ``asymmetric`` (sigmoid) or ``cubic``.
    """
    drive = 10 ** (rng.uniform(0, 18) / 20)
    level = np.sqrt(np.mean(signal[np.abs(signal) > 1e-4] ** 2)) + 1e-6
    x = signal / level * 0.25 * drive
    kind = ("clip", "soft", "asymmetric", "cubic")[int(rng.integers(4))]
    if kind == "clip":
        y = np.clip(x, -rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.0))
    elif kind == "soft":
        y = np.tanh(x)
    elif kind == "asymmetric":
        b = 1.5 * x - 0.3 * x**2
        y = 2.0 / (1.0 + np.exp(-np.where(b > 0, rng.uniform(2, 4), 0.5) * b)) - 1.0
    else:
        limited = np.clip(x, -1.2, 1.2)
        y = limited + rng.uniform(-0.5, 0.5) * limited**2 - rng.uniform(0.1, 0.5) * limited**3
    return np.asarray((y - np.mean(y)) * level, np.float32), kind


def _unit_energy(response: Audio) -> Audio:
    return np.asarray(response / np.linalg.norm(response), np.float32)
