# /// script
# requires-python = ">=3.11,<3.15"
# dependencies = ["numpy>=2.2", "onnx>=1.18"]
# ///
"""Cut the 8 kHz half out of Silero's ``silero_vad.onnx``, and write it as the guard wants it.

Run it with ``uv run --script tools/cut_silero.py FROM``, FROM being the file ``silero_vad.onnx`` of
the package ``silero-vad`` (``pip download --no-deps silero-vad==6.2.3``; it is a zip archive). It
writes ``src/core/guard/silero_8k.onnx``. Neither package is a dependency of the product.

The original holds two networks, for 16 and for 8 kHz, behind a branch, and handles batches and
sequences of any shape. What is written computes the same for one window at 8 kHz, in half the
time: shapes are fixed, convolutions over the four columns of the window are matrix products without
the taps that only ever see padding, and the last sigmoid is left out, so that it gives log odds.
Weights are stored as float16 and computed with as float32; log odds differ by less than 0.01.

Invariant: the same original gives the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "core" / "guard" / "silero_8k.onnx"
CONTEXT, WINDOW = 32, 256
"""Samples of the window before that are shown again, and samples judged."""
BASIS, HOP, COLUMNS = 128, 64, 4
"""Samples of a column of the spectrum, from one to the next, and how many a window has."""
UNITS = 128
OPSET, IR_VERSION = 13, 8
"""Old enough for every onnxruntime that the extra admits."""

Array = NDArray[np.float32]


def read_weights(path: Path) -> dict[str, Array]:
    """Return the weights of the 8 kHz network by their last names."""
    (branch,) = (node for node in onnx.load(path).graph.node if node.op_type == "If")
    (at_8k,) = (part.g for part in branch.attribute if part.name == "else_branch")
    constants = {
        node.output[0].partition("Inline_0__")[2]: numpy_helper.to_array(node.attribute[0].t)
        for node in at_8k.node
        if node.op_type == "Constant"
    }
    return {name: array for name, array in constants.items() if array.dtype == np.float32}


class GraphMaker:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: str, outputs: str, **attributes: object) -> None:
        """Add a node; inputs and outputs are names with spaces between."""
        made = helper.make_node(kind, inputs.split(), outputs.split(), **attributes)
        self.nodes.append(made)

    def weights(self, name: str, array: Array) -> None:
        """Add weights, stored as float16."""
        stored = np.ascontiguousarray(array, np.float16)
        self.constants.append(numpy_helper.from_array(stored, f"{name}_stored"))
        self.node("Cast", f"{name}_stored", name, to=TensorProto.FLOAT)

    def whole(self, name: str, value: object) -> None:
        """Add whole numbers."""
        self.constants.append(numpy_helper.from_array(np.array(value, np.int64), name))

    def layer(self, number: int, taps: Array, bias: Array, inputs: str) -> None:
        """Add one convolution, float32 [shape=(outputs, inputs, taps)], as a matrix product."""
        self.weights(f"w{number}", taps.transpose(2, 1, 0).reshape(-1, len(taps)))
        self.weights(f"b{number}", bias)
        self.node("Gemm", f"{inputs} w{number} b{number}", f"sum{number}")
        self.node("Relu", f"sum{number}", f"layer{number}")


def add_spectrum(graph: GraphMaker, weights: dict[str, Array]) -> None:
    """From ``input`` make ``spectrum``: magnitudes, [shape=(4, 65)]."""
    shown = CONTEXT + WINDOW
    places = np.arange(COLUMNS)[:, None] * HOP + np.arange(BASIS)
    mirrored = np.where(places < shown, places, 2 * (shown - 1) - places)
    graph.whole("first_axis", [0])
    graph.whole("columns", mirrored)
    graph.weights("basis", weights["stft.forward_basis_buffer"][:, 0].T)
    graph.node("Squeeze", "input first_axis", "samples")
    graph.node("Gather", "samples columns", "framed", axis=0)
    graph.node("MatMul", "framed basis", "bins")
    graph.node("Split", "bins", "real imaginary", axis=1)
    graph.node("Mul", "real real", "real_power")
    graph.node("Mul", "imaginary imaginary", "imaginary_power")
    graph.node("Add", "real_power imaginary_power", "power")
    graph.node("Sqrt", "power", "spectrum")


def add_encoder(graph: GraphMaker, weights: dict[str, Array]) -> None:
    """From ``spectrum`` make ``layer3``, [shape=(1, 128)]."""
    taps = [weights[f"encoder.{number}.reparam_conv.weight"] for number in range(4)]
    bias = [weights[f"encoder.{number}.reparam_conv.bias"] for number in range(4)]
    neighbours = {0: [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]], 1: [[0, 1, 2], [2, 3, 4]]}
    for number, source, padding in ((0, "spectrum", [1, 0, 1, 0]), (1, "layer0", [1, 0, 0, 0])):
        graph.whole(f"padding{number}", padding)
        graph.whole(f"neighbours{number}", neighbours[number])
        rows, inputs = len(neighbours[number]), taps[number].shape[1]
        graph.whole(f"shape{number}", [rows, 3 * inputs])
        graph.node("Pad", f"{source} padding{number}", f"padded{number}")
        graph.node("Gather", f"padded{number} neighbours{number}", f"seen{number}", axis=0)
        graph.node("Reshape", f"seen{number} shape{number}", f"row{number}")
        graph.layer(number, taps[number], bias[number], f"row{number}")
    graph.whole("shape2", [1, 2 * taps[2].shape[1]])
    graph.node("Reshape", "layer1 shape2", "row2")
    graph.layer(2, taps[2][:, :, 1:], bias[2], "row2")
    graph.layer(3, taps[3][:, :, 1:2], bias[3], "layer2")


def add_decoder(graph: GraphMaker, weights: dict[str, Array]) -> None:
    """From ``layer3`` and ``state`` make ``logit`` and ``next_state``: an LSTM and its readout."""
    both = [weights["decoder.rnn.weight_ih"], weights["decoder.rnn.weight_hh"]]
    graph.weights("w_gates", np.concatenate(both, axis=1).T)
    graph.weights("b_gates", weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"])
    graph.node("Split", "state", "hidden cell", axis=0)
    graph.node("Concat", "layer3 hidden", "known", axis=1)
    graph.node("Gemm", "known w_gates b_gates", "gates")
    graph.node("Split", "gates", "in_sum forget_sum candidate_sum out_sum", axis=1)
    for gate in ("in", "forget", "out"):
        graph.node("Sigmoid", f"{gate}_sum", gate)
    graph.node("Tanh", "candidate_sum", "candidate")
    graph.node("Mul", "in candidate", "taken")
    graph.node("Mul", "forget cell", "kept")
    graph.node("Add", "taken kept", "next_cell")
    graph.node("Tanh", "next_cell", "squashed")
    graph.node("Mul", "out squashed", "next_hidden")
    graph.node("Concat", "next_hidden next_cell", "next_state", axis=0)
    graph.weights("w_out", weights["decoder.decoder.2.weight"].reshape(UNITS, 1))
    graph.weights("b_out", weights["decoder.decoder.2.bias"])
    graph.node("Relu", "next_hidden", "positive")
    graph.node("Gemm", "positive w_out b_out", "logit")


def make_model(weights: dict[str, Array]) -> onnx.ModelProto:
    """Return the network for one window at 8 kHz."""
    graph = GraphMaker()
    add_spectrum(graph, weights)
    add_encoder(graph, weights)
    add_decoder(graph, weights)

    def value(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    made = helper.make_graph(
        graph.nodes,
        "silero_8k",
        [value("input", 1, CONTEXT + WINDOW), value("state", 2, UNITS)],
        [value("logit", 1, 1), value("next_state", 2, UNITS)],
        graph.constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(made, opset_imports=[opset], ir_version=IR_VERSION)
    model.producer_name = "tools/cut_silero.py"
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("original", type=Path, help="silero_vad.onnx of the package silero-vad")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    model = make_model(read_weights(arguments.original))
    arguments.out.write_bytes(model.SerializeToString(deterministic=True))
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
