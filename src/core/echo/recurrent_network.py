"""Inference of the tiny recurrent network that judges a frame.

One job: features in, one logit out, with the state of one gated recurrent layer between frames.
Invariant: weights are read-only and shared by all calls; the state belongs to one call.
"""

from __future__ import annotations

__all__ = ["NetworkWeights", "RecurrentNetwork", "packaged_weights"]

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from .operands import operand

FloatArray = npt.NDArray[np.float32]

_ARRAY_NAMES: Final = (
    "mean",
    "scale",
    "w_in",
    "b_in",
    "w_x",
    "b_x",
    "w_h",
    "b_h",
    "w_out",
    "b_out",
)


_ZERO: Final = operand(0.0)
_HALF: Final = operand(0.5)
_ONE: Final = operand(1.0)


class NetworkWeights:
    """Arrays of the network, float32, read-only.

    Attributes:
        mean, scale: standardisation of the inputs [shape=(inputs,)].
        w_in, b_in: dense layer [shape=(dense, inputs)].
        w_gates, b_gates: recurrent layer, fused; see :func:`_fuse_layers`.
        w_out, b_out: logit [shape=(units,)], [shape=(1,)].
    """

    def __init__(self, arrays: dict[str, FloatArray]) -> None:
        """Check and keep the arrays.

        Raises:
            ValueError: An array is missing, not finite or of the wrong shape.
        """
        missing = [name for name in _ARRAY_NAMES if name not in arrays]
        if missing:
            raise ValueError(f"network weights lack {missing}")
        fixed = {name: np.ascontiguousarray(arrays[name], np.float32) for name in _ARRAY_NAMES}
        inputs, units = _checked_sizes(fixed)
        self.units = units
        self.inputs = inputs
        # Standardisation is folded into the dense layer: one matrix product less a frame.
        self.w_in: FloatArray = np.asarray(fixed["w_in"] / fixed["scale"], np.float32)
        self.b_in: FloatArray = np.asarray(fixed["b_in"] - self.w_in @ fixed["mean"], np.float32)
        self.w_gates, self.b_gates = _fuse_layers(fixed, units)
        self.w_out, self.b_out = fixed["w_out"], float(fixed["b_out"][0])
        for array in (self.w_in, self.b_in, self.w_gates, self.b_gates, self.w_out):
            array.setflags(write=False)

    @classmethod
    def load(cls, path: Path | Traversable) -> NetworkWeights:
        """Read an `.npz` of the arrays named above, without pickles.

        Raises:
            ValueError: There is no such file, or it holds something else.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                return cls({name: archive[name].astype(np.float32) for name in archive.files})
        except OSError as exc:
            raise ValueError(f"network weights {path}: can't be read: {exc.strerror}") from exc
        except (AttributeError, BadZipFile, EOFError, TypeError, ValueError) as exc:
            raise ValueError(f"network weights {path}: {exc}") from exc


@cache
def packaged_weights() -> NetworkWeights:
    """Return the weights that come with this package; read once.

    Raises:
        ValueError: The package was built without them.
    """
    return NetworkWeights.load(files(__package__) / "weights.npz")


def _checked_sizes(arrays: dict[str, FloatArray]) -> tuple[int, int]:
    """Return inputs and units of arrays that fit each other.

    Raises:
        ValueError: An array is not finite or of the wrong shape, or a scale is zero.
    """
    if arrays["w_in"].ndim != 2 or arrays["w_out"].ndim != 1:
        raise ValueError(
            f"w_in and w_out have {arrays['w_in'].ndim} and {arrays['w_out'].ndim}"
            " axes, not 2 and 1"
        )
    (dense, inputs), (units,) = arrays["w_in"].shape, arrays["w_out"].shape
    shapes = {
        "mean": (inputs,),
        "scale": (inputs,),
        "b_in": (dense,),
        "w_x": (3 * units, dense),
        "b_x": (3 * units,),
        "w_h": (3 * units, units),
        "b_h": (3 * units,),
        "b_out": (1,),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")
    if not arrays["scale"].all():
        raise ValueError("scale holds a zero")
    return inputs, units


def _fuse_layers(arrays: dict[str, FloatArray], units: int) -> tuple[FloatArray, FloatArray]:
    """Return one matrix, in four blocks, and bias: all a frame needs from dense layer and state.

    Blocks: reset and update gate, halved and the update's sign turned, since sigmoid(x) is
    (1 + tanh(x / 2)) / 2; then the candidate's share of the input, and that of the state.
    Columns: dense layer, then state.
    """
    dense, gates = arrays["w_in"].shape[0], 2 * units
    half = np.full(gates, 0.5, np.float32)
    half[units:] = -0.5
    matrix = np.zeros((4 * units, dense + units), np.float32)
    matrix[:gates, :dense] = arrays["w_x"][:gates] * half[:, np.newaxis]
    matrix[:gates, dense:] = arrays["w_h"][:gates] * half[:, np.newaxis]
    matrix[gates : 3 * units, :dense] = arrays["w_x"][gates:]
    matrix[3 * units :, dense:] = arrays["w_h"][gates:]
    b_x, b_h = arrays["b_x"], arrays["b_h"]
    bias = np.concatenate([(b_x[:gates] + b_h[:gates]) * half, b_x[gates:], b_h[gates:]])
    return matrix.reshape(4, units, dense + units), np.asarray(bias, np.float32)


class RecurrentNetwork:
    """Dense layer with ReLU, one gated recurrent unit layer, one logit.

    K. Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), with the
    reset gate after the recurrent product.
    """

    def __init__(self, weights: NetworkWeights) -> None:
        self._weights = weights
        dense = len(weights.b_in)
        self._inputs = np.zeros(dense + weights.units, np.float32)
        self._dense, self._state = self._inputs[:dense], self._inputs[dense:]
        self._column = self._inputs[:, np.newaxis]
        self._fused = np.zeros(4 * weights.units, np.float32)
        self._fused_blocks = self._fused.reshape(4, weights.units, 1)
        self._gates = self._fused[: 2 * weights.units]
        self._reset_gate, self._update_gate, self._from_input, self._candidate = (
            self._fused.reshape(4, weights.units)
        )

    def reset(self) -> None:
        """Forget all frames."""
        self._state.fill(0.0)

    def process(self, features: FloatArray) -> float:
        """Return the logit for one frame of features, float32 [shape=(inputs,)]."""
        weights, dense, state = self._weights, self._dense, self._state
        weights.w_in.dot(features, dense)
        dense += weights.b_in
        np.maximum(dense, _ZERO, out=dense)
        # In blocks, so that OpenBLAS does not spread it over threads, which wait for each other.
        np.matmul(weights.w_gates, self._column, out=self._fused_blocks)
        self._fused += weights.b_gates
        gates, candidate = self._gates, self._candidate
        np.tanh(gates, out=gates)
        gates += _ONE
        gates *= _HALF
        candidate *= self._reset_gate
        candidate += self._from_input
        np.tanh(candidate, out=candidate)
        candidate -= state
        candidate *= self._update_gate
        state += candidate
        return float(weights.w_out.dot(state)) + weights.b_out
