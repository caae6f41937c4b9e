"""Partitioned-block frequency-domain Kalman echo filter.

One job: estimate the echo of the far end in the capture, and how sure that estimate is. Invariant:
only frames with far-end energy inside the filter's span and a non-zero capture change its state.

After F. Kuech, E. Mabande, G. Enzner, "State-space architecture of the partitioned-block-based
acoustic echo controller" (ICASSP 2014), with a gradient constraint that is spread over the frames
and shrinks partitions whose energy is close to the median (those hold noise, not path).
"""

from __future__ import annotations

__all__ = ["EchoEstimate", "KalmanEchoFilter"]

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]

_FRAME_SAMPLES: Final = 160
_FFT_SAMPLES: Final = 2 * _FRAME_SAMPLES
_BIN_COUNT: Final = _FRAME_SAMPLES + 1
_FRAME_MS: Final = 20
_PARTITION_COUNT: Final = 45
"""900 ms: every delay of 40..700 ms plus a room's decay is inside, so no delay search is needed."""
_CONSTRAINED_PER_FRAME: Final = 5
"""Partitions constrained a frame, round robin over 9 frames; more costs time, fewer loses ERLE."""
_FAR_END_ACTIVE_ENERGY: Final = 1e-5
"""Sum of squares of one frame, scaled to +-1: about -72 dBFS."""
_INITIAL_VARIANCE: Final = 0.03
_INITIAL_NOISE: Final = 1e-3
_NOISE_DECAY: Final = np.float32(0.85)
_PROCESS_NOISE: Final = np.float32(0.03)
_VARIANCE_FLOOR: Final = np.float32(3e-5)
_SHRINKAGE: Final = np.float32(0.5)
_CAUTION: Final = np.float32(0.9)
"""Share of the uncertainty in the step's denominator. 0.5 is what a half-overlapped block leaves;
above it the filter starts more slowly and hardly ever adds echo: ERLE of the first 2 s is +1.5
instead of -4 dB, the mean of simulated calls."""
_SHRINK_OVER_MEDIAN: Final = np.float32(4.0)
_ONE: Final = np.float32(1.0)
_HALF: Final = np.float32(0.5)
_DELAY_DOMINANCE: Final = 6.0
"""A partition must hold this many times the median energy before a delay is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoEstimate:
    """What the filter says about one frame."""

    echo: FloatArray
    """Echo estimate, float32 [shape=(160,)], scaled to +-1."""
    residual: FloatArray
    """Capture minus echo estimate, float32 [shape=(160,)]."""
    uncertainty: FloatArray
    """Expected power of the remaining echo per bin, float32 [shape=(161,)]; rectangular window."""
    is_adapting: bool
    """Whether the far end was active inside the filter's span."""


class KalmanEchoFilter:
    """900 ms echo filter working on 20 ms frames at 8 kHz.

    The far-end spectra lie in a ring of twice the length, so that the last 45 are always one
    contiguous view, newest first, and nothing is ever copied along.
    """

    def __init__(self) -> None:
        self._scratch = np.empty((_PARTITION_COUNT, _BIN_COUNT), np.complex64)
        self._scratch_real = np.empty((_PARTITION_COUNT, _BIN_COUNT), np.float32)
        self._ring = np.zeros((2 * _PARTITION_COUNT, _BIN_COUNT), np.complex64)
        self._ring_power = np.zeros((2 * _PARTITION_COUNT, _BIN_COUNT), np.float32)
        self._weights = np.zeros((_PARTITION_COUNT, _BIN_COUNT), np.complex64)
        self._variance = np.empty((_PARTITION_COUNT, _BIN_COUNT), np.float32)
        self._noise = np.empty(_BIN_COUNT, np.float32)
        self._energy = np.zeros(_PARTITION_COUNT, np.float32)
        self._far_end_block = np.zeros(_FFT_SAMPLES, np.float32)
        self._spectra = np.zeros((1 + _CONSTRAINED_PER_FRAME, _BIN_COUNT), np.complex64)
        self._time_block = np.zeros((1 + _CONSTRAINED_PER_FRAME, _FFT_SAMPLES), np.float32)
        self._silence = np.zeros(_FRAME_SAMPLES, np.float32)
        self._no_power = np.zeros(_BIN_COUNT, np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget the echo path and the far end."""
        for array in (self._ring, self._ring_power, self._weights, self._energy):
            array.fill(0.0)
        self._far_end_block.fill(0.0)
        self._variance.fill(_INITIAL_VARIANCE)
        self._noise.fill(_INITIAL_NOISE)
        self._position = 0
        self._group = 0
        self._median_energy = 0.0
        self._delay_ms: float | None = None
        self._idle_frames = _PARTITION_COUNT

    @property
    def partition_energy(self) -> FloatArray:
        """Energy of each 20 ms of the echo path, float32 [shape=(45,)], 1.0 is unit gain."""
        return self._energy

    @property
    def far_end_power(self) -> FloatArray:
        """Power per bin of two far-end frames, float32 [shape=(161,)]; rectangular window."""
        power: FloatArray = self._ring_power[self._position]
        return power

    @property
    def delay_ms(self) -> float | None:
        """Far-end sent to strongest echo seen; None where no path stands out.

        Measured anew every 180 ms while the far end is active.
        """
        return self._delay_ms

    @property
    def is_idle(self) -> bool:
        """Whether the far end was silent for longer than the filter's span."""
        return self._idle_frames >= _PARTITION_COUNT

    def receive_far_end(self, far_end: FloatArray) -> None:
        """Take one far-end frame, float32 [shape=(160,)]; once a frame, before `process`."""
        self._far_end_block[:_FRAME_SAMPLES] = self._far_end_block[_FRAME_SAMPLES:]
        self._far_end_block[_FRAME_SAMPLES:] = far_end
        is_active = float(far_end @ far_end) > _FAR_END_ACTIVE_ENERGY
        self._idle_frames = 0 if is_active else min(self._idle_frames + 1, 2 * _PARTITION_COUNT)
        if self._idle_frames > _PARTITION_COUNT + 1:
            return  # the ring holds nothing but silence already
        self._position = (self._position or _PARTITION_COUNT) - 1
        spectrum = np.fft.rfft(self._far_end_block)
        power = spectrum.real**2 + spectrum.imag**2
        for row in (self._position, self._position + _PARTITION_COUNT):
            self._ring[row] = spectrum
            self._ring_power[row] = power

    def process(self, capture: FloatArray) -> EchoEstimate:
        """Estimate the echo in one capture frame and learn from the residual.

        Args:
            capture: float32 [shape=(160,), mono, 8 kHz], scaled to +-1.
        """
        if self.is_idle:
            return EchoEstimate(
                echo=self._silence, residual=capture, uncertainty=self._no_power, is_adapting=False
            )
        far_end = self._ring[self._position : self._position + _PARTITION_COUNT]
        power = self._ring_power[self._position : self._position + _PARTITION_COUNT]
        np.multiply(far_end, self._weights, out=self._scratch)
        rows = slice(
            self._group * _CONSTRAINED_PER_FRAME, (self._group + 1) * _CONSTRAINED_PER_FRAME
        )
        # The echo and the impulse responses to be constrained share one inverse transform.
        np.add.reduce(self._scratch, axis=0, out=self._spectra[0])
        self._spectra[1:] = self._weights[rows]
        responses = np.asarray(np.fft.irfft(self._spectra, _FFT_SAMPLES, axis=1), np.float32)
        echo = responses[0, _FRAME_SAMPLES:]
        residual = capture - echo
        uncertainty = np.einsum("mk,mk->k", self._variance, power)
        if capture.any():
            self._learn(rows, responses, residual, far_end, power, uncertainty)
        return EchoEstimate(echo=echo, residual=residual, uncertainty=uncertainty, is_adapting=True)

    def _learn(
        self,
        rows: slice,
        responses: FloatArray,
        residual: FloatArray,
        far_end: ComplexArray,
        power: FloatArray,
        uncertainty: FloatArray,
    ) -> None:
        """Constrain one group of partitions, then move all by one Kalman step.

        Args:
            rows: The group.
            responses: Row 0 is scratch, the others the group's impulse responses,
                float32 [shape=(6, 320)].
            residual: float32 [shape=(160,)].
            far_end: complex64 [shape=(45, 161)], newest first; `power` its squares.
            power: float32 [shape=(45, 161)].
            uncertainty: float32 [shape=(161,)].
        """
        if self._group == 0:
            self._median_energy = float(
                np.partition(self._energy, _PARTITION_COUNT // 2)[_PARTITION_COUNT // 2]
            )
            self._delay_ms = self._estimate_delay_ms()
        self._group = (self._group + 1) % (_PARTITION_COUNT // _CONSTRAINED_PER_FRAME)
        noise_share = self._constrain(rows, responses[1:])
        block = self._time_block
        block[0, _FRAME_SAMPLES:] = residual
        block[1:, :_FRAME_SAMPLES] = responses[1:, :_FRAME_SAMPLES]
        spectra = np.asarray(np.fft.rfft(block, axis=1), np.complex64)
        self._weights[rows] = spectra[1:]
        self._update(spectra[0], far_end, power, uncertainty)
        # Only now: the step's denominator holds the variances from before; grown ones could turn
        # it unstable.
        self._inflate(rows, noise_share, spectra[1:])

    def _constrain(self, rows: slice, responses: FloatArray) -> FloatArray:
        """Measure a group's energy and shrink, in place, what is mostly noise; return its share."""
        kept = responses[:, :_FRAME_SAMPLES]
        energy = self._energy[rows]
        np.einsum("mk,mk->m", kept, kept, out=energy)
        noise_share = (_SHRINK_OVER_MEDIAN * self._median_energy) / (energy + np.float32(1e-12))
        np.minimum(noise_share, _ONE, out=noise_share)
        noise_share *= _SHRINKAGE
        kept *= (_ONE - noise_share)[:, np.newaxis]
        return np.asarray(noise_share[:, np.newaxis])

    def _inflate(self, rows: slice, noise_share: FloatArray, spectra: ComplexArray) -> None:
        """Let a group's variance shrink with its noise, grow with its weights: paths may move."""
        variance = self._variance[rows]
        variance *= (1.0 - _PROCESS_NOISE) * (_ONE - _HALF * noise_share)
        np.maximum(variance, _VARIANCE_FLOOR, out=variance)
        growth = spectra.real**2
        growth += spectra.imag**2
        growth += np.float32(1e-4)
        growth *= _PROCESS_NOISE
        variance += growth

    def _update(
        self, error: ComplexArray, far_end: ComplexArray, power: FloatArray, uncertainty: FloatArray
    ) -> None:
        """Move weights and variances by one Kalman step."""
        self._noise *= _NOISE_DECAY
        self._noise += (1.0 - _NOISE_DECAY) * (error.real**2 + error.imag**2)
        uncertainty = _CAUTION * uncertainty
        uncertainty += self._noise
        uncertainty += np.float32(1e-6)
        inverse = _ONE / uncertainty
        np.conjugate(far_end, out=self._scratch)
        self._scratch *= error * inverse
        self._scratch *= self._variance
        self._weights += self._scratch
        np.multiply(self._variance, power, out=self._scratch_real)
        self._scratch_real *= -_HALF * inverse
        self._scratch_real += _ONE
        self._variance *= self._scratch_real

    def _estimate_delay_ms(self) -> float | None:
        """Return the delay of the strongest part of the echo path; None where none stands out."""
        strongest = int(self._energy.argmax())
        if self._energy[strongest] <= _DELAY_DOMINANCE * self._median_energy + 1e-6:
            return None
        near = slice(max(strongest - 1, 0), strongest + 2)
        weight = self._energy[near]
        centre = float(weight @ np.arange(near.start, near.start + len(weight)) / weight.sum())
        return (centre + 0.5) * _FRAME_MS
