"""Band-power echo predictor: how loud the echo should be, from the far end's history.

One job: predict the echo's power per band with 45 non-negative weights a band. Unlike the linear
filter it survives clock drift, distorting loudspeakers and moving paths, because it knows no phase.
Invariant: once learnt, weights grow on loud captures (double-talk) by no more than a small step.
"""

from __future__ import annotations

__all__ = ["EnvelopePredictor"]

from typing import Final

import numpy as np
import numpy.typing as npt

from .operands import operand

FloatArray = npt.NDArray[np.float32]

_LAG_COUNT: Final = 45
_STEPS: Final = np.array([0.2, 0.03], np.float32)
"""The second once the capture exceeds twice the prediction, after `_LEARNING_FRAMES` frames."""
_LEARNING_FRAMES: Final = 20
_REGULARIZATION: Final = operand(1e-10)
_ZERO: Final = operand(0.0)


class EnvelopePredictor:
    """Non-negative normalised LMS on band powers over the last 900 ms of far end."""

    def __init__(self, band_count: int) -> None:
        self._ring = np.zeros((2, _LAG_COUNT, band_count), np.float32)
        self._rows = self._ring.reshape(-1, band_count)
        self._weights = np.zeros((_LAG_COUNT, band_count), np.float32)
        self._weights_by_band = self._weights.T
        self._change = np.zeros((_LAG_COUNT, band_count), np.float32)
        self._history = self._rows[:_LAG_COUNT]
        """Far end of the frame and of those before it, newest first."""
        self._position = 0
        self._learned_frames = 0

    def reset(self) -> None:
        """Forget the echo path and the far end."""
        self._ring.fill(0.0)
        self._weights.fill(0.0)
        self._position = 0
        self._learned_frames = 0

    def forget_far_end(self) -> None:
        """Forget the far end, keep the echo path."""
        self._ring.fill(0.0)

    def predict(self, far_end: FloatArray) -> FloatArray:
        """Take the far end's band powers of this frame and return those of its echo.

        Args:
            far_end: float32 [shape=(bands,)], mean squares.

        Returns:
            float32 [shape=(bands,)], mean squares, never negative.
        """
        self._position = (self._position or _LAG_COUNT) - 1
        self._ring[:, self._position] = far_end
        self._history = self._rows[self._position : self._position + _LAG_COUNT]
        predicted: FloatArray = np.vecdot(self._history.T, self._weights_by_band)
        return predicted

    def learn(self, capture: FloatArray, noise: FloatArray, predicted: FloatArray) -> None:
        """Move the weights towards capture minus noise, after :meth:`predict` of the same frame.

        Args:
            capture: Band powers of this frame, float32 [shape=(bands,)], mean squares.
            noise: Those of the noise floor.
            predicted: What :meth:`predict` returned for this frame.
        """
        history = self._history
        by_band = history.T
        energy = np.vecdot(by_band, by_band)
        error = capture - noise
        np.maximum(error, _ZERO, out=error)
        error -= predicted
        if self._learned_frames < _LEARNING_FRAMES:
            self._learned_frames += 1
            error *= _STEPS[0]
        else:
            error *= _STEPS.take(error > predicted)
        energy += _REGULARIZATION
        error /= energy
        np.multiply(history, error, out=self._change)
        self._weights += self._change
        np.maximum(self._weights, _ZERO, out=self._weights)
