"""Partitioned-block frequency-domain Kalman echo filter.

One job: estimate the echo of the far end in the capture, and how sure that estimate is. Invariant:
only frames with far-end energy inside the filter's span change its state.

After F. Kuech, E. Mabande, G. Enzner, "State-space architecture of the partitioned-block-based
acoustic echo controller" (ICASSP 2014), with a gradient constraint that is spread over the frames
and shrinks partitions whose energy is close to the median (those hold noise, not path).
"""

from __future__ import annotations

__all__ = ["BIN_COUNT", "FilterScratch", "KalmanEchoFilter"]

from typing import Final

import numpy as np
import numpy.typing as npt

from .echo_estimate import EchoEstimate, PowerRow
from .operands import operand
from .transforms import inverse, transform

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]

_FRAME_SAMPLES: Final = 160
_FFT_SAMPLES: Final = 2 * _FRAME_SAMPLES
BIN_COUNT: Final = _FRAME_SAMPLES + 1
"""Bins of the filter's spectra, 25 Hz apart."""
_FRAME_MS: Final = 20
_PARTITION_COUNT: Final = 45
"""900 ms: every delay of 40..700 ms plus a room's decay is inside, so no delay search is needed."""
_CONSTRAINED_PER_FRAME: Final = 5
"""Partitions constrained a frame, round robin over 9 frames; more costs time, fewer loses ERLE."""
_GROUP_COUNT: Final = _PARTITION_COUNT // _CONSTRAINED_PER_FRAME
_FAR_END_ACTIVE_ENERGY: Final = 1e-5
"""Sum of squares of one frame, scaled to +-1: about -72 dBFS."""
_INITIAL_VARIANCE: Final = 0.03
_INITIAL_NOISE: Final = 1e-3
_NOISE_DECAY: Final = 0.85
_NOISE_LOWEST: Final = 1e-6
_PROCESS_NOISE: Final = operand(0.03)
_VARIANCE_FLOOR: Final = np.full((_PARTITION_COUNT, BIN_COUNT), 3.3e-5, np.float32)
"""As many as there are variances: a bound alone, NumPy compares one by one."""
_SHRINKAGE: Final = operand(0.5)
_CAUTION: Final = 0.9
"""Share of the uncertainty in the step's denominator. 0.5 is what a half-overlapped block leaves;
above it the filter starts more slowly and hardly ever adds echo: ERLE of the first 2 s is +1.5
instead of -4 dB, the mean of simulated calls."""
_SHRINK_OVER_MEDIAN: Final = np.float32(4.0)
_ONE: Final = operand(1.0)
_HALF: Final = operand(0.5)
_DELAY_DOMINANCE: Final = 6.0
"""A partition must hold this many times the median energy before a delay is reported."""
_MIDDLE: Final = _PARTITION_COUNT // 2
_SILENCE: Final = np.zeros(_FRAME_SAMPLES, np.float32)

# -- what saves calls of NumPy, each of which costs as much as 1,000 multiplications ---------------

_ERROR_SCALE: Final = operand(-2.0)
"""The error's spectrum comes out times -2, the inverse below times -1/2: so one inverse serves
weights and variances."""
_HALF_SUM: Final = np.full(_PARTITION_COUNT, 0.5, np.float32)
"""Sums over the partitions, and halves; as a product, BLAS does. No product in here is so large
that OpenBLAS would spread it over threads (9,216 elements; 4,096 complex ones): on a busy machine
they wait for each other for milliseconds."""
_NEXT_NOISE: Final[tuple[float, ...]] = (0.0, _NOISE_DECAY, 0.0, (1.0 - _NOISE_DECAY) / 4.0)
_MIX: Final = np.array(
    [
        _NEXT_NOISE,
        [-2.0 * term for term in (_NOISE_LOWEST, _NOISE_DECAY, 2.0 * _CAUTION, _NEXT_NOISE[3])],
    ],
    np.float32,
)
"""From a row of ones, noise, half the uncertainty, error: the next noise, and the step's
denominator times -2."""


def _make_window() -> FloatArray:
    """Return a Hann window of mean square 1, float32 [shape=(320,)]."""
    window = np.hanning(_FFT_SAMPLES + 1)[:-1]
    return np.asarray(window * np.sqrt(_FFT_SAMPLES / np.sum(window**2)), np.float32)


_WINDOW: Final = _make_window()
_WINDOWS: Final = (np.stack([np.roll(_WINDOW, _FRAME_SAMPLES)] * 2), np.stack([_WINDOW] * 2))
"""Of two signals, by the half that holds the newer frame."""
_INT16_WINDOW: Final = np.asarray(_WINDOW / 32768.0, np.float32)


class FilterScratch:
    """What a filter works in and keeps nothing in from frame to frame.

    Filters that never work at the same time share one: 87 kB less a call, which with many calls
    would be on their way between memory and cache with every frame.
    """

    __slots__ = ("expected", "products")

    def __init__(self) -> None:
        shape = (_PARTITION_COUNT, BIN_COUNT)
        self.products: ComplexArray = np.empty(shape, np.complex64)
        """Of far end and weights, and the steps of the weights."""
        self.expected: FloatArray = np.empty(shape, np.float32)
        """Variance times power."""


class KalmanEchoFilter:
    """900 ms echo filter working on 20 ms frames at 8 kHz.

    The far-end spectra lie in a ring of twice the length, so that the last 45 are always one
    contiguous view, newest first, and nothing is ever copied along.

    Args:
        scratch: Shared with filters of the same thread; one of its own if left out.
    """

    def __init__(self, scratch: FilterScratch | None = None) -> None:
        shape = (_PARTITION_COUNT, BIN_COUNT)
        scratch = FilterScratch() if scratch is None else scratch
        self._scratch, self._expected = scratch.products, scratch.expected
        self._ring = np.zeros((2, *shape), np.complex64)
        self._ring_power = np.zeros((2, *shape), np.float32)
        self._ring_rows = self._ring.reshape(-1, BIN_COUNT)
        self._ring_power_rows = self._ring_power.reshape(-1, BIN_COUNT)
        self._weights = np.zeros(shape, np.complex64)
        self._variance = np.empty(shape, np.float32)
        self._energy = np.zeros(_PARTITION_COUNT, np.float32)
        self._kept_shares = np.empty((_PARTITION_COUNT, 1), np.float32)
        self._mixed = np.empty((2, BIN_COUNT), np.float32)
        self._work = np.empty((2 + len(PowerRow), BIN_COUNT), np.float32)
        """A row of ones, the noise, then those of `PowerRow`."""
        self._noise, self._powers = self._work[1], self._work[2:]
        self._mixed_rows = self._work[:4]
        self._uncertainty, self._far_end_power = self._powers[0], self._powers[PowerRow.FAR_END]
        self._residual_power = self._powers[PowerRow.RESIDUAL]
        self._frame_powers = self._powers[PowerRow.ERROR : PowerRow.FAR_END]
        self._make_batches()
        self.reset()

    def _make_batches(self) -> None:
        """Make what goes into the transforms and comes out, and views of its parts."""
        n_in, n_out = 2 + _CONSTRAINED_PER_FRAME, 3 + _CONSTRAINED_PER_FRAME
        self._far_end_block = np.zeros(_FFT_SAMPLES, np.float32)
        self._older_far_end = self._far_end_block[:_FRAME_SAMPLES]
        self._newer_far_end = self._far_end_block[_FRAME_SAMPLES:]
        self._far_end_spectrum = np.zeros(BIN_COUNT, np.complex64)
        self._inverse_batch = np.zeros((n_in, BIN_COUNT), np.complex64)
        self._echo_spectrum, self._late_power = self._inverse_batch[:2]
        self._group_weights = self._inverse_batch[2:]
        self._responses = np.zeros((n_in, _FFT_SAMPLES), np.float32)
        self._echo = self._responses[0, _FRAME_SAMPLES:]
        self._autocorrelation = self._responses[1]
        self._group_responses = self._responses[2:, :_FRAME_SAMPLES]
        self._two_frames = np.zeros((2, _FFT_SAMPLES), np.float32)
        self._halves = (self._two_frames[:, :_FRAME_SAMPLES], self._two_frames[:, _FRAME_SAMPLES:])
        self._batch = np.zeros((n_out, _FFT_SAMPLES), np.float32)
        self._error_block = self._batch[0, _FRAME_SAMPLES:]
        self._windowed = self._batch[1:3]
        self._kept = self._batch[3:, :_FRAME_SAMPLES]
        self._spectra = np.zeros((n_out, BIN_COUNT), np.complex64)

    def reset(self) -> None:
        """Forget the echo path and the far end."""
        for array in (self._ring, self._ring_power, self._weights, self._energy, self._work):
            array.fill(0.0)
        self._far_end_block.fill(0.0)
        self._two_frames.fill(0.0)
        self._variance.fill(_INITIAL_VARIANCE)
        self._work[0] = 1.0
        self._noise.fill(_INITIAL_NOISE)
        self._kept_shares.fill(1.0)
        self._position = 0
        self._was_silent = True
        self._take_span(_PARTITION_COUNT, 0)
        self._newer = 1
        self._group = 0
        self._median_energy = 0.0
        self._delay_ms: float | None = None
        self._idle_frames = _PARTITION_COUNT
        self.path_gain = 0.0
        """Energy of the echo path, 1.0 is unit gain; measured anew every 180 ms of far end."""
        self.path_peak = 0.0
        """Energy of its strongest 20 ms."""
        self.far_end_energy = 0.0
        """Sum of squares of the last far-end frame, scaled to +-1."""

    @property
    def far_end_power(self) -> FloatArray:
        """Power per bin of two far-end frames, float32 [shape=(161,)]; rectangular window."""
        power: FloatArray = self._far_end_power
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
        self._older_far_end[...] = self._newer_far_end
        self._newer_far_end[...] = far_end
        self.far_end_energy = energy = float(far_end.dot(far_end))
        self._idle_frames = 0 if energy > _FAR_END_ACTIVE_ENERGY else self._idle_frames + 1
        if self._idle_frames > _PARTITION_COUNT + 1:
            return  # the ring holds nothing but silence already
        self._position = position = (self._position or _PARTITION_COUNT) - 1
        self._follow_sound(is_silent=energy == 0.0)
        spectrum = transform(self._far_end_block, out=self._far_end_spectrum)
        self._ring_rows[position] = self._ring_rows[position + _PARTITION_COUNT] = spectrum
        power = np.abs(spectrum, out=self._far_end_power)
        power *= power
        rows = self._ring_power_rows
        rows[position] = rows[position + _PARTITION_COUNT] = power

    def _follow_sound(self, *, is_silent: bool) -> None:
        """Move the span of partitions that hold something with a frame of far end.

        A block without a sample but zero has a spectrum of zeros, which adds nothing to the echo
        and moves neither weights nor variances.
        """
        first, end = self._first + 1, min(self._end + 1, _PARTITION_COUNT)
        if not (is_silent and self._was_silent):
            first, end = 0, 1 if first >= end else end
        self._was_silent = is_silent
        if (first, end) != (self._first, self._end):
            self._take_span(first, end)

    def _take_span(self, first: int, end: int) -> None:
        """Work on the partitions from `first` to before `end`; there are none if it is the end."""
        self._first, self._end = first, end
        self._products, self._expected_now = self._scratch[first:end], self._expected[first:end]
        self._weights_now, self._variance_now = self._weights[first:end], self._variance[first:end]

    def receive_silence(self) -> None:
        """Take a far-end frame of zeros: as :meth:`receive_far_end` does, and for less."""
        if self._idle_frames <= _PARTITION_COUNT:
            self.receive_far_end(_SILENCE)
        else:
            self.far_end_energy = 0.0

    def begin(self, previous: FloatArray) -> None:
        """Begin a stretch of frames to process.

        Args:
            previous: The capture of the frame before, float32 [shape=(160,)], scaled to +-1.
        """
        self._two_frames.fill(0.0)
        self._next_half()[0] = previous
        self._residual_power.fill(0.0)

    def process(self, capture: FloatArray) -> EchoEstimate:
        """Estimate the echo in one capture frame and learn from the residual.

        Args:
            capture: float32 [shape=(160,), mono, 8 kHz], scaled to +-1; not a lost one.
        """
        # The echo, the last residual's autocorrelation and the impulse responses to be constrained
        # share one inverse transform.
        self._late_power.real = self._residual_power
        if self.is_idle:
            inverse(self._inverse_batch[1:2], out=self._responses[1:2])
            powers = self._analyze(capture)
            return EchoEstimate(capture, powers, self._autocorrelation, is_adapting=False)
        position, group = self._position, self._group * _CONSTRAINED_PER_FRAME
        first, end = self._first, self._end
        far_end = self._ring_rows[position + first : position + end]
        power = self._ring_power_rows[position + first : position + end]
        rows = slice(group, group + _CONSTRAINED_PER_FRAME)
        np.multiply(far_end, self._weights_now, out=self._products)
        np.add.reduce(self._products, axis=0, out=self._echo_spectrum)
        self._group_weights[...] = self._weights[rows]
        inverse(self._inverse_batch, out=self._responses)
        residual = capture - self._echo
        np.multiply(self._variance_now, power, out=self._expected_now)
        if end - first < _PARTITION_COUNT:
            # The sum takes all rows, so that its order stays.
            self._expected[:first] = self._expected[end:] = 0.0
        _HALF_SUM.dot(self._expected, self._uncertainty)
        self._transform(rows, residual)
        self._update(far_end)
        self._group = (self._group + 1) % _GROUP_COUNT
        if self._group == 0:
            self._survey()
        return EchoEstimate(residual, self._powers, self._autocorrelation, is_adapting=True)

    def _analyze(self, capture: FloatArray) -> FloatArray:
        """Return powers of a capture that holds no echo, see :attr:`EchoEstimate.powers`."""
        powers = self._powers
        self._next_half()[0] = capture
        self._two_frames[1] = 0.0
        power = _power_of(self._two_frames[0] * _WINDOWS[self._newer][0])
        powers.fill(0.0)
        powers[PowerRow.ERROR] = powers[PowerRow.RESIDUAL] = powers[PowerRow.CAPTURE] = power
        return powers

    @staticmethod
    def listen(block: npt.NDArray[np.int16 | np.float32]) -> FloatArray:
        """Return the power per bin of two frames that hold no echo, under a Hann window.

        Args:
            block: int16, or float32 scaled to +-1 [shape=(320,)].
        """
        return _power_of(block * (_WINDOW if block.dtype.char == "f" else _INT16_WINDOW))

    def _next_half(self) -> FloatArray:
        """Turn to the half of the last two frames that the next one takes.

        Which half comes first does not matter to the power of their spectrum.
        """
        self._newer = 1 - self._newer
        return self._halves[self._newer]

    def _transform(self, rows: slice, residual: FloatArray) -> None:
        """Constrain one group of partitions and write the powers of the frame, in one transform.

        Args:
            rows: The group, whose impulse responses were made with the echo.
            residual: float32 [shape=(160,)].
        """
        responses, spectra, powers = self._group_responses, self._spectra, self._frame_powers
        np.vecdot(responses, responses, out=self._energy[rows])
        np.multiply(residual, _ERROR_SCALE, out=self._error_block)
        half = self._next_half()
        half[0] = residual
        half[1] = self._echo
        np.multiply(self._two_frames, _WINDOWS[self._newer], out=self._windowed)
        np.multiply(responses, self._kept_shares[rows], out=self._kept)
        transform(self._batch, out=spectra)
        self._weights[rows] = spectra[3:]
        np.add(spectra[1], spectra[2], out=spectra[3])  # the capture is residual and echo
        np.abs(spectra[:4], out=powers)
        powers *= powers

    def _update(self, far_end: ComplexArray) -> None:
        """Move weights and variances by one Kalman step; `_expected` is variance times power."""
        scratch, expected = self._products, self._expected_now
        next_noise, gain = _MIX.dot(self._mixed_rows, self._mixed)
        self._noise[...] = next_noise
        np.reciprocal(gain, out=gain)
        np.conjugate(far_end, out=scratch)
        scratch *= self._spectra[0] * gain
        scratch *= self._variance_now
        self._weights_now += scratch
        expected *= gain
        expected += _ONE
        self._variance_now *= expected

    def _survey(self) -> None:
        """Look at the path as a whole, once a round of the groups.

        Partitions close to the median are mostly noise: they are shrunk. Variances shrink with
        them, and grow with the weights: paths may move. Only after the step of a frame: its
        denominator holds the variances from before; grown ones could turn it unstable.
        """
        energy, variance = self._energy, self._variance
        energies = energy.tolist()
        self._median_energy = sorted(energies)[_MIDDLE]
        self._delay_ms = self._estimate_delay_ms()
        self.path_gain, self.path_peak = float(energy.sum()), max(energies)
        share = _SHRINK_OVER_MEDIAN * np.float32(self._median_energy) / (energy + np.float32(1e-12))
        np.minimum(share, _ONE, out=share)
        share *= _SHRINKAGE
        self._kept_shares[:, 0] = _ONE - share
        variance *= ((_ONE - _PROCESS_NOISE) * (_ONE - _HALF * share))[:, np.newaxis]
        np.maximum(variance, _VARIANCE_FLOOR, out=variance)
        growth = np.abs(self._weights, out=self._expected)
        growth *= growth
        growth *= _PROCESS_NOISE
        variance += growth

    def _estimate_delay_ms(self) -> float | None:
        """Return the delay of the strongest part of the echo path; None where none stands out."""
        strongest = int(self._energy.argmax())
        if self._energy[strongest] <= _DELAY_DOMINANCE * self._median_energy + 1e-6:
            return None
        near = slice(max(strongest - 1, 0), strongest + 2)
        weight = self._energy[near]
        centre = float(weight @ np.arange(near.start, near.start + len(weight)) / weight.sum())
        return (centre + 0.5) * _FRAME_MS


def _power_of(block: FloatArray) -> FloatArray:
    """Return the power per bin of 320 samples, float32 [shape=(161,)]."""
    power = np.abs(transform(block, out=np.empty(BIN_COUNT, np.complex64)))
    power *= power
    return power
