"""Gates that need packages of others: Silero's detector, and WebRTC's echo canceller.

They are compared where their packages are installed. Invariant: nothing of them is imported before
a gate is made, and what is missing is said in words.
"""

from __future__ import annotations

__all__ = ["detect_after_aec3", "detect_silero", "missing_for_aec3", "missing_for_silero"]

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluate.recording import Recording
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from .rule_gates import Flags, smoothed_vad

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


def detect_silero(recording: Recording) -> Flags:
    """Return Silero's detector at 8 kHz as frameworks set it: 0.7 for 200 ms."""
    session = _silero_session()
    capture = np.frombuffer(b"".join(recording.capture), "<i2").astype(np.float32) / 32768.0
    wave = np.concatenate([np.zeros(_CONTEXT, np.float32), capture])
    state = np.zeros((2, 1, 128), np.float32)
    rate = np.array(RATE_HZ, np.int64)
    flags = [False] * len(recording.capture)
    held_ms = 0.0
    next_slot = 0
    for end in range(_WINDOW, len(capture) + 1, _WINDOW):
        window = wave[None, end - _WINDOW : end + _CONTEXT]
        prob, state = session.run(None, {"input": window, "state": state, "sr": rate})
        held_ms = held_ms + 1000 * _WINDOW / RATE_HZ if prob[0, 0] >= _SPEECH_PROB else 0.0
        # A frame knows of the windows that ended with it at the latest.
        after = min(len(flags), (end + _WINDOW) // FRAME_SAMPLES)
        first = max(next_slot, -(-end // FRAME_SAMPLES) - 1)
        flags[first:after] = [held_ms >= _START_MS] * max(0, after - first)
        next_slot = max(next_slot, after)
    return flags


def missing_for_aec3() -> str | None:
    """Return what to install for WebRTC's echo canceller; None if it is there."""
    try:
        is_there = find_spec("livekit.rtc") is not None
    except ModuleNotFoundError:
        is_there = False
    return None if is_there else "needs livekit (pip install livekit)"


def detect_after_aec3(recording: Recording) -> Flags:
    """Return smoothed VAD on what WebRTC's echo canceller leaves of the capture.

    The canceller estimates the delay itself, as it does in frameworks.
    """
    rtc = import_module("livekit.rtc")
    processing = rtc.AudioProcessingModule(echo_cancellation=True)
    silence = bytes(2 * FRAME_SAMPLES)
    far_end = recording.far_end or (silence,) * len(recording.capture)
    cleaned = []
    for captured, played in zip(recording.capture, far_end, strict=True):
        parts = []
        for at in range(0, len(captured), 2 * _APM_SAMPLES):
            reference = _apm_frame(rtc, played[at : at + 2 * _APM_SAMPLES])
            near = _apm_frame(rtc, captured[at : at + 2 * _APM_SAMPLES])
            processing.process_reverse_stream(reference)
            processing.process_stream(near)
            parts.append(bytes(near.data.cast("B")))
        cleaned.append(b"".join(parts))
    return smoothed_vad(cleaned)


def _apm_frame(rtc: Any, data: bytes) -> Any:
    return rtc.AudioFrame(bytearray(data), RATE_HZ, 1, _APM_SAMPLES)
