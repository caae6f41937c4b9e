"""A line run through the gate with an eye on its guard: what it measured and made of each frame.

The guard is watched from outside: the classes of the audio path know nothing of it and do no work
for it. Invariant: a watched guard gives the verdicts of one that is not.
"""

from __future__ import annotations

__all__ = ["EvidenceFactory", "WatchedFrame", "evidence_rule", "make_evidence", "watch_line"]

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...core.audio import AudioFormat
from ...core.audio_guard import AudioGuard, GuardVerdict
from ...core.capture_analyzer import CaptureAnalyzer
from ...core.config import AudioGuardConfig, GatingConfig, GatingMode, ProviderGatingPolicy
from ...core.echo.near_end import NullNearEndDetector
from ...core.g711 import encode
from ...core.gating_state import GatingState
from ...core.guard.speech_evidence import EvidenceRule, SpeechEvidence, packaged_speech_evidence
from ...core.vad_manager import EnhancedVADManager, VADResult

_PCM16_8K = AudioFormat()
_CALL_ID = "watched"

EvidenceFactory = Callable[[AudioGuardConfig], SpeechEvidence | None]
"""Makes the evidence of one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFrame:
    """What the guard measured and made of one 20 ms frame."""

    verdict: GuardVerdict
    level: float
    """RMS in int16 units."""
    noise_floor: float
    """After the frame, RMS in int16 units."""
    effective_threshold: float
    """Level from which the next frame is loud, RMS in int16 units."""
    music_mode: bool
    logit: float | None
    """Log odds of speech; None if the network was not asked."""
    evidence_sum: float | None
    """What the log odds have added up to, after the frame; None without a network."""
    released_frames: int = 0
    """Held frames that went out before it; known where one frame comes at a time."""


def make_evidence(config: AudioGuardConfig) -> SpeechEvidence | None:
    """Return the evidence that a call has by default."""
    return packaged_speech_evidence(sensitivity=config.sensitivity, kind=config.speech_evidence)


def evidence_rule(config: AudioGuardConfig) -> EvidenceRule:
    """Return what makes speech of the log odds of a call's evidence."""
    evidence = make_evidence(config)
    return EvidenceRule() if evidence is None else evidence._rule  # noqa: SLF001 - watched


def watch_line(
    samples: npt.NDArray[np.int16],
    config: GatingConfig,
    *,
    line_format: AudioFormat = _PCM16_8K,
    chunk_samples: int | None = None,
    make_evidence: EvidenceFactory = make_evidence,
) -> list[WatchedFrame]:
    """Run a line on which the agent is silent through the gate.

    Args:
        samples: int16 [shape=(n,), mono] at the rate of the format; a rest below 20 ms waits for
            ever.
        config: Of gate, guard and voice activity detection.
        line_format: In which the line delivers.
        chunk_samples: How much it delivers at a time, up to 1 s; 20 ms if left out.
        make_evidence: Makes the guard's evidence of speech.
    """
    guard = _WatchedGuard(config.audio_guard, make_evidence(config.audio_guard))
    gate = _make_gate(config, guard, line_format)
    step_samples = chunk_samples or line_format.frame_samples
    for start in range(0, len(samples), step_samples):
        chunk = samples[start : start + step_samples]
        end_ms = (start + len(chunk)) * 1000 / line_format.rate_hz
        gate.advance(end_ms)
        n_before = len(guard.frames)
        decision = gate.process(encode(chunk, line_format), end_ms)
        if decision.released and len(guard.frames) == n_before + 1:
            released = len(decision.released)
            guard.frames[-1] = replace(guard.frames[-1], released_frames=released)
    return guard.frames


def _make_gate(config: GatingConfig, guard: AudioGuard, line_format: AudioFormat) -> GatingState:
    """Return the gate of a call whose agent is never heard, so that no far end has to be told."""
    policy = replace(_policy_of(config), gating_enabled=True, mode=GatingMode.VAD)
    return GatingState(
        analyzer=CaptureAnalyzer(
            _CALL_ID,
            policy=policy,
            vad_manager=EnhancedVADManager(config.vad),
            near_end=NullNearEndDetector(),
            capture_format=line_format,
            far_end_format=line_format,
        ),
        policy=policy,
        config=config,
        capture_format=line_format,
        start_ms=0.0,
        guard=guard,
    )


def _policy_of(config: GatingConfig) -> ProviderGatingPolicy:
    gated = (policy for policy in config.providers.values() if policy.gating_enabled)
    return next(gated, ProviderGatingPolicy(gating_enabled=True))


class _WatchedGuard(AudioGuard):
    """A guard that keeps what it made of every frame."""

    __slots__ = ("frames",)

    def __init__(self, config: AudioGuardConfig, evidence: SpeechEvidence | None) -> None:
        super().__init__(config, evidence)
        self.frames: list[WatchedFrame] = []

    def process(
        self,
        level: float,
        zcr_ratio: float,
        voice: VADResult | None,
        samples: npt.NDArray[np.int16] | None = None,
    ) -> GuardVerdict:
        """Judge a frame as any guard does, and keep what came of it."""
        verdict = super().process(level, zcr_ratio, voice, samples)
        evidence = self._evidence
        self.frames.append(
            WatchedFrame(
                verdict=verdict,
                level=level,
                noise_floor=self.noise_floor,
                effective_threshold=self.effective_threshold,
                music_mode=self.music_mode,
                logit=None if evidence is None else evidence.logit,
                evidence_sum=None if evidence is None else evidence._sum,  # noqa: SLF001 - watched
            )
        )
        return verdict
