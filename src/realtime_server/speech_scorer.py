"""How much a 20 ms frame sounds like speech, 0..1: WebRTC VAD made insensitive to level.

A turn detector in the cloud hears a caller at -20 dBFS and an echo at -44 dBFS alike. WebRTC VAD in
its strict mode does not: below about -45 dBFS it hears nothing. So each frame is first brought to a
common level by the peaks of the last seconds. Frames that can't be speech are not scored at all:
those below an absolute floor, far below what was said last, or with the flat spectrum of hiss.

Invariant: a score depends on this frame and those before it, and on nothing else.
"""

from __future__ import annotations

__all__ = ["SCORED_RATE_HZ", "FrameScore", "FrameScorer", "SpeechScorer"]

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from ..core.audio import FRAME_MS
from ..core.levels import rms
from ..core.units import db_to_ratio, dbfs_to_rms, rms_to_dbfs

SCORED_RATE_HZ = 8000
"""Sample rate of the frames, in Hz."""

_FRAME_SAMPLES = SCORED_RATE_HZ * FRAME_MS // 1000

_MODE_WEIGHTS = ((1, 0.2), (2, 0.2), (3, 0.6))
"""Share of each WebRTC VAD mode in a score. The onset of steady noise passes modes 1 and 2 for
seconds, and so reaches 0.5 only with mode 3; syllables pass all three."""

_TARGET_DBFS = -35.0
"""Level that the peaks are brought to. Measured: from -32 dBFS on all modes call steady white noise
speech, whatever its level was; below -40 they lose speech."""
_MAX_GAIN_DB = 30.0
_FLOOR_DBFS = -62.0
"""Below it a frame is silence; what a speech frame of a caller at -50 dBFS hardly ever is."""
_RANGE_DB = 30.0
"""A frame so far below the last peaks is a pause, however long WebRTC VAD hangs over."""
_PEAK_DECAY_DB = 0.1
"""Decay of the peak level a frame: 5 dB a second."""

_MAX_FLATNESS = 0.62
"""Spectral flatness (0..1, in bands of 150 Hz) from which a frame is hiss. Measured: hardly a frame
of white noise is below it; above are 1 % of speech frames, and 12 % of those 16 dB over noise."""
_BANDS = slice(6, 72)
"""FFT bins of 50 Hz that the flatness is taken over: 300 to 3600 Hz, the telephone band."""
_BINS_A_BAND = 3

_PRIMING_DBFS = -60.0
_PRIMING_FRAMES = 50
"""Noise of an idle line that every stream is made to begin with. An unprimed WebRTC VAD takes the
first sound for noise: a caller who speaks at once is then not heard for 300 ms."""


@dataclass(frozen=True, slots=True)
class FrameScore:
    """What one frame sounds like."""

    speech_prob: float
    """0..1, how many modes agree, by their weight."""
    level_dbfs: float


class FrameScorer(Protocol):
    """What a turn detector asks about the frames of one stream, in order."""

    def process(self, frame: NDArray[np.int16]) -> FrameScore:
        """Score the next frame: int16 [shape=(160,), mono, 8000 Hz]."""


class SpeechScorer:
    """Scores the frames of one stream, in order."""

    def __init__(self) -> None:
        self._vads = [(webrtcvad.Vad(mode), weight) for mode, weight in _MODE_WEIGHTS]
        self._peak_dbfs = _TARGET_DBFS - _MAX_GAIN_DB
        for frame in _PRIMING:
            self._weigh(frame)

    def process(self, frame: NDArray[np.int16]) -> FrameScore:
        """Score the next frame: int16 [shape=(160,), mono, 8000 Hz]."""
        level_dbfs = rms_to_dbfs(rms(frame))
        self._peak_dbfs = max(level_dbfs, self._peak_dbfs - _PEAK_DECAY_DB)
        score = self._weigh(self._levelled(frame))
        is_pause = level_dbfs < max(_FLOOR_DBFS, self._peak_dbfs - _RANGE_DB)
        is_speech = score > 0.0 and not is_pause and _flatness(frame) < _MAX_FLATNESS
        return FrameScore(score if is_speech else 0.0, level_dbfs)

    def _levelled(self, frame: NDArray[np.int16]) -> NDArray[np.int16]:
        gain_db = min(_TARGET_DBFS - self._peak_dbfs, _MAX_GAIN_DB)
        scaled = np.round(frame * db_to_ratio(gain_db))
        return np.clip(scaled, -32768, 32767).astype(np.int16)

    def _weigh(self, frame: NDArray[np.int16]) -> float:
        pcm = frame.astype("<i2", copy=False).tobytes()
        return sum(weight for vad, weight in self._vads if vad.is_speech(pcm, SCORED_RATE_HZ))


def _flatness(frame: NDArray[np.int16]) -> float:
    """Return the geometric over the arithmetic mean of the band powers, 0..1."""
    power = np.abs(np.fft.rfft(frame * _WINDOW)[_BANDS]) ** 2
    bands = power.reshape(-1, _BINS_A_BAND).mean(axis=1) + 1.0
    return float(np.exp(np.mean(np.log(bands))) / np.mean(bands))


def _priming() -> NDArray[np.int16]:
    noise = np.random.default_rng(0).standard_normal((_PRIMING_FRAMES, _FRAME_SAMPLES))
    return np.round(noise * dbfs_to_rms(_PRIMING_DBFS)).astype(np.int16)


_WINDOW = np.hanning(_FRAME_SAMPLES)
_PRIMING = _priming()
