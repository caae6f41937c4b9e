"""Bursts: short sounds that are no speech, from the bank or by formula.

Invariant: active parts are at 0 dBFS, and both ends are faded.
"""

from __future__ import annotations

__all__ = ["make_burst"]

from collections.abc import Callable, Mapping

import numpy as np

from .backgrounds import coloured_noise, excerpt, pick_clip
from .bank import Bank
from .signals import RATE_HZ, Audio, Rng, scale_to_dbfs, shape_spectrum

_KINDS = ("clip", "clip", "music", "slam", "cough", "breath", "clicks", "tone", "noise")


def make_burst(bank: Bank, rng: Rng, split: str) -> Audio:
    """Return a burst of up to 2.5 s, float32 [shape=(n,)]."""
    kind = rng.choice(_KINDS)
    if kind in ("clip", "music"):
        clip = pick_clip(bank, rng, "noise" if kind == "clip" else "music", split)
        audio = excerpt(bank, clip, rng, int(rng.uniform(0.1, 2.0) * RATE_HZ))
    else:
        audio = _FORMULAS[str(kind)](rng)
    fade = min(len(audio) // 4, int(rng.uniform(10, 400)))
    ramp = np.linspace(0, 1, fade + 1)[:-1]
    faded = np.array(audio, np.float32)
    if fade:
        faded[:fade] *= ramp
        faded[-fade:] *= ramp[::-1]
    return scale_to_dbfs(faded, 0.0)


def _slam(rng: Rng) -> Audio:
    count = int(rng.uniform(0.08, 0.4) * RATE_HZ)
    audio = rng.normal(size=count) * np.exp(-np.arange(count) / rng.uniform(80, 900))
    gains_db = [0, 6, -rng.uniform(0, 20), -rng.uniform(10, 30)]
    return shape_spectrum(audio, [20, 200, 1500, 4000], gains_db)


def _cough(rng: Rng) -> Audio:
    audio = _breath_noise(rng, rng.uniform(0.12, 0.35), attack_ratio=0.05)
    pause = np.zeros(int(rng.integers(400, 1600)))
    return np.concatenate([audio, pause, 0.7 * audio[: len(audio) // 2]])


def _breath(rng: Rng) -> Audio:
    return _breath_noise(rng, rng.uniform(0.3, 1.2), attack_ratio=0.4)


def _breath_noise(rng: Rng, duration_s: float, *, attack_ratio: float) -> Audio:
    """Return noise through two formants that rises, then falls."""
    length = int(duration_s * RATE_HZ)
    t = np.linspace(0, 1, length)
    fall = np.minimum((1 - t) / (1 - attack_ratio), 1) ** rng.uniform(0.7, 2)
    envelope = np.minimum(t / attack_ratio, 1) * fall
    first_hz, second_hz = rng.uniform(400, 900), rng.uniform(1100, 2600)
    points_hz = [20, first_hz, 1000, second_hz, 4000]
    noise = rng.normal(size=length) * envelope
    return shape_spectrum(noise, points_hz, [-20, 0, -8, rng.uniform(-8, 2), -25])


def _clicks(rng: Rng) -> Audio:
    audio = np.zeros(int(rng.uniform(0.1, 1.5) * RATE_HZ))
    for at in rng.integers(0, len(audio) - 60, size=int(rng.integers(1, 8))):
        audio[at : at + 60] += rng.normal(size=60) * np.exp(-np.arange(60) / rng.uniform(3, 25))
    return audio


def _tone(rng: Rng) -> Audio:
    t_s = np.arange(int(rng.uniform(0.1, 1.0) * RATE_HZ)) / RATE_HZ
    first = np.sin(2 * np.pi * rng.uniform(250, 2200) * t_s)
    is_double = rng.choice((0, 1))
    return np.asarray(first + is_double * np.sin(2 * np.pi * rng.uniform(250, 2200) * t_s))


def _noise(rng: Rng) -> Audio:
    return coloured_noise(rng, int(rng.uniform(0.1, 2.5) * RATE_HZ))


_FORMULAS: Mapping[str, Callable[[Rng], Audio]] = {
    "slam": _slam,
    "cough": _cough,
    "breath": _breath,
    "clicks": _clicks,
    "tone": _tone,
    "noise": _noise,
}
