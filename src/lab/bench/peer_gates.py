"""Gates that need packages of others: Silero's detector, and WebRTC's echo canceller.

They are compared where their packages are installed. Invariant: nothing of them is imported before
a gate is made, and what is missing is said in words.
"""

from __future__ import annotations

__all__ = ["SileroVad", "VadAfterAec3", "missing_for_aec3", "missing_for_silero"]

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..evaluate.recording import Slot
from ..scenarios.signals import RATE_HZ
from .rule_gates import SmoothedVad

FloatArray = npt.NDArray[np.float32]

_WINDOW, _CONTEXT = 256, 32
"""Samples that Silero's model judges at 8 kHz, and those before them that it is shown again."""
_SPEECH_PROB = 0.7
_START_MS = 200.0
"""Probability and duration from which frameworks let Silero's detector start a turn."""
_APM_SAMPLES = RATE_HZ // 100
"""WebRTC's audio processing works on 10 ms."""


def missing_for_silero() -> str | None:
    """Return what to install for Silero's detector; None if it is there."""
    missing = [name for name in ("onnxruntime", "silero_vad") if find_spec(name) is None]
    if missing or _silero_path() is None:
        return "needs onnxruntime and the model in silero-vad (pip install --no-deps silero-vad)"
    return None


def _silero_path() -> Path | None:
    """Return the model's file. Its package is not imported: it would want PyTorch."""
    spec = find_spec("silero_vad")
    folders = (spec.submodule_search_locations if spec is not None else None) or []
    paths = [Path(folder) / "data" / "silero_vad.onnx" for folder in folders]
    return next((path for path in paths if path.is_file()), None)


@cache
def _silero_session() -> Any:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(str(_silero_path()), options, providers=providers)


class SileroVad:
    """Silero's detector at 8 kHz as frameworks set it: 0.7 for 200 ms."""

    def __init__(self) -> None:
        self._session = _silero_session()
        self._wave = np.zeros(_CONTEXT, np.float32)
        """Context, and samples that are not judged yet."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._held_ms = 0.0

    def __call__(self, slot: Slot) -> bool:
        """Say of the next slot whether it is evidence: a frame knows of windows ended with it."""
        samples = np.frombuffer(slot.capture, "<i2").astype(np.float32) / 32768.0
        self._wave = np.concatenate([self._wave, samples])
        while len(self._wave) >= _CONTEXT + _WINDOW:
            self._judge(self._wave[: _CONTEXT + _WINDOW])
            self._wave = self._wave[_WINDOW:]
        return self._held_ms >= _START_MS

    def _judge(self, window: FloatArray) -> None:
        rate = np.array(RATE_HZ, np.int64)
        inputs = {"input": window[None], "state": self._state, "sr": rate}
        prob, self._state = self._session.run(None, inputs)
        is_speech = prob[0, 0] >= _SPEECH_PROB
        self._held_ms = self._held_ms + 1000 * _WINDOW / RATE_HZ if is_speech else 0.0


def missing_for_aec3() -> str | None:
    """Return what to install for WebRTC's echo canceller; None if it is there."""
    try:
        is_there = find_spec("livekit.rtc") is not None
    except ModuleNotFoundError:
        is_there = False
    return None if is_there else "needs livekit (pip install livekit)"


class VadAfterAec3:
    """Smoothed VAD on what WebRTC's echo canceller leaves of the capture.

    The canceller estimates the delay itself, as it does in frameworks.
    """

    def __init__(self) -> None:
        self._rtc = import_module("livekit.rtc")
        self._processing = self._rtc.AudioProcessingModule(echo_cancellation=True)
        self._vad = SmoothedVad()

    def __call__(self, slot: Slot) -> bool:
        """Say of the next slot whether it is evidence of the caller."""
        captured = slot.capture
        played = slot.far_end or bytes(len(captured))
        parts = []
        for at in range(0, len(captured), 2 * _APM_SAMPLES):
            reference = self._frame(played[at : at + 2 * _APM_SAMPLES])
            near = self._frame(captured[at : at + 2 * _APM_SAMPLES])
            self._processing.process_reverse_stream(reference)
            self._processing.process_stream(near)
            parts.append(bytes(near.data.cast("B")))
        return self._vad.process(b"".join(parts))

    def _frame(self, data: bytes) -> Any:
        return self._rtc.AudioFrame(bytearray(data), RATE_HZ, 1, _APM_SAMPLES)
