"""Calls with an echo for tests of the near-end detector: what was sent, what came back, who speaks.

All signals are whole 20 ms frames, int16 [shape=(n, 160), mono, 8 kHz]. The same arguments give the
same samples.
"""

from __future__ import annotations

__all__ = [
    "DENSE_COUNT",
    "UNIT_COUNT",
    "agent_frames",
    "caller_frames",
    "detector_trace",
    "echo_of",
    "echo_scene",
    "frame_rows",
    "mix",
    "random_arrays",
]

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from support.signals import at_level, speech_like, white_noise
from voxgate.core import g711
from voxgate.core.echo.features import FEATURE_COUNT
from voxgate.core.echo.near_end_detector import EchoAwareDetector
from voxgate.core.echo.recurrent_network import NetworkWeights
from voxgate.realtime_server.voice_library import VoiceLibrary, agent_voices

Frames = NDArray[np.int16]

FRAME_SAMPLES = 160
DENSE_COUNT = 56
UNIT_COUNT = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoScene:
    """One call, frame by frame."""

    capture: Frames
    far_end: Frames
    agent_audible: NDArray[np.bool_]


def frame_rows(samples: NDArray[np.int16]) -> Frames:
    """Return the whole frames of a signal."""
    whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
    return samples[:whole].reshape(-1, FRAME_SAMPLES)


def mix(*signals: NDArray[np.integer] | NDArray[np.floating]) -> Frames:
    """Return the sum of signals of one shape, clipped to int16."""
    total = sum((signal.astype(np.float64) for signal in signals), np.float64(0.0))
    return np.clip(np.round(total), -32768, 32767).astype(np.int16)


def echo_of(far_end: Frames, *, delay_ms: int = 160, erl_db: float = 12.0, seed: int = 7) -> Frames:
    """Return far-end frames through a decaying room of 20 ms, delayed and ``erl_db`` weaker."""
    taps = np.random.default_rng(seed).standard_normal(160) * np.exp(-np.arange(160) / 25.0)
    sent = far_end.ravel().astype(np.float64)
    echo = np.convolve(sent, taps)[: len(sent)]
    sent_rms, echo_rms = (float(np.sqrt(np.mean(np.square(x)))) for x in (sent, echo))
    echo *= sent_rms / echo_rms * 10 ** (-erl_db / 20)
    delay_samples = delay_ms * 8
    delayed = np.concatenate([np.zeros(delay_samples), echo])[: len(echo)]
    return mix(delayed.reshape(far_end.shape))


def agent_frames(*line_ids: str, level_dbfs: float = -18.0) -> Frames:
    """Return sentences of the embedded server's agent, one after the other."""
    return frame_rows(_spoken(agent_voices(), line_ids, level_dbfs))


def caller_frames(*line_ids: str, level_dbfs: float = -20.0) -> Frames:
    """Return sentences of the lab's caller, one after the other."""
    return frame_rows(_spoken(_caller_voices(), line_ids, level_dbfs))


def echo_scene() -> EchoScene:
    """Return 12 s of synthetic speech: two turns of the agent, the caller in each, lost frames."""
    far_end = frame_rows(speech_like(12_000, level_dbfs=-18.0, seed=1)).copy()
    far_end[300:400] = 0
    caller = np.zeros_like(far_end)
    caller[200:260] = frame_rows(speech_like(1_200, level_dbfs=-22.0, seed=2))
    caller[480:540] = frame_rows(speech_like(1_200, level_dbfs=-26.0, seed=3))
    noise = frame_rows(white_noise(12_000, level_dbfs=-58.0, seed=4))
    capture = mix(echo_of(far_end), caller, noise)
    capture[[60, 61, 150, 440]] = 0
    agent_audible = np.ones(len(far_end), np.bool_)
    agent_audible[330:400] = False
    return EchoScene(capture=capture, far_end=far_end, agent_audible=agent_audible)


def random_arrays(
    *, inputs: int = FEATURE_COUNT, dense: int = DENSE_COUNT, units: int = UNIT_COUNT, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Return untrained weights of the network's shapes, scaled so that its logits move."""
    generator = np.random.default_rng(seed)

    def draw(*shape: int) -> NDArray[np.float32]:
        fan_in = shape[-1] if len(shape) > 1 else 4
        return (generator.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32)

    return {
        "mean": draw(inputs),
        "scale": np.float32(0.5) + np.abs(draw(inputs)),
        "w_in": draw(dense, inputs),
        "b_in": draw(dense),
        "w_x": draw(3 * units, dense),
        "b_x": draw(3 * units),
        "w_h": draw(3 * units, units),
        "b_h": draw(3 * units),
        "w_out": draw(units),
        "b_out": draw(1),
    }


@cache
def _caller_voices() -> VoiceLibrary:
    return VoiceLibrary.load(files("voxgate.lab") / "voices")


def _spoken(
    voices: VoiceLibrary, line_ids: tuple[str, ...], level_dbfs: float
) -> NDArray[np.int16]:
    lines = [g711.decode_mulaw(voices[line_id].audio) for line_id in line_ids]
    return at_level(np.concatenate(lines).astype(np.float64), level_dbfs)


def detector_trace() -> dict[str, list[float | None]]:
    """Return what a detector with untrained weights says of :func:`echo_scene`, three decimals."""
    scene = echo_scene()
    detector = EchoAwareDetector(NetworkWeights(random_arrays()))
    weights = np.random.default_rng(11).standard_normal(FEATURE_COUNT) / np.sqrt(FEATURE_COUNT)
    columns: dict[str, list[float | None]] = {
        name: [] for name in ("logit", "features", "erl_db", "erle_db", "near_end_dbfs")
    }
    for capture, far_end, audible in zip(
        scene.capture, scene.far_end, scene.agent_audible, strict=True
    ):
        verdict = detector.process(capture, far_end, agent_audible=bool(audible))
        values = detector.features
        row = {
            "logit": verdict.logit,
            "features": 0.0 if values is None else float(values @ weights),
            "erl_db": verdict.erl_db,
            "erle_db": verdict.erle_db,
            "near_end_dbfs": verdict.near_end_dbfs,
        }
        for name, value in row.items():
            columns[name].append(None if value is None else round(value, 3))
    return columns
