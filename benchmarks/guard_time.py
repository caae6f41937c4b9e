"""Time of the audio guard alone per 20 ms frame: the verdict, without the gate around it."""

from __future__ import annotations

__all__ = ["GUARD_FRAMES", "GUARD_ROUNDS", "guard_figures"]

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxgate.core.audio_guard import AudioGuard
from voxgate.core.config import AudioGuardConfig, SpeechEvidenceKind
from voxgate.core.guard.speech_evidence import evidence_in_force, packaged_speech_evidence
from voxgate.core.levels import rms, zero_crossing_ratio
from voxgate.core.units import dbfs_to_rms
from voxgate.core.vad_manager import EnhancedVADManager, VADResult
from voxgate.lab.scenarios.synthetic import synthetic_music

from .figure import Figure
from .sounds import make_sounds

GUARD_FRAMES = 1000
GUARD_ROUNDS = 5

Samples = npt.NDArray[np.int16]
_LIMITS_US = {SpeechEvidenceKind.LIGHT: 45.0, SpeechEvidenceKind.SILERO: 80.0}
"""Mean per frame, of whatever is heard."""
_NOISE_DBFS, _MUSIC_DBFS = -35.0, -24.0
_SWELL_FRAMES = 20
"""Noise that stays as it is is settled by its level alone; this one goes up and down."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the guard is told of 20 ms."""

    level: float
    zcr_ratio: float
    voice: VADResult
    samples: Samples


def guard_figures() -> list[Figure]:
    """Measure every sound with every evidence that is installed, in rounds, in turn.

    A frame counts by its median over the rounds: what the guard does for it, it does in every round
    alike, and what else the machine does hits another frame each time.
    """
    lines = {name: _frames(samples) for name, samples in _lines().items()}
    kinds = [kind for kind in _LIMITS_US if evidence_in_force(kind) is kind]
    times: dict[tuple[SpeechEvidenceKind, str], list[npt.NDArray[np.float64]]] = {}
    for number in range(1 + GUARD_ROUNDS):
        for kind in kinds:
            for name, frames in lines.items():
                spent_us = _round_us(kind, frames)
                if number > 0:
                    times.setdefault((kind, name), []).append(spent_us)
    return [_figure(kind, name, rounds) for (kind, name), rounds in times.items()]


def _figure(kind: SpeechEvidenceKind, name: str, rounds: list[npt.NDArray[np.float64]]) -> Figure:
    usual = np.median(rounds, axis=0)
    return Figure(
        name=f"guard ({kind}), {name}, mean",
        value=float(usual.mean()),
        unit="us",
        limit=_LIMITS_US[kind],
        best=float(np.min(rounds, axis=0).mean()),
        p99=float(np.percentile(usual, 99)),
    )


def _round_us(kind: SpeechEvidenceKind, frames: list[_Frame]) -> npt.NDArray[np.float64]:
    """Return the time of each frame of a call of its own, in us."""
    config = AudioGuardConfig(speech_evidence=kind)
    guard = AudioGuard(config, packaged_speech_evidence(kind=kind))
    times_ns = np.empty(len(frames), np.int64)
    clock = time.perf_counter_ns
    for number, frame in enumerate(frames):
        start_ns = clock()
        guard.process(frame.level, frame.zcr_ratio, frame.voice, frame.samples)
        times_ns[number] = clock() - start_ns
    return times_ns / 1000


def _lines() -> dict[str, Samples]:
    """Return the lines, equally long: quiet, a caller, noise that swells, music."""
    generator = np.random.default_rng(2)
    n_samples = GUARD_FRAMES * 160
    hiss = generator.standard_normal(n_samples)
    swell = np.repeat(
        generator.uniform(0.3, 1.7, GUARD_FRAMES // _SWELL_FRAMES), 160 * _SWELL_FRAMES
    )
    piece = next(iter(synthetic_music())).read()
    assert piece is not None, "made by formula"
    music = np.resize(piece, n_samples) / float(np.sqrt(np.mean(np.square(piece))))
    caller = np.frombuffer(b"".join(make_sounds(GUARD_FRAMES).caller), "<i2")
    return {
        "quiet line": _pcm(hiss * dbfs_to_rms(-65.0)),
        "speech": caller,
        "noise": _pcm(hiss * swell * dbfs_to_rms(_NOISE_DBFS)),
        "music": _pcm(music * dbfs_to_rms(_MUSIC_DBFS)),
    }


def _pcm(wave: npt.NDArray[np.floating]) -> Samples:
    return np.clip(np.round(wave), -32768, 32767).astype(np.int16)


def _frames(samples: Samples) -> list[_Frame]:
    vad = EnhancedVADManager()
    frames = []
    for part in samples[: GUARD_FRAMES * 160].reshape(-1, 160):
        level = rms(part)
        voice = vad.process("line", part.tobytes(), energy=level)
        frames.append(_Frame(level, zero_crossing_ratio(part), voice, part))
    return frames
