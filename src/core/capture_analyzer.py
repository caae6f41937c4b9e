"""What is measured on one 20 ms of capture, and whether it speaks for the caller over the agent.

Invariant: a detector that raises costs its own verdict only. It is dropped for the rest of the call
and the next simpler mode takes over: the far-end reference, then voice activity and level, then
half duplex.
"""

from __future__ import annotations

__all__ = ["CaptureAnalysis", "CaptureAnalyzer"]

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from . import g711
from .audio import AudioFormat
from .config import ForwardedAudio, GatingMode, ProviderGatingPolicy
from .echo.barge_in_decision import DecisionThresholds
from .echo.near_end import NearEndDetector, NearEndVerdict, NullNearEndDetector
from .forwarded_audio import EchoCanceller, EchoSubtractor
from .gate_decision import GateMeasurements
from .levels import rms, zero_crossing_ratio
from .resample import Resampler
from .unfrozen import unfrozen
from .vad_manager import EnhancedVADManager, VADResult

_DETECTOR_RATE_HZ = 8000
_SENSITIVITY_LOGITS = 4.0
"""Log odds between sensitivity 0 and 1; at the default of 0.5 the thresholds are those tuned."""
_AUDIBLE_ERL_DB = 30.0
"""Echo return loss beyond which echo lies under the noise of a line, and its delay is chance."""
_ECHO_LOGIT = -5.5
"""Log odds below which a held frame is echo for sure, and not the first breath of an onset."""


_UnfrozenMeasurements = unfrozen(GateMeasurements)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureAnalysis:
    """What was measured on 20 ms of capture."""

    audio: bytes
    """What the provider gets of the frame, should it go out: the very frame, or without echo."""
    level: float
    """RMS in int16 units."""
    zcr_ratio: float
    """Zero crossings per sample, 0..1; 0 where a reference tells."""
    voice: VADResult | None
    """Voice activity; None where a reference tells, or its detector has raised."""
    near_end: NearEndVerdict | None
    """The echo-aware verdict, where there is one."""
    is_caller: bool
    """The frame speaks for the caller, should the agent be audible."""
    samples: npt.NDArray[np.int16] | None = None
    """The frame at 8 kHz, int16 [shape=(160,), mono]; None where only measurements are known."""

    @property
    def is_unjudged(self) -> bool:
        """Whether nobody judged the frame: the line lost it (all of it is zero), or it waits."""
        if self.near_end is None:
            return self.level == 0.0
        return self.near_end.is_pending

    @property
    def is_echo(self) -> bool | None:
        """Whether the frame is more likely the agent's echo; None where no reference tells."""
        return None if self.logit is None else self.logit < _ECHO_LOGIT

    @property
    def logit(self) -> float | None:
        """Log odds that the caller speaks; None where no reference tells."""
        if self.near_end is None or self.near_end.is_pending:
            return None
        return self.near_end.logit

    @property
    def echo_delay_ms(self) -> float | None:
        """Echo path delay; None while it is unknown, or there is no echo worth the name."""
        verdict = self.near_end
        if verdict is None or verdict.erl_db is None or verdict.erl_db > _AUDIBLE_ERL_DB:
            return None
        return verdict.echo_delay_ms

    def measurements(
        self,
        *,
        noise_floor: float,
        evidence_ms: float,
        evidence_span_ms: float = 0.0,
        agent_audible: bool = False,
        speech_logit: float | None = None,
    ) -> GateMeasurements:
        """Return what a decision carries of this.

        Args:
            noise_floor: The guard's, RMS in int16 units; 0 without a guard.
            evidence_ms: Evidence of the caller over the agent, this frame included.
            evidence_span_ms: Since the first frame of that evidence.
            agent_audible: Whether the agent, or its echo, was.
            speech_logit: Of the guard's networks; None where they were not asked.
        """
        near_end = self.near_end
        made = _UnfrozenMeasurements()
        made.capture_rms = self.level
        made.zcr_ratio = self.zcr_ratio
        made.vad_confidence = 0.0 if self.voice is None else self.voice.confidence
        made.noise_floor = noise_floor
        made.near_end_logit = self.logit
        made.evidence_ms = evidence_ms
        made.evidence_span_ms = evidence_span_ms
        made.agent_audible = agent_audible
        made.speech_logit = speech_logit
        made.near_end_dbfs = None if near_end is None else near_end.near_end_dbfs
        made.echo_delay_ms = None if near_end is None else near_end.echo_delay_ms
        made.erl_db = None if near_end is None else near_end.erl_db
        made.erle_db = None if near_end is None else near_end.erle_db
        made.attenuation_db = 0.0
        made.__class__ = GateMeasurements
        measurements: GateMeasurements = made
        return measurements


_UnfrozenAnalysis = unfrozen(CaptureAnalysis)


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

    __slots__ = (
        "_call_id",
        "_canceller",
        "_capture_format",
        "_capture_resampler",
        "_far_end_format",
        "_far_end_resampler",
        "_near_end",
        "_policy",
        "_subtractor",
        "_vad",
        "degradations",
        "mode",
        "thresholds",
    )

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
        """The mode in force; simpler than the policy's without a detector for it."""
        self.degradations = 0
        """Detectors that raised so far."""
        self._call_id = call_id
        self._policy = policy
        self.thresholds = _thresholds(policy.sensitivity)
        """Of the sequential test on the echo-aware verdicts."""
        self._vad: EnhancedVADManager | None = vad_manager
        self._near_end: NearEndDetector | None = None
        if policy.mode is GatingMode.ECHO_AWARE:
            if isinstance(near_end, NullNearEndDetector):
                self.mode = GatingMode.VAD
            else:
                self._near_end = near_end
        self._canceller: EchoCanceller | None = None
        self._subtractor: EchoSubtractor | None = None
        is_cancelled = policy.forwarded_audio is ForwardedAudio.ECHO_CANCELLED
        if is_cancelled and self._near_end is not None and isinstance(near_end, EchoCanceller):
            self._canceller = near_end
            self._subtractor = EchoSubtractor(capture_format)
        self._capture_format = capture_format
        self._far_end_format = far_end_format
        self._capture_resampler = _resampler(capture_format)
        self._far_end_resampler = _resampler(far_end_format)

    def reconfigure(self, policy: ProviderGatingPolicy) -> None:
        """Judge by a policy's thresholds from the next frame on; its mode is not changed to."""
        self._policy = policy
        self.thresholds = _thresholds(policy.sensitivity)

    def receive_far_end(self, frame: bytes, now_ms: float) -> bool:
        """Take one slot of what the line plays to the caller; return False if it was not 20 ms.

        The slot is there all the same: what is too long is cut, what is missing is silence.
        """
        is_whole = len(frame) == self._far_end_format.frame_bytes
        if self._near_end is None:
            return is_whole
        if not is_whole:
            frame = _fit_to_slot(frame, self._far_end_format)
        try:
            far_end = _to_detector_rate(frame, self._far_end_format, self._far_end_resampler)
            self._near_end.receive_far_end(far_end, now_ms)
        except Exception:  # noqa: BLE001 - any detector may stand here, and the call goes on
            self._lose_near_end()
        return is_whole

    def analyze(self, frame: bytes, now_ms: float, *, agent_audible: bool) -> CaptureAnalysis:
        """Measure one captured frame of 20 ms.

        Args:
            frame: In the capture's format.
            now_ms: When it was captured.
            agent_audible: The agent is audible, or paused by us for the caller's sake.
        """
        samples = _to_detector_rate(frame, self._capture_format, self._capture_resampler)
        level = rms(samples)
        near_end = self._judge_near_end(samples, now_ms, agent_audible=agent_audible)
        voice = None
        if near_end is None:
            voice = self._judge_voice(samples, level)
        else:
            self._pass_voice()
        made = _UnfrozenAnalysis()
        made.audio = self._without_echo(frame, samples)
        made.level = level
        made.zcr_ratio = zero_crossing_ratio(samples) if near_end is None else 0.0
        made.voice = voice
        made.near_end = near_end
        made.is_caller = self._is_caller(voice, near_end)
        made.samples = samples
        made.__class__ = CaptureAnalysis
        analysis: CaptureAnalysis = made
        return analysis

    def pass_slot(self, *, agent_audible: bool) -> None:
        """Let 20 ms pass without a captured frame."""
        self._pass_voice()
        if self._near_end is not None:
            try:
                self._near_end.pass_slot(agent_audible=agent_audible)
            except Exception:  # noqa: BLE001 - as below
                self._lose_near_end()

    def _judge_voice(self, samples: npt.NDArray[np.int16], level: float) -> VADResult | None:
        if self._vad is None:
            return None
        try:
            return self._vad.process(self._call_id, samples.tobytes(), energy=level)
        except Exception:  # noqa: BLE001 - as above
            self._vad = None
            self.degradations += 1
            if self.mode is GatingMode.VAD:
                self.mode = GatingMode.HALF_DUPLEX
            return None

    def _pass_voice(self) -> None:
        """Let 20 ms pass for the voice detector: where a reference tells, nobody asks it."""
        if self._vad is not None:
            self._vad.pass_slot(self._call_id)

    def _judge_near_end(
        self, samples: npt.NDArray[np.int16], now_ms: float, *, agent_audible: bool
    ) -> NearEndVerdict | None:
        if self._near_end is None:
            return None
        try:
            return self._near_end.process(samples, now_ms, agent_audible=agent_audible)
        except Exception:  # noqa: BLE001 - as above
            self._lose_near_end()
            return None

    def _without_echo(self, frame: bytes, samples: npt.NDArray[np.int16]) -> bytes:
        """Return what goes to the provider of a frame that was just judged, should it go out."""
        if self._subtractor is None:
            return frame
        residual = None if self._canceller is None else self._canceller.residual
        return self._subtractor.process(frame, samples, residual)

    def _lose_near_end(self) -> None:
        self._near_end = self._canceller = None
        self.degradations += 1
        self.mode = GatingMode.HALF_DUPLEX if self._vad is None else GatingMode.VAD

    def _is_caller(self, voice: VADResult | None, near_end: NearEndVerdict | None) -> bool:
        if near_end is not None:
            is_judged = not near_end.is_pending
            return is_judged and near_end.logit >= self.thresholds.candidate_drift
        if voice is None or self.mode is GatingMode.HALF_DUPLEX:
            return False
        return (
            voice.confidence >= self._policy.vad_threshold
            and voice.energy >= self._policy.energy_threshold
        )


def _thresholds(sensitivity: float) -> DecisionThresholds:
    tuned = DecisionThresholds()
    shift = _SENSITIVITY_LOGITS * (0.5 - sensitivity)
    return replace(
        tuned,
        candidate_drift=tuned.candidate_drift + shift,
        commit_drift=tuned.commit_drift + shift,
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


def _fit_to_slot(frame: bytes, audio_format: AudioFormat) -> bytes:
    """Return exactly 20 ms: cut, or filled up with silence."""
    whole_bytes = len(frame) - len(frame) % audio_format.sample_bytes
    fitting = frame[: min(whole_bytes, audio_format.frame_bytes)]
    return fitting + audio_format.silence(audio_format.frame_bytes - len(fitting))
