"""One noisy call to look at: a caller on a street, then music, a dial tone and typing.

Made of the packaged voices and of sounds by formula, so that anybody can draw it. Invariant: always
the same samples.
"""

from __future__ import annotations

__all__ = ["NoisyCall", "Part", "make_noisy_call"]

from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ...core.g711 import decode
from ...realtime_server.voice_library import VoiceLibrary
from ..guard_scenes.everyday import make_everyday
from ..guard_scenes.tone_signals import make_tones
from ..scenarios.line import apply_codec
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio, scale_to_dbfs
from ..scenarios.synthetic import synthetic_music

_SEED = 8
_PIECE = 2
"""Of the music by formula: one of those that are taken for music."""
_CALLER_DBFS = -22.0
_LINE_NOISE_DBFS = -68.0
_ACTIVE_DB = 25.0
"""A frame of the caller's is speech down to this far below the loudest."""
_PAUSE_FRAMES = 12
"""Pauses up to 240 ms belong to the speech around them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the call in which one kind of sound is heard."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyCall:
    """What the line delivers, and what is true of it."""

    capture: npt.NDArray[np.int16]
    """int16 [shape=(n,), mono, 8 kHz]."""
    is_caller: npt.NDArray[np.bool_]
    """[shape=(frames,)]: the caller really speaks."""
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Sound:
    """A background, and how loud it is."""

    part: Part
    dbfs: float


_SOUNDS = (
    _Sound(Part("street", 0.5, 12.5), -36.0),
    _Sound(Part("music", 13.5, 23.0), -32.0),
    _Sound(Part("dial tone", 24.0, 26.5), -20.0),
    _Sound(Part("typing", 27.5, 34.0), -30.0),
)
_SENTENCES = (("question", 3.0), ("interruption", 8.6), ("card_question", 19.0), ("stop", 31.0))
"""Sentences of the packaged caller and when they begin, in s: over the street, over music, over
typing."""
_DURATION_S = 35.0


def make_noisy_call() -> NoisyCall:
    """Return the call, as mu-law delivers it."""
    rng = np.random.default_rng(_SEED)
    length = int(_DURATION_S * RATE_HZ)
    caller = _speak(length)
    line = rng.standard_normal(length) * 10 ** (_LINE_NOISE_DBFS / 20)
    for sound in _SOUNDS:
        first, end = int(sound.part.start_s * RATE_HZ), int(sound.part.end_s * RATE_HZ)
        audio = _make_sound(rng, sound.part.name, end - first)
        line[first:end] += audio * 10 ** (sound.dbfs / 20)
    sent = apply_codec(np.clip(caller + line, -1.0, 0.9999).astype(np.float32), "mulaw")
    return NoisyCall(
        capture=np.round(sent * 32768).clip(-32768, 32767).astype(np.int16),
        is_caller=_find_speech(caller),
        parts=tuple(sound.part for sound in _SOUNDS),
    )


def _speak(length: int) -> Audio:
    """Return the caller alone, float64 [shape=(length,)]."""
    voices = VoiceLibrary.load(files("voxgate.lab") / "voices")
    caller = np.zeros(length)
    for sentence, start_s in _SENTENCES:
        line = voices[sentence]
        audio = decode(line.audio, line.audio_format) / 32768.0
        first = int(start_s * RATE_HZ)
        caller[first : first + len(audio)] = audio[: length - first]
    return scale_to_dbfs(caller, _CALLER_DBFS)


def _make_sound(rng: np.random.Generator, name: str, length: int) -> Audio:
    if name == "music":
        piece = list(synthetic_music())[_PIECE].read()
        assert piece is not None, "made by formula, not read from a file"  # noqa: S101
        return scale_to_dbfs(piece[:length], 0.0)
    if name == "dial tone":
        return make_tones(rng, "dial", length)
    return make_everyday(rng, name, length)


def _find_speech(caller: Audio) -> npt.NDArray[np.bool_]:
    """Return in which frames the caller speaks, short pauses included."""
    frames = caller[: len(caller) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    power = np.mean(frames**2, axis=1)
    is_caller: npt.NDArray[np.bool_] = power > power.max() * 10 ** (-_ACTIVE_DB / 10)
    spoken = np.flatnonzero(is_caller)
    for last, following in pairwise(spoken):
        if following - last <= _PAUSE_FRAMES:
            is_caller[last:following] = True
    return is_caller
