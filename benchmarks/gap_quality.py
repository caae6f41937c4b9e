"""How near what is made up for lost frames comes to what was lost: deterministic."""

from __future__ import annotations

__all__ = ["gap_figures"]

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from voxgate.core.audio import AudioFormat
from voxgate.core.g711 import decode
from voxgate.core.gap_concealment import GapConcealment

from .figure import Figure
from .sounds import make_sounds

_FORMAT = AudioFormat()
_N_FRAMES = 2500
_GAP_FRAMES = (2, 3, 4, 5)
_BEFORE_FRAMES = 4
_WINDOW_SAMPLES = 256
_STEP_SAMPLES = 64
_EDGE_SAMPLES = 80
"""What is compared begins and ends with so much of what was not lost."""
_FLOOR = 30.0**2 * np.sum(np.hanning(_WINDOW_SAMPLES) ** 2)
"""Power of a quiet line, so that silence is no infinity."""

_Samples = npt.NDArray[np.float64]


def gap_figures() -> list[Figure]:
    """Measure the log-spectral distance to what was lost, of sound made up and of silence."""
    return [
        figure
        for n_frames in _GAP_FRAMES
        for figure in _figures(n_frames, *np.mean(list(_distances(n_frames)), axis=0))
    ]


def _figures(n_frames: int, made_up_db: float, silent_db: float) -> list[Figure]:
    name = f"distance to a lost {n_frames * 20} ms"
    return [
        Figure(name=name, value=made_up_db, unit="dB", limit=0.75 * silent_db),
        Figure(name="... of silence", value=silent_db, unit="dB"),
    ]


def _distances(n_frames: int) -> Iterator[tuple[float, float]]:
    """Yield for each gap in the caller's speech: distance of what is made up, and of silence."""
    sounds = make_sounds(_N_FRAMES)
    for at in range(_BEFORE_FRAMES, _N_FRAMES - n_frames - 1, 7):
        if not all(sounds.caller_speaks[at - 1 : at + n_frames + 1]):
            continue
        concealment = GapConcealment(_FORMAT)
        before = sounds.caller[at - _BEFORE_FRAMES : at]
        for frame in before:
            concealment.receive(frame)
        after = sounds.caller[at + n_frames]
        lost = sounds.caller[at : at + n_frames]
        made_up = concealment.conceal(n_frames, after)
        original, *fillings = (
            _samples(before[-1], *filling, after)
            for filling in (lost, made_up, [bytes(_FORMAT.frame_bytes)] * n_frames)
        )
        yield _distance_db(original, fillings[0]), _distance_db(original, fillings[1])


def _samples(*frames: bytes) -> _Samples:
    edge = _FORMAT.frame_samples - _EDGE_SAMPLES
    return decode(b"".join(frames), _FORMAT).astype(np.float64)[edge:-edge]


def _distance_db(one: _Samples, other: _Samples) -> float:
    difference_db = 10.0 * (np.log10(_spectra(one)) - np.log10(_spectra(other)))
    return float(np.mean(np.sqrt(np.mean(difference_db**2, axis=1))))


def _spectra(samples: _Samples) -> _Samples:
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW_SAMPLES)[::_STEP_SAMPLES]
    return np.abs(np.fft.rfft(windows * np.hanning(_WINDOW_SAMPLES))) ** 2 + _FLOOR
