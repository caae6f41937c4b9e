"""What is measured on one 20 ms of capture, and whether it speaks for the caller over the agent.

Invariant: a detector that raises costs its own verdict only. It is dropped for the rest of the call
and the next simpler mode takes over: the far-end reference, then voice activity and level, then
half duplex.
"""

from __future__ import annotations

__all__ = ["CaptureAnalysis", "CaptureAnalyzer"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import g711
from .audio import AudioFormat
from .config import GatingMode, ProviderGatingPolicy
from .echo.near_end import NearEndDetector, NearEndVerdict
from .levels import rms, zero_crossing_ratio
from .resample import Resampler
from .vad_manager import EnhancedVADManager, VADResult

_DETECTOR_RATE_HZ = 8000
_NO_VOICE = VADResult(is_speech=False, confidence=0.0, energy=0.0, webrtc_result=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureAnalysis:
    """What was measured on 20 ms of capture."""

    level: float
    """RMS in int16 units."""
    zcr_ratio: float
    """Zero crossings per sample, 0..1."""
    voice: VADResult
    near_end: NearEndVerdict | None
    """The echo-aware verdict, where there is one."""
    is_caller: bool
    """The frame speaks for the caller, should the agent be audible."""


class CaptureAnalyzer:
    """The detectors of one call.

    Args:
        call_id: Names the call's voice detector.
        policy: Mode and thresholds.
        vad_manager: Voice activity.
        near_end: The echo-aware detector of this call.
        capture_format: Format of the captured frames.
        far_end_format: Format of the far-end frames.
    """

    def __init__(
        self,
        call_id: str,
        *,
        policy: ProviderGatingPolicy,
        vad_manager: EnhancedVADManager,
        near_end: NearEndDetector,
        capture_format: AudioFormat,
        far_end_format: AudioFormat,
    ) -> None:
        self.mode = policy.mode
        """The mode in force; simpler than the policy's after a detector has raised."""
        self.degradations = 0
        """Detectors that raised so far."""
        self._call_id = call_id
        self._policy = policy
        self._vad: EnhancedVADManager | None = vad_manager
        self._near_end: NearEndDetector | None = near_end
        self._capture_format = capture_format
        self._far_end_format = far_end_format
        self._capture_resampler = _resampler(capture_format)
        self._far_end_resampler = _resampler(far_end_format)

    def receive_far_end(self, frame: bytes, now_ms: float) -> None:
        """Take one slot of what the line plays to the caller."""
        if self._near_end is None or self.mode is not GatingMode.ECHO_AWARE:
            return
        try:
            far_end = _to_detector_rate(frame, self._far_end_format, self._far_end_resampler)
            self._near_end.receive_far_end(far_end, now_ms)
        except Exception:  # noqa: BLE001 - any detector may stand here, and the call goes on
            self._near_end = None
            self._degrade()

    def analyze(self, frame: bytes, now_ms: float) -> CaptureAnalysis:
        """Measure one captured frame of 20 ms."""
        samples = _to_detector_rate(frame, self._capture_format, self._capture_resampler)
        level = rms(samples)
        voice = self._judge_voice(samples, level)
        near_end = self._judge_near_end(samples, now_ms)
        return CaptureAnalysis(
            level=level,
            zcr_ratio=zero_crossing_ratio(samples),
            voice=voice,
            near_end=near_end,
            is_caller=self._is_caller(voice),
        )

    def _judge_voice(self, samples: npt.NDArray[np.int16], level: float) -> VADResult:
        if self._vad is None:
            return _NO_VOICE
        try:
            return self._vad.process(self._call_id, samples.tobytes(), energy=level)
        except Exception:  # noqa: BLE001 - as above
            self._vad = None
            self._degrade()
            return _NO_VOICE

    def _judge_near_end(
        self, samples: npt.NDArray[np.int16], now_ms: float
    ) -> NearEndVerdict | None:
        if self._near_end is None or self.mode is not GatingMode.ECHO_AWARE:
            return None
        try:
            return self._near_end.process(samples, now_ms)
        except Exception:  # noqa: BLE001 - as above
            self._near_end = None
            self._degrade()
            return None

    def _degrade(self) -> None:
        """Fall back to the best mode that the detectors left can serve."""
        self.degradations += 1
        if self.mode is GatingMode.OFF:
            return
        if self._vad is None:
            self.mode = GatingMode.HALF_DUPLEX
        elif self.mode is GatingMode.ECHO_AWARE:
            self.mode = GatingMode.VAD

    def _is_caller(self, voice: VADResult) -> bool:
        if self.mode is GatingMode.HALF_DUPLEX:
            return False
        return (
            voice.confidence >= self._policy.vad_threshold
            and voice.energy >= self._policy.energy_threshold
        )


def _resampler(audio_format: AudioFormat) -> Resampler | None:
    if audio_format.rate_hz == _DETECTOR_RATE_HZ:
        return None
    return Resampler(audio_format.rate_hz, _DETECTOR_RATE_HZ)


def _to_detector_rate(
    frame: bytes, audio_format: AudioFormat, resampler: Resampler | None
) -> npt.NDArray[np.int16]:
    """Return the frame as int16 [shape=(160,), mono, 8 kHz]."""
    samples = g711.decode(frame, audio_format)
    return samples if resampler is None else resampler.process(samples)
