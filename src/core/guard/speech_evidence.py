"""Evidence of speech, frame by frame: features, the networks' log odds, and what they add up to.

Two networks can give a word on a frame: the small one of this package, on features, and Silero's,
on samples. Invariant: a network's word never comes back into what it is told, so that rows for
training can be recorded without one.
"""

from __future__ import annotations

__all__ = [
    "AverageNetwork",
    "EvidenceBlend",
    "EvidenceRule",
    "SampleNetwork",
    "SpeechEvidence",
    "SpeechNetwork",
    "evidence_in_force",
    "packaged_speech_evidence",
    "packaged_speech_weights",
]

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from ..config import SpeechEvidenceKind
from ..echo.recurrent_network import NetworkWeights
from .frame_features import FEATURE_COUNT, FrameFeatures
from .joint_networks import JointNetworks, JointWeights
from .silero import SileroDetector, packaged_silero_network
from .tones import detect_tone

_SENSITIVITY_LOGITS = 4.0
"""Log odds between sensitivity 0 and 1; at 0.5 the rule is the one tuned."""
_WEIGHTS: Final = ("weights_1.npz", "weights_2.npz")
_TONAL_CONCENTRATION = 0.12
"""Concentration from which a frame can be a tone: half of that of two lines of equal power."""


class SpeechNetwork(Protocol):
    """What gives the log odds of a row."""

    def process(self, features: npt.NDArray[np.float32]) -> float:
        """Return the log odds of speech for one row, float32 [shape=(FEATURE_COUNT,)]."""
        ...


class SampleNetwork(Protocol):
    """What gives the log odds of the samples themselves."""

    def process(self, samples: npt.NDArray[np.int16]) -> float:
        """Return the log odds of speech for one frame, int16 [shape=(160,), mono, 8 kHz]."""
        ...

    def skip(self, samples: npt.NDArray[np.int16] | None = None) -> None:
        """Let 20 ms pass unjudged; None if there was no frame."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRule:
    """How log odds of frames become a verdict: a leaky sum begins speech, single frames go on."""

    drift: float = -1.8
    """Log odds at which a frame speaks neither for speech nor against it; below 0, as training made
    false alarms costlier than misses."""
    limit: float = 2.0
    """Most that one frame can add or take: below ``begin``, so that it takes two."""
    decay: float = 0.8
    """Share of the sum that is left a frame later."""
    begin: float = 2.8
    """Sum from which speech begins."""
    stay: float = -1.0
    """Log odds from which a frame, shortly after speech, is speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBlend:
    """How the words of both networks become one."""

    light: float
    """Weight of the small network's log odds; 0: it is not asked."""
    sampled: float
    """Weight of the log odds of the network on samples."""
    rule: EvidenceRule
    """What makes speech of their sum, in place of the rule for the small network alone."""


class SpeechEvidence:
    """The evidence of one call.

    Args:
        network: Gives the log odds; it has a state of this call's own.
        rule: What makes speech of them.
        sampled: Gives log odds too, from the samples, and has a state of this call's own. If it
            raises, it is given up for the rest of the call: ``network`` and ``rule`` serve alone.
        blend: What becomes of both.
        sensitivity: How readily sound counts as speech, 0..1; at 0.5 the rules are as given.

    Raises:
        ValueError: There is one of ``sampled`` and ``blend`` without the other.
    """

    __slots__ = (
        "_blend",
        "_features",
        "_light_rule",
        "_network",
        "_rule",
        "_sampled",
        "_sensitivity",
        "_sum",
        "_tuned_rule",
        "degradations",
        "is_tone",
        "logit",
    )

    def __init__(
        self,
        network: SpeechNetwork,
        rule: EvidenceRule,
        *,
        sampled: SampleNetwork | None = None,
        blend: EvidenceBlend | None = None,
        sensitivity: float = 0.5,
    ) -> None:
        if (sampled is None) != (blend is None):
            raise ValueError("sampled and blend: one is nothing without the other")
        self._features = FrameFeatures()
        self._network = network
        self._sampled = sampled
        self._blend = blend
        self._light_rule = rule
        self._tuned_rule = rule if blend is None else blend.rule
        self._sensitivity = sensitivity
        self._rule = _shifted(self._tuned_rule, sensitivity)
        self._sum = 0.0
        self.degradations = 0
        """Networks that raised and are not used any more."""
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
        self.logit = logit = self._judge(reading.row, samples)
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
        if self._sampled is not None:
            self._sampled.skip(samples)
        self._sum *= self._rule.decay
        self.logit = None
        self.is_tone = False

    def set_sensitivity(self, sensitivity: float) -> None:
        """Take more or less for speech from the next frame on; what was heard stays.

        Args:
            sensitivity: 0..1, as at construction.
        """
        self._sensitivity = sensitivity
        self._rule = _shifted(self._tuned_rule, sensitivity)

    def _judge(self, row: npt.NDArray[np.float32], samples: npt.NDArray[np.int16]) -> float:
        """Return the log odds of one frame: of the small network, or of both."""
        blend = self._blend
        if blend is None or self._sampled is None:
            return self._network.process(row)
        try:
            sampled = self._sampled.process(samples)
        except Exception:  # noqa: BLE001 - a library may raise what it likes, and the call goes on
            self._lose_sampled()
            return self._network.process(row)
        if blend.light == 0.0:
            return blend.sampled * sampled
        return blend.light * self._network.process(row) + blend.sampled * sampled

    def _lose_sampled(self) -> None:
        self._sampled = self._blend = None
        self._tuned_rule = self._light_rule
        self._rule = _shifted(self._light_rule, self._sensitivity)
        self._sum = 0.0
        self.degradations += 1


class AverageNetwork:
    """Networks of any kind whose log odds are averaged; see :class:`.JointNetworks`.

    Args:
        networks: One and more; each has a state of this call's own.
    """

    __slots__ = ("_networks",)

    def __init__(self, networks: Sequence[SpeechNetwork]) -> None:
        self._networks = tuple(networks)

    def process(self, features: npt.NDArray[np.float32]) -> float:
        """Return the log odds of speech for one row, float32 [shape=(FEATURE_COUNT,)]."""
        return sum([network.process(features) for network in self._networks]) / len(self._networks)


@cache
def packaged_speech_weights() -> tuple[NetworkWeights, ...]:
    """Return the weights of the networks that come with this package; read once.

    Raises:
        ValueError: The package was built without them, or they are of other features.
    """
    networks = tuple(NetworkWeights.load(files(__package__) / name) for name in _WEIGHTS)
    for weights in networks:
        if weights.inputs != FEATURE_COUNT:
            raise ValueError(f"guard weights take {weights.inputs} inputs, not {FEATURE_COUNT}")
    return networks


@cache
def _joint_weights(networks: tuple[NetworkWeights, ...]) -> JointWeights:
    return JointWeights(networks)


def evidence_in_force(
    wanted: SpeechEvidenceKind = SpeechEvidenceKind.AUTO,
) -> SpeechEvidenceKind:
    """Return what serves where ``wanted`` is asked for: never ``auto``.

    Loads what it needs, once a process.
    """
    if wanted is SpeechEvidenceKind.LIGHT or packaged_silero_network() is None:
        return SpeechEvidenceKind.LIGHT
    return _BEST if wanted is SpeechEvidenceKind.AUTO else wanted


def packaged_speech_evidence(
    *, sensitivity: float = 0.5, kind: SpeechEvidenceKind = SpeechEvidenceKind.LIGHT
) -> SpeechEvidence | None:
    """Return evidence for one call by the networks of this package; None if it has no weights.

    Args:
        sensitivity: How readily sound counts as speech, 0..1.
        kind: Which networks; what can't be had is left out.
    """
    try:
        network = JointNetworks(_joint_weights(packaged_speech_weights()))
    except ValueError:
        return None
    rule = EvidenceRule()
    blend = _BLENDS.get(evidence_in_force(kind))
    silero = packaged_silero_network() if blend is not None else None
    if blend is None or silero is None:
        return SpeechEvidence(network, rule, sensitivity=sensitivity)
    return SpeechEvidence(
        network, rule, sampled=SileroDetector(silero), blend=blend, sensitivity=sensitivity
    )


def _shifted(rule: EvidenceRule, sensitivity: float) -> EvidenceRule:
    """Return a rule that takes more or less for speech; at 0.5 the very one."""
    shift = _SENSITIVITY_LOGITS * (0.5 - sensitivity)
    return replace(rule, drift=rule.drift + shift, stay=rule.stay + shift)


_BLENDS: Final = MappingProxyType(
    {
        SpeechEvidenceKind.SILERO: EvidenceBlend(
            light=0.0,
            sampled=1.0,
            rule=EvidenceRule(drift=-1.4, limit=2.0, decay=0.75, begin=2.5, stay=-2.2),
        ),
        SpeechEvidenceKind.JOINED: EvidenceBlend(
            light=0.6,
            sampled=0.4,
            rule=EvidenceRule(drift=-1.5, limit=2.0, decay=0.85, begin=3.0, stay=-2.0),
        ),
    }
)
"""Found on the bench's scenes of the tuning voices, songs and noises (ADR 7)."""
_BEST: Final = SpeechEvidenceKind.JOINED
"""What ``auto`` takes where all can be had: it measured best (ADR 7)."""
