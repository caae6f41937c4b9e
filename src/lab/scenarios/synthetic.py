"""Clips that need no corpus: the packaged voices, and music and noises made by formula.

Invariant: always the same clips; their seeds are in the code.
"""

from __future__ import annotations

__all__ = ["packaged_voices", "synthetic_music", "synthetic_noises"]

from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files

import numpy as np

from ...core.g711 import decode
from ...realtime_server.voice_library import VoiceLibrary, agent_voices
from .corpus_folder import FoundClip
from .signals import RATE_HZ, Audio, Rng, shape_spectrum

_SOURCE = "synthetic"
_LICENCE = "CC0-1.0"
_SEED = 20
_CLIP_SAMPLES = 20 * RATE_HZ
_MUSIC_CLIPS = 6
_CHORDS = ((0, 4, 7, 12), (9, 12, 16, 21), (5, 9, 12, 17), (7, 11, 14, 19))
"""Semitones over the tonic: I, vi, IV and V of a major key."""


def packaged_voices() -> Iterator[FoundClip]:
    """Yield the sentences that come with voxgate: the agent's and the demonstration's caller's."""
    libraries = {
        "packaged agent": agent_voices(),
        "packaged caller": VoiceLibrary.load(files("voxgate.lab") / "voices"),
    }
    for source, library in libraries.items():
        yield from _spoken(source, library)


def _spoken(source: str, library: VoiceLibrary) -> Iterator[FoundClip]:
    for line in library.values():
        audio = decode(line.audio, line.audio_format).astype(np.float32) / 32768.0
        yield _clip("speech", source, line.voice, line.licence, audio)


def synthetic_music() -> Iterator[FoundClip]:
    """Yield pieces of plucked chords with a bass, each of its own key, tempo and timbre."""
    for number in range(_MUSIC_CLIPS):
        name = f"chords-{number + 1}"
        yield _clip("music", _SOURCE, name, _LICENCE, _piece(_generator(number)))


def synthetic_noises() -> Iterator[FoundClip]:
    """Yield rain, traffic, a fan, clatter and typing, or what formulas make of them."""
    for number, (name, make) in enumerate(_NOISES.items()):
        yield _clip("noise", _SOURCE, name, _LICENCE, make(_generator(100 + number)))


def _clip(kind: str, source: str, name: str, licence: str, audio: Audio) -> FoundClip:
    return FoundClip(kind=kind, source=source, speaker=name, licence=licence, read=lambda: audio)


def _generator(number: int) -> Rng:
    return np.random.default_rng([_SEED, number])


def _piece(rng: Rng) -> Audio:
    """Return a piece of music: broken chords over a bass."""
    out = np.zeros(_CLIP_SAMPLES)
    tonic_hz = 220.0 * 2 ** (rng.integers(-5, 7) / 12)
    beat = int(rng.uniform(0.18, 0.4) * RATE_HZ)
    brightness, decay_s = rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.8)
    for number, at in enumerate(range(0, _CLIP_SAMPLES, beat)):
        chord = _CHORDS[number // 8 % len(_CHORDS)]
        note = int(chord[int(rng.integers(len(chord)))])
        _pluck(out, at, tonic_hz * 2 ** (note / 12), brightness, decay_s)
        if number % 4 == 0:
            _pluck(out, at, tonic_hz / 2 * 2 ** (chord[0] / 12), brightness / 2, 2 * decay_s)
    return out


def _pluck(out: Audio, at: int, pitch_hz: float, brightness: float, decay_s: float) -> None:
    """Add one decaying note."""
    t_s = np.arange(min(len(out) - at, int(4 * decay_s * RATE_HZ))) / RATE_HZ
    for harmonic in range(1, int(min(8, 3600 // pitch_hz)) + 1):
        envelope = brightness ** (harmonic - 1) * np.exp(-t_s * harmonic**0.5 / decay_s)
        out[at : at + len(t_s)] += envelope * np.sin(2 * np.pi * harmonic * pitch_hz * t_s)


def _rain(rng: Rng) -> Audio:
    hiss = shape_spectrum(rng.normal(size=_CLIP_SAMPLES), [20, 500, 3000, 4000], [-30, -6, 0, -6])
    return hiss + _impacts(rng, per_s=60.0, decay_samples=(4, 30), gain=2.0)


def _traffic(rng: Rng) -> Audio:
    rumble = shape_spectrum(rng.normal(size=_CLIP_SAMPLES), [20, 80, 400, 4000], [0, 0, -10, -40])
    knots = np.arange(0, _CLIP_SAMPLES + RATE_HZ, RATE_HZ)
    gain_db = rng.uniform(-14, 0, size=len(knots))
    return rumble * 10 ** (np.interp(np.arange(_CLIP_SAMPLES), knots, gain_db) / 20)


def _fan(rng: Rng) -> Audio:
    t_s = np.arange(_CLIP_SAMPLES) / RATE_HZ
    blades_hz = rng.uniform(80, 140)
    air = shape_spectrum(rng.normal(size=_CLIP_SAMPLES), [20, 200, 4000], [-6, 0, -24])
    return np.asarray(air * (1 + 0.4 * np.sin(2 * np.pi * blades_hz * t_s)))


def _clatter(rng: Rng) -> Audio:
    return _impacts(rng, per_s=2.5, decay_samples=(100, 900), gain=1.0)


def _typing(rng: Rng) -> Audio:
    return _impacts(rng, per_s=7.0, decay_samples=(15, 60), gain=1.0)


def _impacts(rng: Rng, *, per_s: float, decay_samples: tuple[int, int], gain: float) -> Audio:
    """Return impacts at random times: ringing noise, each with a decay of its own."""
    out = np.zeros(_CLIP_SAMPLES)
    for at in rng.integers(0, _CLIP_SAMPLES, size=int(per_s * _CLIP_SAMPLES / RATE_HZ)):
        decay = rng.uniform(*decay_samples)
        t = np.arange(min(_CLIP_SAMPLES - int(at), int(6 * decay)))
        ring = np.sin(2 * np.pi * rng.uniform(300, 3400) / RATE_HZ * t) + rng.normal(size=len(t))
        out[at : at + len(t)] += gain * rng.uniform(0.2, 1.0) * ring * np.exp(-t / decay)
    return out


_NOISES: Mapping[str, Callable[[Rng], Audio]] = {
    "rain": _rain,
    "traffic": _traffic,
    "fan": _fan,
    "clatter": _clatter,
    "typing": _typing,
}
