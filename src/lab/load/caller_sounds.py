"""What callers say and what their lines hum: frames made beforehand, so that a call costs little.

Invariant: an utterance begins with its first loud frame, and no two frames of a run are alike.
"""

from __future__ import annotations

__all__ = ["CallerSounds", "Frames", "load_sounds"]

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.g711 import decode
from ...core.units import dbfs_to_rms
from ...realtime_server import VoiceLibrary
from ..scenarios.corpus_folder import CorpusError, build_bank, find_clips

Frames = npt.NDArray[np.float32]
"""float32 [shape=(n, 160), mono, 8 kHz], int16 units."""

_FRAME_SAMPLES = 160
_SPEECH_DBFS = -20.0
"""Active level of callers: what telephones deliver of a caller who speaks normally."""
_NOISE_DBFS = -66.0
_LOUD_RMS = dbfs_to_rms(-40.0)
_ACTIVE_DB = 25.0
_HUM_FRAMES = (997, 1009)
"""Two loops of line noise, which are added: they are alike again after five hours."""
_LONGEST_FRAMES = 150
"""3 s: what callers say to machines."""
_SHORTEST_FRAMES = 40
_MAX_CLIPS = 200
_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSounds:
    """All sounds of a run."""

    utterances: tuple[Frames, ...]
    hums: tuple[Frames, Frames]
    """Noise of the line: the sum of a frame of each."""


def load_sounds(corpus: Path | None = None) -> CallerSounds:
    """Return what callers say.

    Args:
        corpus: A folder of sound files, as ``voxgate corpus`` fetches; the packaged caller's
            sentences if left out.

    Raises:
        CorpusError: the folder holds no speech that can be used.
    """
    clips = _packaged() if corpus is None else _of_corpus(corpus)
    utterances = tuple(cut for clip in clips for cut in _utterances(clip))
    if not utterances:
        raise CorpusError(f"{corpus}: holds no speech of a second or more")
    rng = np.random.default_rng(_SEED)
    first, second = (_hum(n_frames, rng) for n_frames in _HUM_FRAMES)
    return CallerSounds(utterances=utterances, hums=(first, second))


def _packaged() -> list[npt.NDArray[np.int16]]:
    voices = VoiceLibrary.load(files("voxgate.lab") / "voices")
    return [decode(line.audio, line.audio_format) for line in voices.values()]


def _of_corpus(folder: Path) -> list[npt.NDArray[np.int16]]:
    found = [clip for clip in find_clips(folder) if clip.kind == "speech"]
    every = max(1, len(found) // _MAX_CLIPS)
    bank = build_bank(found[::every])
    return [bank.samples[clip.start : clip.start + clip.length] for clip in bank.clips]


def _utterances(samples: npt.NDArray[np.int16]) -> Sequence[Frames]:
    """Cut a recording into what is said at a time, at the callers' level."""
    whole = len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES
    frames = samples[:whole].astype(np.float32).reshape(-1, _FRAME_SAMPLES)
    powers = (frames**2).mean(axis=1)
    if not powers.any():
        return []
    active = powers[powers > powers.max() / 10 ** (_ACTIVE_DB / 10)]
    frames = frames * np.float32(dbfs_to_rms(_SPEECH_DBFS) / np.sqrt(active.mean()))
    levels = np.sqrt((frames**2).mean(axis=1))
    parts = []
    at = 0
    while (first := _first_loud(levels, at)) is not None:
        part = frames[first : first + _LONGEST_FRAMES]
        at = first + _LONGEST_FRAMES
        if len(part) >= _SHORTEST_FRAMES:
            parts.append(part)
    return parts


def _first_loud(levels: npt.NDArray[np.float32], start: int) -> int | None:
    loud = np.flatnonzero(levels[start:] >= _LOUD_RMS)
    return start + int(loud[0]) if len(loud) else None


def _hum(n_frames: int, rng: np.random.Generator) -> Frames:
    scale = dbfs_to_rms(_NOISE_DBFS) / np.sqrt(2)
    noise = rng.standard_normal((n_frames, _FRAME_SAMPLES)) * scale
    return np.asarray(noise, np.float32)
