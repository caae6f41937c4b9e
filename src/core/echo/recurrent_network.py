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


_GATE_LOWEST: Final = np.float32(-80.0)
"""Input at which a gate is as good as shut: e to the 88 is past the range of float32."""


class NetworkWeights:
    """Arrays of the network, float32, read-only.

    Attributes:
        mean, scale: standardisation of the inputs [shape=(inputs,)].
        w_in, b_in: dense layer [shape=(dense, inputs)].
        w_x, w_h: gates reset, update, candidate stacked [shape=(3 * units, dense | units)].
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
        self.w_x, self.b_x, self.w_h, self.b_h = (fixed[n] for n in ("w_x", "b_x", "w_h", "b_h"))
        self.w_out, self.b_out = fixed["w_out"], float(fixed["b_out"][0])
        for array in (self.w_in, self.b_in, self.w_x, self.b_x, self.w_h, self.b_h, self.w_out):
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


class RecurrentNetwork:
    """Dense layer with ReLU, one gated recurrent unit layer, one logit.

    K. Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), with the
    reset gate after the recurrent product.
    """

    def __init__(self, weights: NetworkWeights) -> None:
        self._weights = weights
        self._state = np.zeros(weights.units, np.float32)

    def reset(self) -> None:
        """Forget all frames."""
        self._state.fill(0.0)

    def process(self, features: FloatArray) -> float:
        """Return the logit for one frame of features, float32 [shape=(inputs,)]."""
        weights, units = self._weights, self._weights.units
        hidden = np.maximum(weights.w_in @ features + weights.b_in, 0.0)
        from_input = weights.w_x @ hidden + weights.b_x
        from_state = weights.w_h @ self._state + weights.b_h
        total = from_input[: 2 * units] + from_state[: 2 * units]
        gates = 1.0 / (1.0 + np.exp(-np.maximum(total, _GATE_LOWEST)))
        candidate = np.tanh(from_input[2 * units :] + gates[:units] * from_state[2 * units :])
        self._state += (1.0 - gates[units:]) * (candidate - self._state)
        return float(weights.w_out @ self._state) + weights.b_out
