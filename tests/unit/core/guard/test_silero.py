"""Silero's detector: windows out of frames, what a call remembers, and a process without it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from support.signals import speech_like, white_noise
from voxgate.core.guard import silero
from voxgate.core.guard.silero import (
    SileroDetector,
    SileroNetwork,
    has_onnxruntime,
    packaged_silero_network,
)

FRAME = 160
RECORDED = [-6.0, -3.314, 1.995, 6.975, 9.444, 8.321]
"""Every tenth frame's log odds by the original's 8 kHz half (silero-vad 6.2.3) in onnxruntime."""
needs_onnxruntime = pytest.mark.skipif(not has_onnxruntime(), reason="extra silero is missing")


@pytest.fixture
def forgotten() -> Iterator[None]:
    """A process that has not asked for the network yet, before and after."""
    packaged_silero_network.cache_clear()
    yield
    packaged_silero_network.cache_clear()


class CountingNetwork:
    """Remembers what it is shown; its log odds are the number of windows so far."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []
        self.states: list[np.ndarray] = []

    def process(self, shown: np.ndarray, state: np.ndarray) -> tuple[float, np.ndarray]:
        self.shown.append(shown[0].copy())
        self.states.append(state.copy())
        return float(len(self.shown)), state + 1.0


def ramp(frames: int) -> np.ndarray:
    """Return frames in which every sample tells its place, from 1."""
    return np.arange(1, frames * FRAME + 1, dtype=np.int16).reshape(-1, FRAME)


def detector() -> SileroDetector:
    network = packaged_silero_network()
    assert network is not None
    return SileroDetector(network)


def hear(heard: SileroDetector, samples: np.ndarray) -> list[float]:
    return [heard.process(frame) for frame in samples.reshape(-1, FRAME)]


def test_frames_go_into_windows_with_their_context() -> None:
    """Eight frames are five windows; each begins with the last 32 samples of the one before."""
    network = CountingNetwork()
    heard = SileroDetector(network)
    logits = hear(heard, ramp(8))
    assert logits == [-6.0, 1.0, 1.0, 2.0, 3.0, 3.0, 4.0, 5.0]
    line = np.concatenate([np.zeros(32), np.arange(1, 8 * FRAME + 1)]) / 32768.0
    for number, shown in enumerate(network.shown):
        assert np.array_equal(shown, line[number * 256 : number * 256 + 288].astype(np.float32))


def test_the_state_goes_from_window_to_window() -> None:
    """It begins as nothing, and each window gets what the one before has left."""
    network = CountingNetwork()
    hear(SileroDetector(network), ramp(8))
    assert [state[0, 0] for state in network.states] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert {state.shape for state in network.states} == {(2, 128)}


def test_silence_is_heard_when_sound_begins() -> None:
    """Skipped frames run nothing; then what came last before the sound is caught up with."""
    network = CountingNetwork()
    heard = SileroDetector(network)
    line = ramp(5)
    for frame in line[:4]:
        heard.skip(frame)
    assert not network.shown
    heard.process(line[4])
    assert len(network.shown) == 3
    assert network.shown[0][32] == np.float32(1 / 32768)


@pytest.mark.parametrize("silent_frames", [9, 10, 57, 500])
def test_what_is_caught_up_with_is_bounded(silent_frames: int) -> None:
    """However long the silence: no frame costs more than six windows, and they are the latest."""
    network = CountingNetwork()
    heard = SileroDetector(network)
    line = ramp(200)
    for number in range(silent_frames):
        heard.skip(line[number % 100])
    heard.process(line[-1])
    assert 5 <= len(network.shown) <= 6
    newest = line[-1][0] / 32768.0
    assert any(newest == sample for shown in network.shown[-1:] for sample in shown)


def test_a_short_hole_is_silence_and_a_long_one_forgets() -> None:
    """24 frames without sound leave the state; 25 leave what a new call has."""
    network = CountingNetwork()
    heard = SileroDetector(network)
    hear(heard, ramp(8))
    for _ in range(24):
        heard.skip()
    heard.process(ramp(1)[0])
    assert network.states[5][0, 0] == 5.0
    assert not network.shown[6].any()
    for _ in range(500):
        heard.skip()
    assert heard.logit == -6.0
    count = len(network.shown)
    hear(heard, ramp(2))
    assert len(network.shown) == count + 1
    assert network.states[-1][0, 0] == 0.0
    assert not network.shown[-1][:32].any()
    assert network.shown[-1][32] == np.float32(1 / 32768)


def test_a_call_remembers_little() -> None:
    """After an hour of anything, what it holds is as long as at the start: under 8 KiB."""
    heard = SileroDetector(CountingNetwork())
    for number in range(3000):
        (heard.process if number % 3 else heard.skip)(ramp(1)[0])
    arrays = [getattr(heard, name) for name in SileroDetector.__slots__]
    assert sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)) < 8192


@needs_onnxruntime
def test_speech_is_told_from_noise_as_recorded() -> None:
    """The packaged network gives what the original gives: to 0.02, as its weights are rounded."""
    samples = np.concatenate([white_noise(400, level_dbfs=-40.0, seed=1), speech_like(800, seed=2)])
    logits = hear(detector(), samples)
    assert logits[::10] == pytest.approx(RECORDED, abs=0.02)


@needs_onnxruntime
def test_calls_share_the_network_and_nothing_else() -> None:
    """Two calls heard in turns say what they say alone, to the bit."""
    first, second = speech_like(600, seed=3), white_noise(600, seed=4)
    alone = hear(detector(), first), hear(detector(), second)
    one, other = detector(), detector()
    mixed = [
        (one.process(a), other.process(b))
        for a, b in zip(first.reshape(-1, FRAME), second.reshape(-1, FRAME), strict=True)
    ]
    assert ([a for a, _ in mixed], [b for _, b in mixed]) == alone


@needs_onnxruntime
def test_the_network_is_loaded_once(forgotten: None) -> None:
    """All calls of a process have the same one."""
    assert packaged_silero_network() is packaged_silero_network()


@needs_onnxruntime
def test_the_session_has_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread within a node and one between them is the caller's own: no pool is made."""
    onnxruntime = pytest.importorskip("onnxruntime")
    made = []
    session = onnxruntime.InferenceSession

    def record(model: bytes, options: object, **others: object) -> object:
        made.append(options)
        return session(model, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    SileroNetwork()
    (options,) = made
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_without_onnxruntime_there_is_no_network(
    forgotten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not looked for further, and nothing raises."""
    monkeypatch.setattr(silero, "find_spec", lambda name: None)
    assert not has_onnxruntime()
    assert packaged_silero_network() is None


@pytest.mark.parametrize("error", [ImportError("no libstdc++"), RuntimeError("no such opset")])
def test_a_broken_onnxruntime_is_none(
    forgotten: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whatever it raises while it is loaded, the guard does without it."""

    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(silero, "find_spec", lambda name: object())
    monkeypatch.setattr(silero, "import_module", fail)
    assert packaged_silero_network() is None
