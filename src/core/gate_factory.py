"""Makes the gate of one call, with all its detectors, from a policy and a configuration.

Invariant: what takes long to load is loaded by :meth:`GateFactory.prepare`, not when a call waits.
"""

from __future__ import annotations

__all__ = ["GateFactory"]

from collections.abc import Callable
from functools import partial

from .audio import AudioFormat
from .audio_guard import AudioGuard
from .capture_analyzer import CaptureAnalyzer
from .config import (
    AudioGuardConfig,
    GatingConfig,
    GatingMode,
    ProviderGatingPolicy,
    SpeechEvidenceKind,
)
from .echo.echo_aware import packaged_near_end
from .echo.kalman_filter import FilterScratch
from .echo.near_end import NearEndDetector, NullNearEndDetector
from .gating_state import GatingState
from .guard.speech_evidence import evidence_in_force, packaged_speech_evidence
from .vad_manager import EnhancedVADManager


class GateFactory:
    """Makes gates.

    Args:
        vad_manager: Voice activity of all calls.
        near_end_factory: Makes the echo-aware detector of one call; None: that of the package.
        audio_guard_enabled: Whether there is a guard at all.
    """

    def __init__(
        self,
        vad_manager: EnhancedVADManager,
        *,
        near_end_factory: Callable[[], NearEndDetector] | None,
        audio_guard_enabled: bool,
    ) -> None:
        self._vad_manager = vad_manager
        # One scratch for all calls: a manager's calls are judged one after the other.
        self._near_end_factory = near_end_factory or partial(packaged_near_end, FilterScratch())
        self._audio_guard_enabled = audio_guard_enabled

    def prepare(self, config: GatingConfig) -> SpeechEvidenceKind | None:
        """Load what guards calls by a configuration.

        Returns:
            Which networks tell speech by its sound; None where no call is guarded.
        """
        is_gated = any(policy.gating_enabled for policy in config.providers.values())
        if not self._audio_guard_enabled or not is_gated:
            return None
        return evidence_in_force(config.audio_guard.speech_evidence)

    def make(
        self,
        call_id: str,
        *,
        policy: ProviderGatingPolicy,
        config: GatingConfig,
        now_ms: float,
        capture_format: AudioFormat,
        far_end_format: AudioFormat | None,
    ) -> GatingState:
        """Return the gate of a call that begins now.

        Args:
            call_id: Names the call's voice detector.
            policy: That of the call's provider.
            config: Everything else that the gate can be told.
            now_ms: Now, as in all inputs of the gate.
            capture_format: Format of the captured chunks.
            far_end_format: Format of the far-end frames; None: that of the capture.
        """
        is_echo_aware = policy.mode is GatingMode.ECHO_AWARE
        analyzer = CaptureAnalyzer(
            call_id,
            policy=policy,
            vad_manager=self._vad_manager,
            near_end=self._near_end_factory() if is_echo_aware else NullNearEndDetector(),
            capture_format=capture_format,
            far_end_format=far_end_format or capture_format,
        )
        return GatingState(
            analyzer=analyzer,
            policy=policy,
            config=config,
            capture_format=capture_format,
            start_ms=now_ms,
            guard=self._make_guard(config.audio_guard),
        )

    def _make_guard(self, config: AudioGuardConfig) -> AudioGuard | None:
        if not self._audio_guard_enabled:
            return None
        evidence = packaged_speech_evidence(
            sensitivity=config.sensitivity, kind=config.speech_evidence
        )
        return AudioGuard(config, evidence)
