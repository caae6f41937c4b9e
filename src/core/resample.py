"""Steady streaming sample-rate conversion: every 20 ms that goes in comes out as 20 ms at once.

A polyphase FIR filter with a Kaiser-windowed sinc of 64 taps at the lower of both rates. Library
resamplers look further ahead and then emit in bursts, which a paced line hears as jitter.

The coefficients are multiples of 2**-30. Products with int16 and their sums are then exact in
float64, in whatever order a matrix product adds them.

Invariant: the output is a function of the stream: to the bit the same for every chunking, on every
machine.
"""

from __future__ import annotations

__all__ = ["Resampler"]

from dataclasses import dataclass
from functools import cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from .audio import AudioFormat

_HALF_TAPS = 32
"""Taps on each side of the filter's centre, counted at the lower rate: the delay, 4 ms at 8 kHz."""

_CUTOFF_RATIO = 0.95
"""Middle of the transition band, which reaches from 0.9 to 1.0 of the lower Nyquist frequency."""

_KAISER_BETA = 4.9
"""54 dB of attenuation: what 64 taps reach over that band (Kaiser, A = 2.285 d_omega N + 8)."""

_STEPS_PER_UNIT = 2**30
"""Resolution of a coefficient: 15 bits of sample, 30 of coefficient and 8 of sum fit in 53."""

_BLOCK_OUTPUTS = 24
"""Outputs computed from one window, at least: large enough for a quick matrix product, small enough
not to multiply by many zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is computed once for a pair of rates and shared by all streams."""

    granule_in: int
    """Fewest input samples that make a whole number of outputs."""
    granule_out: int
    """Output samples of a granule."""
    block_in: int
    """Input samples that a window moves on by: a whole number of granules."""
    history: int
    """Earlier input samples at the start of a window."""
    weights: NDArray[np.float64]
    """float64 [shape=(history + block_in, outputs of a block)]."""


class Resampler:
    """Converts one mono stream from one rate to another.

    Passband: flat within 0.1 dB to 0.9 of the lower Nyquist frequency. Stopband: 50 dB down from
    the lower Nyquist frequency on. A constant comes out as exactly that constant.

    Args:
        from_hz: Sample rate of the input, one that :class:`~voxgate.core.audio.AudioFormat` knows.
        to_hz: Sample rate of the output, likewise.

    Raises:
        ValueError: if a rate is not known.
    """

    __slots__ = ("_delay_samples", "_from_hz", "_history", "_pending", "_plan", "_to_hz")

    def __init__(self, from_hz: int, to_hz: int) -> None:
        for rate_hz in (from_hz, to_hz):
            AudioFormat(rate_hz=rate_hz)
        self._from_hz = from_hz
        self._to_hz = to_hz
        self._plan = None if from_hz == to_hz else _plan(from_hz, to_hz)
        self._delay_samples = _HALF_TAPS * to_hz / min(from_hz, to_hz) if self._plan else 0.0
        self.reset()

    @property
    def from_hz(self) -> int:
        """Sample rate of the input."""
        return self._from_hz

    @property
    def to_hz(self) -> int:
        """Sample rate of the output."""
        return self._to_hz

    @property
    def delay_samples(self) -> float:
        """How much later a sound is in the output, in output samples; 0 if the rates are equal."""
        return self._delay_samples

    @property
    def granule_samples(self) -> int:
        """Input samples that make a whole number of outputs; 20 ms is always a multiple of it."""
        return self._plan.granule_in if self._plan else 1

    def process(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take the next samples of the stream and return what they complete.

        Args:
            samples: int16 [shape=(n,), mono, from_hz]. What is left over of whole granules waits
                for the next call.

        Returns:
            int16 [shape=(m,), mono, to_hz], clipped to full scale; the very same object when the
            rates are equal.

        Raises:
            TypeError: if the samples are not int16.
        """
        if self._plan is None:
            return samples
        if samples.dtype != np.int16:
            raise TypeError(f"samples: dtype is {samples.dtype}, not int16")
        return _to_int16(self._filter(self._whole_granules(samples, self._plan), self._plan))

    def reset(self) -> None:
        """Forget the stream: the next sample is the first, after silence."""
        self._history = np.zeros(self._plan.history if self._plan else 0)
        self._pending = np.zeros(0, np.int16)

    def _whole_granules(self, samples: NDArray[np.int16], plan: _Plan) -> NDArray[np.int16]:
        """Return the samples that can be worked on now, and keep the rest."""
        if self._pending.size:
            samples = np.concatenate((self._pending, samples))
            self._pending = samples[:0]
        left_over = samples.size % plan.granule_in
        if left_over:
            self._pending = samples[-left_over:].copy()
            samples = samples[:-left_over]
        return samples

    def _filter(self, samples: NDArray[np.int16], plan: _Plan) -> NDArray[np.float64]:
        n_blocks = -(-samples.size // plan.block_in)
        window_size = plan.history + plan.block_in
        stream = np.empty(plan.history + n_blocks * plan.block_in)
        end = plan.history + samples.size
        stream[: plan.history] = self._history
        stream[plan.history : end] = samples
        # The filter is causal: what stands behind the last sample touches only outputs cut off.
        stream[end:] = 0.0
        self._history = stream[end - plan.history : end].copy()
        step = stream.itemsize
        windows: NDArray[np.float64] = np.ndarray(
            (n_blocks, window_size), np.float64, stream, strides=(plan.block_in * step, step)
        ).copy()
        n_outputs = samples.size // plan.granule_in * plan.granule_out
        outputs: NDArray[np.float64] = windows.dot(plan.weights)
        return outputs.reshape(-1)[:n_outputs]


def _to_int16(values: NDArray[np.float64]) -> NDArray[np.int16]:
    np.rint(values, out=values)
    np.maximum(values, -32768.0, out=values)
    np.minimum(values, 32767.0, out=values)
    return values.astype(np.int16)


@cache
def _plan(from_hz: int, to_hz: int) -> _Plan:
    """Lay out the filter of a pair of rates as one matrix from a window of inputs to outputs.

    With the rates as ``up / down`` in lowest terms, output ``j`` stands at ``j * down`` and input
    ``u`` at ``u * up`` on the common grid, so that the weight between them is tap
    ``j * down - u * up``.
    """
    divisor = gcd(from_hz, to_hz)
    up, down = to_hz // divisor, from_hz // divisor
    taps = _prototype(up, down)
    history = -(-(taps.size - 1) // up)
    granules = max(1, -(-_BLOCK_OUTPUTS // up))
    inputs = np.arange(-history, granules * down)
    outputs = np.arange(granules * up)
    at = outputs[np.newaxis, :] * down - inputs[:, np.newaxis] * up
    is_tap = (at >= 0) & (at < taps.size)
    weights = np.where(is_tap, taps[np.clip(at, 0, taps.size - 1)], 0.0)
    weights = _with_unit_gain(weights)
    weights.flags.writeable = False
    return _Plan(
        granule_in=down,
        granule_out=up,
        block_in=granules * down,
        history=history,
        weights=weights,
    )


def _prototype(up: int, down: int) -> NDArray[np.float64]:
    """Return the low-pass on the common grid of both rates, with a gain of about 1 a phase."""
    lower_step = max(up, down)
    offset = np.arange(-_HALF_TAPS * lower_step, _HALF_TAPS * lower_step + 1) / lower_step
    gain = _CUTOFF_RATIO * up / lower_step
    return np.asarray(gain * np.sinc(_CUTOFF_RATIO * offset) * np.kaiser(offset.size, _KAISER_BETA))


def _with_unit_gain(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights as multiples of 2**-30 whose sum is exactly 1 for every output."""
    steps = np.rint(weights / weights.sum(axis=0) * _STEPS_PER_UNIT)
    largest = steps.argmax(axis=0)
    steps[largest, np.arange(steps.shape[1])] += _STEPS_PER_UNIT - steps.sum(axis=0)
    return np.asarray(steps / _STEPS_PER_UNIT)
