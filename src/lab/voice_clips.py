"""Cuts the recordings of one voice into clips that simulated calls can use.

Short recordings are joined, long ones are cut where they pause, silence at both ends
goes. Invariant: no sample is in two clips, and all clips have the same peak.
"""

from __future__ import annotations

__all__ = ["cut_voice", "trim_silence"]

from collections.abc import Iterable, Iterator

import numpy as np

from .scenarios.signals import RATE_HZ, Audio

_BLOCK_SAMPLES = RATE_HZ // 100
_PEAK = 0.7
_SPEECH_RANGE_DB = 38.0
"""What is further below the loudest blocks is silence, even on a quiet recording."""
_ABOVE_FLOOR_DB = 8.0
_LEAST_RANGE_DB = 15.0
"""On a noisy recording the threshold is above the floor, but no nearer to the top than this."""
_EDGE_SAMPLES = RATE_HZ // 20
"""Kept before and after the speech."""
_FADE_SAMPLES = RATE_HZ // 50
_LEAST_SPEECH_S = 0.1
_SHORT_S, _JOINED_S = 1.0, 2.0
"""What is shorter than the first is joined until it is as long as the second."""
_GAP_SAMPLES = 2 * RATE_HZ // 25
_CUT_S = (4.0, 8.0)
"""A recording longer than the second is cut at its quietest spot between the two."""
_LEAST_CLIP_S = 0.4
_FLOOR_POWER = 1e-12
_LEAST_LEVEL_DB = -80.0
"""A recording whose loudest blocks are weaker holds nothing."""


def cut_voice(recordings: Iterable[Audio], longest_s: float) -> Iterator[Audio]:
    """Yield clips of 0.4 to 8 s until ``longest_s`` of the voice are had.

    Args:
        recordings: float64 [shape=(n,), mono, 8 kHz] each, all of one voice.
        longest_s: Of all clips together; the last one may go beyond it.
    """
    joined: list[Audio] = []
    total = 0
    for piece in _pieces(recordings):
        if len(piece) >= _SHORT_S * RATE_HZ:
            clip = piece
        else:
            joined += [piece, np.zeros(_GAP_SAMPLES)]
            if sum(map(len, joined)) < _JOINED_S * RATE_HZ:
                continue
            clip, joined = np.concatenate(joined[:-1]), []
        yield clip
        total += len(clip)
        if total >= longest_s * RATE_HZ:
            return
    if sum(map(len, joined[:-1])) >= _LEAST_CLIP_S * RATE_HZ:
        yield np.concatenate(joined[:-1])


def _pieces(recordings: Iterable[Audio]) -> Iterator[Audio]:
    """Yield what is said in each recording, in parts of 8 s at most, at the same peak."""
    for recording in recordings:
        speech = trim_silence(recording)
        for part in [] if speech is None else _cut_at_pauses(speech):
            piece = trim_silence(part)
            if piece is not None:
                yield piece * (_PEAK / np.max(np.abs(piece)))


def trim_silence(audio: Audio) -> Audio | None:
    """Return the audio without the silence around it, faded in and out; None if nobody speaks.

    Args:
        audio: float64 [shape=(n,), mono, 8 kHz].
    """
    audio = audio - np.mean(audio) if len(audio) else audio
    levels = _levels_db(audio)
    if len(levels) == 0:
        return None
    top, floor = np.percentile(levels, 98), np.percentile(levels, 5)
    threshold = max(top - _SPEECH_RANGE_DB, min(floor + _ABOVE_FLOOR_DB, top - _LEAST_RANGE_DB))
    active = np.flatnonzero(levels > threshold)
    if top < _LEAST_LEVEL_DB or len(active) * _BLOCK_SAMPLES < _LEAST_SPEECH_S * RATE_HZ:
        return None
    first = max(0, active[0] * _BLOCK_SAMPLES - _EDGE_SAMPLES)
    out = audio[first : (active[-1] + 1) * _BLOCK_SAMPLES + _EDGE_SAMPLES].copy()
    fade = np.linspace(0, 1, _FADE_SAMPLES)
    out[:_FADE_SAMPLES] *= fade
    out[-_FADE_SAMPLES:] *= fade[::-1]
    return out


def _cut_at_pauses(audio: Audio) -> Iterator[Audio]:
    first, last = (int(seconds * RATE_HZ) for seconds in _CUT_S)
    while len(audio) > last:
        levels = np.convolve(_levels_db(audio[first:last]), np.ones(15) / 15, "valid")
        at = first + (int(np.argmin(levels)) + 7) * _BLOCK_SAMPLES
        yield audio[:at]
        audio = audio[at:]
    yield audio


def _levels_db(audio: Audio) -> Audio:
    """Return the level of each whole block of 10 ms."""
    blocks = audio[: len(audio) // _BLOCK_SAMPLES * _BLOCK_SAMPLES].reshape(-1, _BLOCK_SAMPLES)
    return np.asarray(10 * np.log10(np.mean(blocks**2, axis=1) + _FLOOR_POWER))
