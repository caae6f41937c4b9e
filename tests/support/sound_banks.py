"""Small banks and corpus folders of generated sounds."""

from __future__ import annotations

__all__ = ["SPLIT", "small_bank", "write_corpus"]

from functools import cache
from pathlib import Path

import numpy as np

from support.recordings import write_wav
from support.signals import Signal, speech_like, tone, white_noise
from voxgate.lab.scenarios.bank import Bank
from voxgate.lab.scenarios.corpus_folder import FoundClip, build_bank

SPLIT = "all"
"""Split of every clip of the small bank."""


@cache
def small_bank() -> Bank:
    """Return a bank of two speakers, a song, two noises and a room."""
    return build_bank(
        [
            *(_clip("speech", "ann", speech_like(1500, seed=seed)) for seed in range(2)),
            *(_clip("speech", "bob", speech_like(2500, seed=seed)) for seed in range(5, 7)),
            _clip("music", "song", tone(3000, 440.0)),
            _clip("noise", "hiss", white_noise(1000, seed=1)),
            _clip("noise", "drone", tone(1000, 120.0)),
            _clip("rir", "hall", _decay()),
        ],
        lambda *_: SPLIT,
    )


def write_corpus(folder: Path) -> Path:
    """Write a corpus of a few WAV files, and return its folder."""
    sounds = {
        "speech/ann/one.wav": speech_like(600, seed=1),
        "speech/ann/two.wav": speech_like(600, seed=2),
        "speech/bob/one.wav": speech_like(600, seed=3),
        "music/song.wav": tone(600, 440.0),
        "noise/deep/down/hiss.wav": white_noise(600),
        "rir/hall.wav": _decay(),
    }
    for name, samples in sounds.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_wav(folder / name, samples)
    return folder


def _clip(kind: str, speaker: str, samples: Signal) -> FoundClip:
    audio = samples.astype(np.float64) / 32768.0
    return FoundClip(kind=kind, source="made", speaker=speaker, licence="own", read=lambda: audio)


def _decay() -> Signal:
    taps = np.exp(-np.arange(800) / 80.0) * np.random.default_rng(4).normal(size=800)
    return (taps / np.abs(taps).max() * 20000).astype(np.int16)
