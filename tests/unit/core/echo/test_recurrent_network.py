"""The network: refuses what does not fit, computes what a gated recurrent unit computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.echo_scenes import random_arrays
from voxgate.core.echo.features import FEATURE_COUNT
from voxgate.core.echo.recurrent_network import NetworkWeights, RecurrentNetwork, packaged_weights


def _reference_logits(arrays: dict[str, np.ndarray], frames: np.ndarray) -> list[float]:
    """The same network in the textbook's order, in double precision, gate by gate."""
    a = {name: array.astype(np.float64) for name, array in arrays.items()}
    units = len(a["w_out"])
    reset, update, new = (slice(k * units, (k + 1) * units) for k in range(3))
    state = np.zeros(units)
    logits = []
    for frame in frames.astype(np.float64):
        dense = np.maximum(a["w_in"] @ ((frame - a["mean"]) / a["scale"]) + a["b_in"], 0)

        def gate(rows: slice, x: np.ndarray = dense, h: np.ndarray = state) -> np.ndarray:
            total = a["w_x"][rows] @ x + a["b_x"][rows] + a["w_h"][rows] @ h + a["b_h"][rows]
            return 1 / (1 + np.exp(-total))

        r, z = gate(reset), gate(update)
        recurrent = a["w_h"][new] @ state + a["b_h"][new]
        n = np.tanh(a["w_x"][new] @ dense + a["b_x"][new] + r * recurrent)
        state = (1 - z) * n + z * state
        logits.append(float(a["w_out"] @ state + a["b_out"][0]))
    return logits


def _frames(n_frames: int, inputs: int) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((n_frames, inputs)).astype(np.float32)


@pytest.mark.parametrize(("inputs", "dense", "units"), [(128, 56, 48), (5, 3, 4), (1, 1, 1)])
def test_it_computes_a_gated_recurrent_unit(inputs: int, dense: int, units: int) -> None:
    """100 frames give the logits of a plain implementation, for any sizes."""
    arrays = random_arrays(inputs=inputs, dense=dense, units=units)
    network = RecurrentNetwork(NetworkWeights(arrays))
    frames = _frames(100, inputs)
    logits = [network.process(frame) for frame in frames]
    np.testing.assert_allclose(logits, _reference_logits(arrays, frames), atol=2e-3)


def test_features_out_of_all_bounds_saturate_without_overflow() -> None:
    """Gates driven far past the range of exp are shut or open; warnings are errors here."""
    arrays = random_arrays()
    network = RecurrentNetwork(NetworkWeights(arrays))
    frames = _frames(50, FEATURE_COUNT) * np.float32(1000.0)
    logits = [network.process(frame) for frame in frames]
    assert np.abs(logits).max() <= np.abs(arrays["w_out"]).sum() + abs(float(arrays["b_out"][0]))


def test_reset_forgets_all_frames() -> None:
    """The same frames give the same logits after a reset, and others without one."""
    network = RecurrentNetwork(NetworkWeights(random_arrays()))
    frames = _frames(20, FEATURE_COUNT)
    first = [network.process(frame) for frame in frames]
    second = [network.process(frame) for frame in frames]
    network.reset()
    assert [network.process(frame) for frame in frames] == first
    assert second != first


def test_calls_share_weights_and_not_state() -> None:
    """What one network heard does not show in another; the weights can't be written."""
    weights = NetworkWeights(random_arrays())
    one, other = RecurrentNetwork(weights), RecurrentNetwork(weights)
    frames = _frames(10, FEATURE_COUNT)
    for frame in frames:
        one.process(frame)
    assert other.process(frames[0]) == RecurrentNetwork(weights).process(frames[0])
    with pytest.raises(ValueError, match="read-only"):
        weights.w_gates[0, 0, 0] = 1.0


@pytest.mark.parametrize(
    "name", ["mean", "scale", "b_in", "w_x", "b_x", "w_h", "b_h", "b_out", "w_in", "w_out"]
)
def test_a_wrong_shape_or_a_missing_array_is_refused_by_name(name: str) -> None:
    """Each array is checked against the others, and missed."""
    arrays = random_arrays()
    arrays[name] = np.concatenate([arrays[name], arrays[name]])
    with pytest.raises(ValueError, match="has shape"):
        NetworkWeights(arrays)
    del arrays[name]
    with pytest.raises(ValueError, match=f"lack.*{name}"):
        NetworkWeights(arrays)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("w_h", np.nan, "w_h is not finite"), ("b_x", np.inf, "b_x is"), ("scale", 0.0, "zero")],
)
def test_a_value_that_would_spoil_every_logit_is_refused(
    name: str, value: float, message: str
) -> None:
    """NaN, infinity and a scale of zero are found at load, not in a call."""
    arrays = random_arrays()
    arrays[name][-1] = value
    with pytest.raises(ValueError, match=message):
        NetworkWeights(arrays)


def test_arrays_with_the_wrong_number_of_axes_are_refused() -> None:
    """A flattened matrix is not taken for weights."""
    arrays = random_arrays()
    arrays["w_in"] = arrays["w_in"].ravel()
    with pytest.raises(ValueError, match="axes"):
        NetworkWeights(arrays)


def test_a_file_gives_the_network_that_was_written(tmp_path: Path) -> None:
    """Half precision on disk is enough to come out the same to two decimals."""
    arrays = random_arrays()
    path = tmp_path / "weights.npz"
    np.savez_compressed(path, **{k: v.astype(np.float16) for k, v in arrays.items()})
    loaded = RecurrentNetwork(NetworkWeights.load(path))
    direct = RecurrentNetwork(NetworkWeights(arrays))
    for frame in _frames(20, FEATURE_COUNT):
        assert loaded.process(frame) == pytest.approx(direct.process(frame), abs=0.1)


@pytest.mark.parametrize("content", [b"", b"not an archive at all", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """The error names the file."""
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.npz"):
        NetworkWeights.load(path)


def test_a_missing_file_a_folder_and_a_bare_array_are_refused(tmp_path: Path) -> None:
    """One kind of error, whatever is wrong with the file."""
    np.save(tmp_path / "bare.npy", np.zeros(3))
    for name in ("missing.npz", ".", "bare.npy"):
        with pytest.raises(ValueError, match="network weights"):
            NetworkWeights.load(tmp_path / name)


def test_a_file_with_pickles_is_refused(tmp_path: Path) -> None:
    """Loading weights runs no code from the file."""
    path = tmp_path / "pickled.npz"
    pickled = np.array([{"a": 1}], dtype=object)
    np.savez(path, allow_pickle=True, **{**random_arrays(), "w_in": pickled})
    with pytest.raises(ValueError, match="pickle"):
        NetworkWeights.load(path)


def test_the_package_brings_weights_that_fit_the_features() -> None:
    """They load once and take what the extractor gives."""
    weights = packaged_weights()
    assert weights is packaged_weights()
    assert weights.inputs == FEATURE_COUNT
