"""More voices out of few: other vocal tracts, whispers, voices through effects.

Few people are in a free corpus, and a guard that knows few people misses others. Resampling moves
pitch and formants together; here the formants move alone. Invariant: the words stay where they are
in time, and silence stays silence.
"""

from __future__ import annotations

__all__ = ["VoiceVariety", "draw_variety"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..scenarios.signals import RATE_HZ, Audio, Rng

_WINDOW_SAMPLES = 256
_HOP_SAMPLES = 64
_QUEFRENCIES = 28
"""Cepstral coefficients that make the envelope: 3.5 ms, shorter than the period of any voice."""
_WHISPER_PROB, _ROBOT_PROB, _ECHO_PROB = 0.04, 0.05, 0.08
_LEAST_MAGNITUDE = 1e-6

Spectra = npt.NDArray[np.complexfloating]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceVariety:
    """What becomes of one caller's voice."""

    formant_ratio: float = 1.0
    """Factor on the frequencies of the formants; above 1 is a shorter vocal tract."""
    is_whispered: bool = False
    robot_hz: float | None = None
    """Frequency of a modulation by a sine, as in voices of machines; None: there is none."""
    echo_ms: float | None = None
    """Delay of a copy 6 dB down, as of a cheap effect or a bad loudspeaker; None: there is none."""

    def apply(self, rng: Rng, voice: Audio) -> Audio:
        """Return the voice, changed, float32 [shape=(n,), 8 kHz], of the same length.

        Args:
            rng: Gives the noise of a whisper.
            voice: float32 [shape=(n,), 8 kHz].
        """
        changed = voice
        if self.is_whispered or self.formant_ratio != 1.0:
            changed = _through_spectra(voice, self, rng)
        if self.robot_hz is not None:
            t_s = np.arange(len(changed)) / RATE_HZ
            changed = changed * np.sin(2 * np.pi * self.robot_hz * t_s)
        if self.echo_ms is not None:
            delay = int(self.echo_ms * RATE_HZ / 1000)
            copy = np.concatenate((np.zeros(delay), changed))[: len(changed)]
            changed = changed + 0.5 * copy
        return np.asarray(changed, np.float32)


def draw_variety(rng: Rng) -> VoiceVariety:
    """Draw what a caller's voice is like: mostly of another vocal tract, seldom through effects."""
    is_robot, has_echo = rng.random() < _ROBOT_PROB, rng.random() < _ECHO_PROB
    return VoiceVariety(
        formant_ratio=float(2 ** rng.uniform(-0.3, 0.3)) if rng.random() < 0.7 else 1.0,
        is_whispered=bool(rng.random() < _WHISPER_PROB),
        robot_hz=float(rng.uniform(20, 120)) if is_robot else None,
        echo_ms=float(rng.uniform(8, 60)) if has_echo else None,
    )


def _through_spectra(voice: Audio, variety: VoiceVariety, rng: Rng) -> Audio:
    """Return the voice with its envelope stretched, and whispered if it is to be."""
    window = np.sqrt(np.hanning(_WINDOW_SAMPLES + 1)[:-1])
    padded = np.concatenate((np.zeros(_WINDOW_SAMPLES), voice, np.zeros(2 * _WINDOW_SAMPLES)))
    starts = np.arange(0, len(padded) - _WINDOW_SAMPLES, _HOP_SAMPLES)
    places = starts[:, np.newaxis] + np.arange(_WINDOW_SAMPLES)
    spectra = np.fft.rfft(padded[places] * window)
    envelope = _envelope(spectra)
    bins = np.arange(envelope.shape[1])
    lower = np.minimum((bins / variety.formant_ratio).astype(int), bins[-1] - 1)
    share = np.minimum(bins / variety.formant_ratio - lower, 1.0)
    stretched = (1 - share) * envelope[:, lower] + share * envelope[:, lower + 1]
    if variety.is_whispered:
        phases = np.exp(2j * np.pi * rng.random(spectra.shape))
        spectra = np.exp(stretched) * phases
    else:
        spectra = spectra * np.exp(stretched - envelope)
    pieces = np.fft.irfft(spectra, _WINDOW_SAMPLES) * window
    out = np.zeros(len(padded))
    np.add.at(out, places, pieces)
    overlap = np.sum(window**2) / _HOP_SAMPLES
    return np.asarray(out[_WINDOW_SAMPLES : _WINDOW_SAMPLES + len(voice)] / overlap, np.float32)


def _envelope(spectra: Spectra) -> npt.NDArray[np.floating]:
    """Return the logarithm of each spectrum's envelope, by its first cepstral coefficients."""
    log_magnitude = np.log(np.maximum(np.abs(spectra), _LEAST_MAGNITUDE))
    cepstrum = np.fft.irfft(log_magnitude, _WINDOW_SAMPLES)
    cepstrum[:, _QUEFRENCIES : _WINDOW_SAMPLES - _QUEFRENCIES + 1] = 0.0
    return np.asarray(np.fft.rfft(cepstrum).real)
