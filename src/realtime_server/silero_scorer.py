"""How much a 20 ms frame sounds like speech, by Silero's network: the kind of VAD clouds run.

In place of :class:`.speech_scorer.SpeechScorer`, where onnxruntime is installed. Nothing is added
to the network's word: neither level nor spectrum are looked at.

Invariant: a score depends on this frame and those before it, and on nothing else.
"""

from __future__ import annotations

__all__ = ["SileroScorer"]

import math

import numpy as np
from numpy.typing import NDArray

from ..core.guard.silero import SILERO_INSTALL, SileroDetector, packaged_silero_network
from ..core.levels import rms
from ..core.units import rms_to_dbfs
from .speech_scorer import FrameScore


class SileroScorer:
    """Scores the frames of one stream, in order; all streams share one network.

    Raises:
        ModuleNotFoundError: onnxruntime is not installed.
    """

    def __init__(self) -> None:
        network = packaged_silero_network()
        if network is None:
            raise ModuleNotFoundError(f"the scorer needs onnxruntime: {SILERO_INSTALL}")
        self._detector = SileroDetector(network)

    def process(self, frame: NDArray[np.int16]) -> FrameScore:
        """Score the next frame: int16 [shape=(160,), mono, 8000 Hz]."""
        logit = self._detector.process(frame)
        return FrameScore(1.0 / (1.0 + math.exp(-logit)), rms_to_dbfs(rms(frame)))
