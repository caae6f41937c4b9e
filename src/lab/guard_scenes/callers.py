"""A caller on an otherwise silent line: utterances with pauses, and which frames are speech.

Invariant: what is speech comes from the clean track alone; that a noise buries it only takes the
frame out of what is learned.
"""

from __future__ import annotations

__all__ = ["NOBODY", "SPEECH", "UNKNOWN", "draw_caller", "label_frames"]

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..scenarios.backgrounds import pick_clip
from ..scenarios.bank import Bank, Clip
from ..scenarios.line import limit_band
from ..scenarios.paths import distort, make_room_path
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, convolve, scale_to_dbfs
from ..scenarios.turns import Span, mark_speech
from .speaking_styles import hold_vowel, repeat_syllable
from .voice_variety import draw_variety

SPEECH = 1
"""Label of a frame in which the caller speaks."""
NOBODY = 0
"""Label of a frame without the caller."""
UNKNOWN = -1
"""Label of a frame of which nobody can say what is right."""

_ACTIVE_RATIO = 10**-2.5
"""Power of a frame of speech, at least, over that of the caller's loud frames: 25 dB below."""
_FAINT_RATIO = 10**-4.0
_CLOSE_FRAMES = 5
"""A gap of up to 80 ms inside speech is unknown, not silence."""
_FADE_FRAMES = (-1, 1, 2, 3, 4)
"""Frames beside speech that may hold some of it."""
_BURIED_RATIO = 10**-0.6
"""Speech more than 6 dB under the noise of its frame is unknown."""
_ROOM_PROB = 0.3
_AT_ONCE_PROB = 0.15
"""Of callers, to speak from the first sample on."""
_PATIENT_PROB = 0.2
"""Of callers, to wait up to 6 s more."""
_LEVEL_DEVIATION_DB = 2.0
"""By which the level of a caller's utterances differs."""


def draw_caller(
    bank: Bank,
    rng: Rng,
    split: str,
    length: int,
    *,
    style_prob: float = 0.0,
    overdrive_prob: float = 0.0,
    variety_prob: float = 0.0,
) -> tuple[Audio, list[Span]]:
    """Draw a caller's track.

    Args:
        bank: Voices.
        rng: All of the chance.
        split: Of the clips to use.
        length: Samples.
        style_prob: Of an utterance, to have a held vowel or a laugh in it.
        overdrive_prob: Of a caller, to be too loud for the microphone.
        variety_prob: Of a caller, to have a voice made of another.

    Returns:
        The track, float32 [shape=(length,)] at about -20 dBFS, and the utterances.
    """
    clip = pick_clip(bank, rng, "speech", split)
    clips = bank.spoken_by(f"{clip.source}/{clip.speaker}", split)
    rate = float(rng.uniform(0.78, 1.3))  # voices are resampled: pitch and formants move together
    track = np.zeros(length, np.float32)
    spans: list[Span] = []
    at = 0 if rng.random() < _AT_ONCE_PROB else int(rng.uniform(0, 3) * RATE_HZ)
    if rng.random() < _PATIENT_PROB:
        at += int(rng.uniform(0, 6) * RATE_HZ)
    while at < length - RATE_HZ // 4:
        words = _utterance(bank, rng, clips, rate)
        if style_prob and rng.random() < style_prob:
            words = (hold_vowel if rng.random() < 0.5 else repeat_syllable)(rng, words)
        words = words[: length - at]
        track[at : at + len(words)] = words
        spans.extend(mark_speech(words, at))
        at += len(words) + int(rng.uniform(0.2, 3.5) * RATE_HZ)
    if variety_prob and rng.random() < variety_prob:
        track = draw_variety(rng).apply(rng, track)
    return _colour(rng, track, overdrive_prob), spans


def label_frames(caller: Audio, other: Audio) -> npt.NDArray[np.int8]:
    """Label frames by the caller's clean track and all else that is on the line.

    Returns:
        int8 [shape=(frames,)] of :data:`SPEECH`, :data:`NOBODY` and :data:`UNKNOWN`.
    """
    power, noise = _frame_powers(caller), _frame_powers(other)
    labels = np.full(len(power), NOBODY, np.int8)
    if power.max(initial=0.0) < 1e-9:
        return labels
    reference = power[power > power.max() * _ACTIVE_RATIO].mean()
    is_active = power > reference * _ACTIVE_RATIO
    labels[power > reference * _FAINT_RATIO] = UNKNOWN
    places = np.flatnonzero(is_active)
    for before, after in pairwise(places):
        if after - before <= _CLOSE_FRAMES:
            labels[before:after] = UNKNOWN
    for shift in _FADE_FRAMES:
        labels[np.roll(is_active, shift)] = UNKNOWN
    labels[is_active] = SPEECH
    labels[is_active & (power < noise * _BURIED_RATIO)] = UNKNOWN
    return labels


def _utterance(bank: Bank, rng: Rng, clips: list[Clip], rate: float) -> Audio:
    audio = bank.audio(clips[int(rng.integers(len(clips)))])
    longest = int(rng.uniform(0.4, 6.0) * RATE_HZ * rate)
    if len(audio) > longest:
        start = int(rng.integers(len(audio) - longest)) if rng.random() < 0.5 else 0
        audio = audio[start : start + longest]
    audio = np.interp(np.arange(0, len(audio) - 1, rate), np.arange(len(audio)), audio)
    fade = min(80, len(audio) // 4)
    if fade:
        audio[:fade] *= np.linspace(0, 1, fade)
        audio[-fade:] *= np.linspace(1, 0, fade)
    return scale_to_dbfs(
        audio.astype(np.float32), -20.0 + float(rng.normal()) * _LEVEL_DEVIATION_DB
    )


def _colour(rng: Rng, track: Audio, overdrive_prob: float) -> Audio:
    """Give the caller a telephone, and sometimes a room."""
    track = limit_band(track, rng)
    if rng.random() < _ROOM_PROB:
        room = make_room_path(rng)
        direct = int(np.argmax(np.abs(room)))
        room[:direct] = 0.0
        wet = float(rng.uniform(0.3, 0.9))
        track = (1.0 - wet) * track + wet * convolve(track, np.roll(room, -direct))
    if rng.random() < overdrive_prob:
        track, _ = distort(track, rng)
    return track


def _frame_powers(track: Audio) -> Audio:
    count = len(track) // FRAME_SAMPLES
    frames = track[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    return np.asarray(np.mean(frames**2, axis=1))
