"""Ways to forward double-talk: what of capture and echo filter the provider could be sent.

Invariant: every way gives as many samples as were captured, each at its own time.
"""

from __future__ import annotations

__all__ = ["WAYS", "FilteredTalk", "Way", "as_float", "filter_echo"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ...core.echo.near_end_detector import EchoAwareDetector
from ...core.echo.recurrent_network import packaged_weights
from ..scenarios.signals import FRAME_SAMPLES, Audio
from ..scenarios.turns import TAIL_SAMPLES
from .double_talk import DoubleTalk

_FULL_SCALE = np.float32(32768.0)
_POWER_KEPT = 0.6
"""Of the smoothed powers that `quieter` compares, from frame to frame."""
_LEAKAGE = 0.1
"""Of the echo's power, what `suppressed` takes to be left in the residual: the filter reaches 10 dB
of echo reduction within seconds."""
_LEAST_GAIN = 0.25
"""Most that `suppressed` takes away: 12 dB."""
_WINDOW_SAMPLES = 2 * FRAME_SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredTalk:
    """Double-talk before and after the echo filter."""

    capture: Audio
    """float32 [shape=(n,), mono, 8 kHz], +-1."""
    residual: Audio
    """The same without what the filter takes for echo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to forward."""

    title: str
    make: Callable[[FilteredTalk], Audio]


def filter_echo(talk: DoubleTalk) -> FilteredTalk:
    """Run the detector that the gate runs over a call, and keep what its filter leaves.

    Raises:
        ValueError: The package lacks the detector's weights.
    """
    detector = EchoAwareDetector(packaged_weights())
    residual = np.empty(len(talk.capture), np.float32)
    for start in range(0, len(talk.capture), FRAME_SAMPLES):
        frame = slice(start, start + FRAME_SAMPLES)
        recent = talk.far_end[max(0, start - TAIL_SAMPLES) : frame.stop]
        detector.process(talk.capture[frame], talk.far_end[frame], agent_audible=bool(recent.any()))
        residual[frame] = detector.residual
    return FilteredTalk(capture=as_float(talk), residual=residual)


def as_float(talk: DoubleTalk) -> Audio:
    """Return the capture as float32 [shape=(n,)], scaled to +-1."""
    return talk.capture.astype(np.float32) / _FULL_SCALE


def _quieter(talk: FilteredTalk) -> Audio:
    """Fade within a frame to the weaker of both: a filter that adds echo is not heard."""
    capture, residual = (_framed(signal) for signal in (talk.capture, talk.residual))
    weaker = _smoothed(np.sum(residual**2, axis=1)) < _smoothed(np.sum(capture**2, axis=1))
    before = np.concatenate(([0.0], weaker[:-1]))[:, np.newaxis]
    ramp = np.arange(1, FRAME_SAMPLES + 1) / FRAME_SAMPLES
    share = before + (weaker[:, np.newaxis] - before) * ramp
    return np.asarray((capture + share * (residual - capture)).reshape(-1))


def _suppressed(talk: FilteredTalk) -> Audio:
    """Turn down bins of the residual in which echo was strong: a Wiener filter on what leaks."""
    left = _spectra(talk.residual)
    echo = _smoothed(np.abs(_spectra(talk.capture - talk.residual)) ** 2)
    heard = _smoothed(np.abs(left) ** 2)
    gain = np.maximum(_LEAST_GAIN, 1.0 - _LEAKAGE * echo / (heard + 1e-12))
    blocks = np.fft.irfft(left * gain, _WINDOW_SAMPLES, axis=1) * _WINDOW
    halves = blocks.reshape(len(blocks), 2, FRAME_SAMPLES)
    return np.asarray((halves[1:, 0] + halves[:-1, 1]).reshape(-1))


_WINDOW = np.sqrt(np.hanning(_WINDOW_SAMPLES + 1)[:-1])
"""Applied twice, its halves add up to one."""


def _framed(signal: Audio) -> Audio:
    return signal.reshape(-1, FRAME_SAMPLES)


def _spectra(signal: Audio) -> np.ndarray[tuple[int, ...], np.dtype[np.complexfloating]]:
    """Return the spectra of half-overlapping windows; the first and the last are half outside."""
    frames = np.pad(_framed(signal), ((1, 1), (0, 0)))
    return np.fft.rfft(np.hstack((frames[:-1], frames[1:])) * _WINDOW, axis=1)


def _smoothed(powers: Audio) -> Audio:
    """Smooth powers over frames, the first axis."""
    out = np.empty_like(powers)
    kept = np.zeros_like(powers[0])
    for number, power in enumerate(powers):
        kept = _POWER_KEPT * kept + (1.0 - _POWER_KEPT) * power
        out[number] = kept
    return out


WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "raw": Way(title="raw: as captured", make=lambda talk: talk.capture),
        "echo_cancelled": Way(
            title="echo_cancelled: what the filter leaves", make=lambda talk: talk.residual
        ),
        "quieter": Way(title="the weaker of both, frame by frame", make=_quieter),
        "suppressed": Way(title="echo_cancelled and a spectral suppressor", make=_suppressed),
    }
)
"""What is compared; the first two are those of ``forwarded_audio``."""
