"""What the guard's network is told of a scene, frame by frame, and what is true of each.

Rows come from the guard itself, so that what is learned is what will be seen. Invariant: frames
that the guard settles without its network have no row.
"""

from __future__ import annotations

__all__ = ["GuardRows", "record_scene"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...core.audio_guard import AudioGuard
from ...core.config import AudioGuardConfig
from ...core.guard.frame_features import FEATURE_COUNT
from ...core.guard.speech_evidence import EvidenceRule, SpeechEvidence
from ...core.levels import zero_crossing_ratio
from ...core.vad_manager import EnhancedVADManager
from ..guard_scenes import GuardScene
from ..scenarios.signals import FRAME_SAMPLES

_NO_SPEECH = -20.0
_CALL_ID = "scene"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRows:
    """One scene as the network sees it."""

    features: npt.NDArray[np.float16]
    """[shape=(rows, FEATURE_COUNT)]."""
    labels: npt.NDArray[np.int8]
    """[shape=(rows,)], as in ``guard_scenes.callers``."""
    frame_index: npt.NDArray[np.int32]
    """[shape=(rows,)]: which frame of the scene each row is."""


class _RowRecorder:
    """Stands in for the network, and keeps what it is told."""

    def __init__(self) -> None:
        self.rows: list[npt.NDArray[np.float16]] = []

    def process(self, features: npt.NDArray[np.float32]) -> float:
        """Keep a row."""
        self.rows.append(features.astype(np.float16))
        return _NO_SPEECH


def record_scene(scene: GuardScene, *, webrtc_aggressiveness: int = 3) -> GuardRows:
    """Run a scene through a guard and return the rows of its network.

    Args:
        scene: What is on the line.
        webrtc_aggressiveness: WebRTC VAD's mode, which an operator may choose.
    """
    recorder = _RowRecorder()
    guard = AudioGuard(AudioGuardConfig(), SpeechEvidence(recorder, EvidenceRule()))
    vad = EnhancedVADManager(webrtc_aggressiveness=webrtc_aggressiveness)
    asked: list[int] = []
    for index in range(len(scene.labels)):
        samples = scene.capture[index * FRAME_SAMPLES : (index + 1) * FRAME_SAMPLES]
        voice = vad.process(_CALL_ID, samples.tobytes())
        if not scene.is_asked[index]:
            guard.pass_slot()
            continue
        guard.process(voice.energy, zero_crossing_ratio(samples), voice, samples)
        if len(recorder.rows) > len(asked):
            asked.append(index)
    frame_index = np.asarray(asked, np.int32)
    return GuardRows(
        features=np.asarray(recorder.rows, np.float16).reshape(-1, FEATURE_COUNT),
        labels=scene.labels[frame_index],
        frame_index=frame_index,
    )
