"""Networks that are asked about the same rows, worked out side by side.

One job: the average of their log odds. Where one is wrong, another often is not (ADR 7). Invariant:
to the bit what each of them says alone, as :class:`..echo.recurrent_network.RecurrentNetwork`.
"""

from __future__ import annotations

__all__ = ["JointNetworks", "JointWeights"]

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ..echo.operands import operand
from ..echo.recurrent_network import NetworkWeights

FloatArray = npt.NDArray[np.float32]

_ZERO: Final = operand(0.0)
_HALF: Final = operand(0.5)
_ONE: Final = operand(1.0)


class JointWeights:
    """The weights of networks of one shape, stacked as far as one step can serve all of them.

    Attributes:
        networks: Each one's own.
        w_in, b_in: their dense layers, one below the other [shape=(networks * dense, inputs)].
        b_gates: their recurrent layers' [shape=(4, networks, units)].
        layers: how many networks, and how wide the dense layer of each is.
        units: of the recurrent layer of each.
    """

    def __init__(self, networks: Sequence[NetworkWeights]) -> None:
        """Stack them.

        Raises:
            ValueError: They are of several shapes, or there is none.
        """
        if len({(each.w_in.shape, each.units) for each in networks}) != 1:
            raise ValueError(f"{len(networks)} networks, and not of one shape")
        self.networks = tuple(networks)
        self.units = networks[0].units
        self.layers = (len(networks), len(networks[0].b_in))
        self.w_in: FloatArray = np.concatenate([each.w_in for each in networks])
        self.b_in: FloatArray = np.concatenate([each.b_in for each in networks])
        gates = [each.b_gates.reshape(4, self.units) for each in networks]
        self.b_gates: FloatArray = np.stack(gates, axis=1)
        for array in (self.w_in, self.b_in, self.b_gates):
            array.setflags(write=False)


class JointNetworks:
    """The state of one call's networks.

    Args:
        weights: Shared by all calls.
    """

    __slots__ = (
        "_candidates",
        "_dense_inputs",
        "_from_input",
        "_fused",
        "_gates",
        "_products",
        "_reset_gates",
        "_state_inputs",
        "_states",
        "_update_gates",
        "_weights",
    )

    def __init__(self, weights: JointWeights) -> None:
        self._weights = weights
        (count, dense), units = weights.layers, weights.units
        inputs = np.zeros((count, dense + units), np.float32)
        self._dense_inputs, self._state_inputs = inputs[:, :dense], inputs[:, dense:]
        # In one piece, and copied into what the products take: NumPy works on pieces more slowly.
        self._states = np.zeros((count, units), np.float32)
        self._fused = np.zeros((4, count, units), np.float32)
        self._gates = self._fused[:2]
        self._reset_gates, self._update_gates, self._from_input, self._candidates = self._fused
        self._products = tuple(
            (each.w_gates, inputs[number, :, np.newaxis], self._fused[:, number, :, np.newaxis])
            for number, each in enumerate(weights.networks)
        )

    def process(self, features: FloatArray) -> float:
        """Return the average log odds for one row of features, float32 [shape=(inputs,)]."""
        weights, candidates = self._weights, self._candidates
        hidden = weights.w_in.dot(features)
        hidden += weights.b_in
        np.maximum(hidden, _ZERO, out=hidden)
        self._dense_inputs[...] = hidden.reshape(weights.layers)
        for w_gates, column, products in self._products:
            np.matmul(w_gates, column, out=products)
        self._fused += weights.b_gates
        gates = self._gates
        np.tanh(gates, out=gates)
        gates += _ONE
        gates *= _HALF
        candidates *= self._reset_gates
        candidates += self._from_input
        np.tanh(candidates, out=candidates)
        states = self._states
        candidates -= states
        candidates *= self._update_gates
        states += candidates
        self._state_inputs[...] = states
        logits = [
            float(each.w_out.dot(states[number])) + each.b_out
            for number, each in enumerate(weights.networks)
        ]
        return sum(logits) / len(logits)
