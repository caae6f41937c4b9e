"""Silero's detector as the guard uses it: 8 kHz, 32 ms at a time, one network for all calls.

One job: samples in, log odds out. Invariant: the network has no state; what a call is remembered
by (two vectors of 128, and 200 ms of samples) belongs to its detector. Nothing here is needed where
onnxruntime is not installed, and nothing of it is imported before somebody asks.
"""

from __future__ import annotations

__all__ = [
    "SILERO_INSTALL",
    "SileroDetector",
    "SileroNetwork",
    "has_onnxruntime",
    "packaged_silero_network",
]

from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ..echo.operands import operand

FloatArray = npt.NDArray[np.float32]

SILERO_INSTALL: Final = "pip install 'voxgate[silero]'"
"""What installs the program that runs the network."""

_CONTEXT_SAMPLES: Final = 32
_WINDOW_SAMPLES: Final = 256
"""Samples that the network judges at 8 kHz, and those before them that it is shown again."""
_SHOWN_SAMPLES: Final = _CONTEXT_SAMPLES + _WINDOW_SAMPLES
_UNITS: Final = 128
_FRAME_SAMPLES: Final = 160
_CAUGHT_UP_SAMPLES: Final = 8 * _FRAME_SAMPLES
"""Silence heard after all when sound begins, and no more: 160 ms, so that no frame costs more than
six windows (ADR 7 has what more and less would do)."""
_FULL_SCALE: Final = operand(1.0 / 32768.0)
_RESTING_LOGIT: Final = -6.0
"""Log odds before the first window: those of silence."""
_FORGETFUL_FRAMES: Final = 25
"""Frames of a hole, 500 ms, after which all is as at the start of a call. Measured in the 500 ms
after such holes: 75 % of the speech heard and 1.4 % of the noise taken for it; with silence in the
hole's place 70 and 0.3 %, with the memory kept 88 and 5.7 %."""
_NOTHING: Final = np.zeros(_FRAME_SAMPLES, np.int16)


class WindowNetwork(Protocol):
    """What judges one window."""

    def process(self, shown: FloatArray, state: FloatArray) -> tuple[float, FloatArray]:
        """Return (log odds, next state) of float32 [shape=(1, 288)] and [shape=(2, 128)]."""
        ...


class SileroNetwork:
    """The network, in a session of onnxruntime without threads of its own.

    Raises:
        ImportError: onnxruntime is not installed, or can't be loaded.
    """

    __slots__ = ("_session",)

    def __init__(self) -> None:
        onnxruntime = import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = files(__package__).joinpath("silero_8k.onnx").read_bytes()
        self._session: Any = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def process(self, shown: FloatArray, state: FloatArray) -> tuple[float, FloatArray]:
        """Judge one window.

        Args:
            shown: The 32 samples before it and its 256, +-1, float32 [shape=(1, 288)].
            state: What is remembered of the windows before, float32 [shape=(2, 128)].

        Returns:
            Log odds of speech, and the next state.
        """
        logit, next_state = self._session.run(None, {"input": shown, "state": state})
        return float(logit[0, 0]), next_state


def has_onnxruntime() -> bool:
    """Return whether onnxruntime is installed; it is not loaded for that."""
    return find_spec("onnxruntime") is not None


@cache
def packaged_silero_network() -> SileroNetwork | None:
    """Return the network that all calls of this process share; None if it can't be had.

    The first call takes some 0.2 s, as it loads onnxruntime.
    """
    if not has_onnxruntime():
        return None
    try:
        return SileroNetwork()
    except Exception:  # noqa: BLE001 - a broken onnxruntime raises what it likes; the guard does without
        return None


class SileroDetector:
    """Silero's word on the frames of one call.

    Frames of 160 samples go into windows of 256, and the verdict of the newest whole window stands
    until the next: a frame is judged by sound that ends up to 28 ms, on average 14 ms, before it.

    Args:
        network: Judges the windows; all calls can share one.
    """

    __slots__ = ("_gap_frames", "_length", "_network", "_samples", "_state", "logit")

    def __init__(self, network: WindowNetwork) -> None:
        self._network = network
        self._state = np.zeros((2, _UNITS), np.float32)
        self._samples = np.zeros(_SHOWN_SAMPLES + _CAUGHT_UP_SAMPLES, np.int16)
        self._length = _CONTEXT_SAMPLES
        """Of ``_samples``, how many are heard and waiting, the context before them included."""
        self._gap_frames = 0
        self.logit = _RESTING_LOGIT
        """Log odds of the newest window."""

    def process(self, samples: npt.NDArray[np.int16]) -> float:
        """Return the log odds of speech for one frame, int16 [shape=(160,), mono, 8 kHz]."""
        self._gap_frames = 0
        self._keep(samples)
        at = 0
        while self._length - at >= _SHOWN_SAMPLES:
            shown = self._samples[np.newaxis, at : at + _SHOWN_SAMPLES] * _FULL_SCALE
            self.logit, self._state = self._network.process(shown, self._state)
            at += _WINDOW_SAMPLES
        self._drop(at)
        return self.logit

    def skip(self, samples: npt.NDArray[np.int16] | None = None) -> None:
        """Let 20 ms pass unjudged: of silence the end is heard when sound begins.

        Args:
            samples: The frame; None if there was none, or nobody may learn of it. A short hole is
                silence, and after 500 ms of it all is forgotten.
        """
        self._gap_frames = self._gap_frames + 1 if samples is None else 0
        if self._gap_frames < _FORGETFUL_FRAMES:
            self._keep(_NOTHING if samples is None else samples)
        elif self._gap_frames == _FORGETFUL_FRAMES:
            self._forget()

    def _forget(self) -> None:
        self._state = np.zeros((2, _UNITS), np.float32)
        self._samples[:_CONTEXT_SAMPLES] = 0
        self._length = _CONTEXT_SAMPLES
        self.logit = _RESTING_LOGIT

    def _keep(self, samples: npt.NDArray[np.int16]) -> None:
        """Add a frame to what waits; of more than can be caught up with, the oldest is dropped."""
        surplus = self._length + _FRAME_SAMPLES - len(self._samples)
        if surplus > 0:
            self._drop(surplus)
        end = self._length + _FRAME_SAMPLES
        self._samples[self._length : end] = samples
        self._length = end

    def _drop(self, count: int) -> None:
        if count:
            self._samples[: self._length - count] = self._samples[count : self._length]
            self._length -= count
