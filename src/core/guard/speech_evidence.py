"""Evidence of speech, frame by frame: features, the network's log odds, and what they add up to.

Invariant: the network's word never comes back into what it is told, so that rows for training can
be recorded without one.
"""

from __future__ import annotations

__all__ = [
    "EvidenceRule",
    "SpeechEvidence",
    "SpeechNetwork",
    "packaged_speech_evidence",
    "packaged_speech_weights",
]

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..echo.recurrent_network import NetworkWeights, RecurrentNetwork
from .frame_features import FEATURE_COUNT, FrameFeatures
from .tones import detect_tone

_SENSITIVITY_LOGITS = 4.0
"""Log odds between sensitivity 0 and 1; at 0.5 the rule is the one tuned."""
_TONAL_CONCENTRATION = 0.12
"""Concentration from which a frame can be a tone: half of that of two lines of equal power."""


class SpeechNetwork(Protocol):
    """What gives the log odds of a row."""

    def process(self, features: npt.NDArray[np.float32]) -> float:
        """Return the log odds of speech for one row, float32 [shape=(FEATURE_COUNT,)]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRule:
    """How log odds of frames become a verdict: a leaky sum begins speech, single frames go on."""

    drift: float = -1.5
    """Log odds at which a frame speaks neither for speech nor against it; below 0, as training made
    false alarms costlier than misses."""
    limit: float = 2.0
    """Most that one frame can add or take: below ``begin``, so that it takes two."""
    decay: float = 0.8
    """Share of the sum that is left a frame later."""
    begin: float = 2.5
    """Sum from which speech begins."""
    stay: float = -2.0
    """Log odds from which a frame, shortly after speech, is speech."""


class SpeechEvidence:
    """The evidence of one call.

    Args:
        network: Gives the log odds; it has a state of this call's own.
        rule: What makes speech of them.
    """

    __slots__ = ("_features", "_network", "_rule", "_sum", "is_tone", "logit")

    def __init__(self, network: SpeechNetwork, rule: EvidenceRule) -> None:
        self._features = FrameFeatures()
        self._network = network
        self._rule = rule
        self._sum = 0.0
        self.logit: float | None = None
        """Log odds of the last frame; None if the network was not asked."""
        self.is_tone = False
        """The last frame was a tone of the network."""

    def process(
        self,
        samples: npt.NDArray[np.int16],
        level: float,
        *,
        zcr_ratio: float,
        is_voice: bool,
        noise_floor: float,
        is_in_turn: bool,
    ) -> bool:
        """Return whether a frame is speech.

        Args:
            samples: int16 [shape=(160,), mono, 8 kHz].
            level: RMS of the frame in int16 units.
            zcr_ratio: Zero crossings per sample, 0..1.
            is_voice: What WebRTC VAD says of the frame.
            noise_floor: The line's noise, RMS in int16 units.
            is_in_turn: Speech was heard shortly before.
        """
        reading = self._features.describe(
            samples, level, zcr_ratio=zcr_ratio, is_voice=is_voice, noise_floor=noise_floor
        )
        self.logit = logit = self._network.process(reading.row)
        self.is_tone = (
            reading.concentration >= _TONAL_CONCENTRATION and detect_tone(reading.power) is not None
        )
        if self.is_tone:
            self._sum = 0.0
            return False
        rule = self._rule
        self._sum = max(
            0.0,
            rule.decay * self._sum + min(max(logit - rule.drift, -rule.limit), rule.limit),
        )
        return self._sum >= rule.begin or (is_in_turn and logit >= rule.stay)

    def skip(self, samples: npt.NDArray[np.int16] | None = None) -> None:
        """Let 20 ms pass that are settled without the network.

        Args:
            samples: The frame; None if there was none.
        """
        self._features.skip(samples)
        self._sum *= self._rule.decay
        self.logit = None
        self.is_tone = False


@cache
def packaged_speech_weights() -> NetworkWeights:
    """Return the weights that come with this package; read once.

    Raises:
        ValueError: The package was built without them, or they are of other features.
    """
    weights = NetworkWeights.load(files(__package__) / "weights.npz")
    if weights.inputs != FEATURE_COUNT:
        raise ValueError(f"guard weights take {weights.inputs} inputs, not {FEATURE_COUNT}")
    return weights


def packaged_speech_evidence(*, sensitivity: float = 0.5) -> SpeechEvidence | None:
    """Return evidence for one call by the weights of this package; None if it has none.

    Args:
        sensitivity: How readily sound counts as speech, 0..1.
    """
    try:
        weights = packaged_speech_weights()
    except ValueError:
        return None
    tuned = EvidenceRule()
    shift = _SENSITIVITY_LOGITS * (0.5 - sensitivity)
    rule = replace(tuned, drift=tuned.drift + shift, stay=tuned.stay + shift)
    return SpeechEvidence(RecurrentNetwork(weights), rule)
