"""Backgrounds: everything the caller's line carries for long that is not the caller.

Invariant: active parts are at 0 dBFS; who uses them sets the level.
"""

from __future__ import annotations

__all__ = ["BACKGROUND_KINDS", "coloured_noise", "excerpt", "make_background", "pick_clip"]

from collections.abc import Callable, Mapping

import numpy as np

from .bank import Bank, Clip
from .signals import RATE_HZ, Audio, Rng, scale_to_dbfs, shape_spectrum

_SIZE_EXPONENT = 0.6
"""Sources are picked by their size to this power: large ones rarely drown small ones."""


def pick_clip(bank: Bank, rng: Rng, kind: str, split: str) -> Clip:
    """Pick a clip: first a source, then one of its clips.

    Raises:
        ValueError: the bank has no clip of the kind and split.
    """
    by_source = bank.sources(kind, split)
    if not by_source:
        raise ValueError(f"kind, split: the bank has no {kind} for {split}")
    sources = sorted(by_source)
    sizes = [sum(clip.length for clip in by_source[source]) for source in sources]
    weight = np.array(sizes, float) ** _SIZE_EXPONENT
    chosen = by_source[sources[int(rng.choice(len(sources), p=weight / weight.sum()))]]
    return chosen[int(rng.integers(len(chosen)))]


def excerpt(bank: Bank, clip: Clip, rng: Rng, length: int) -> Audio:
    """Return ``length`` samples of a clip from a random place, looped where it is short."""
    audio = bank.audio(clip)
    start = int(rng.integers(max(1, len(audio) - length + 1)))
    part = audio[start : start + length]
    return np.resize(part, length) if len(part) < length else part


def coloured_noise(rng: Rng, length: int) -> Audio:
    """Return steady noise with a random slope and a random resonance."""
    slope_db = rng.uniform(-9, 1)
    centre_hz = rng.uniform(150, 3000)
    points_hz = [20, centre_hz * 0.7, centre_hz, centre_hz * 1.4, 4000]
    gains_db = slope_db * np.log2(np.asarray(points_hz) / 500.0)
    gains_db[2] += rng.uniform(0, 12)
    noise = rng.normal(size=length).astype(np.float32)
    return shape_spectrum(noise, points_hz, list(np.clip(gains_db, -40, 40)))


def make_background(bank: Bank, rng: Rng, kind: str, length: int, split: str) -> Audio:
    """Return a background.

    Args:
        bank: Where recordings come from.
        rng: Decides all the rest.
        kind: One of :data:`BACKGROUND_KINDS`.
        length: Samples.
        split: Of the clips to use.

    Returns:
        float32 [shape=(length,)], at 0 dBFS while active.
    """
    return scale_to_dbfs(_MAKERS[kind](bank, rng, length, split), 0.0)


def _none(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    del bank, rng, split
    return np.zeros(length, np.float32)


def _steady(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    del bank, split
    return coloured_noise(rng, length)


def _recorded(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    return excerpt(bank, pick_clip(bank, rng, "noise", split), rng, length)


def _music(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    return excerpt(bank, pick_clip(bank, rng, "music", split), rng, length)


def _hum(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    """Return mains hum with harmonics and a little hiss."""
    del bank, split
    t_s = np.arange(length) / RATE_HZ
    base_hz = rng.choice((50.0, 60.0)) * (1 + rng.normal() * 0.002)
    wave = np.zeros(length)
    for n in range(1, 12):
        amplitude = rng.uniform(0.1, 1) / n
        wave += amplitude * np.sin(2 * np.pi * base_hz * n * t_s + rng.uniform(0, 6))
    return np.asarray(wave + 0.02 * rng.normal(size=length), np.float32)


def _babble(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    """Return four to eight voices at once."""
    out: Audio = np.zeros(length, np.float32)
    for _ in range(int(rng.integers(4, 9))):
        out += _speech_stream(bank, rng, length, split)
    return out


def _tv(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    """Return one voice through a small loudspeaker, half the time over music."""
    audio = _speech_stream(bank, rng, length, split)
    if rng.random() < 0.5:
        audio = audio + 0.3 * _music(bank, rng, length, split)
    return shape_spectrum(audio, [20, 300, 2500, 4000], [-20, 0, 0, -15])


def _speech_stream(bank: Bank, rng: Rng, length: int, split: str) -> Audio:
    """Return speech without an end: clips one after the other, with short pauses."""
    out: Audio = np.zeros(length, np.float32)
    at = 0
    while at < length:
        clip = pick_clip(bank, rng, "speech", split)
        part = scale_to_dbfs(bank.audio(clip), -20.0)[: length - at]
        out[at : at + len(part)] = part
        at += len(part) + int(rng.integers(800, 4000))
    return out


_MAKERS: Mapping[str, Callable[[Bank, Rng, int, str], Audio]] = {
    "none": _none,
    "steady": _steady,
    "recorded": _recorded,
    "hum": _hum,
    "babble": _babble,
    "music": _music,
    "tv": _tv,
}
BACKGROUND_KINDS = tuple(_MAKERS)
"""What can be heard behind the caller."""
