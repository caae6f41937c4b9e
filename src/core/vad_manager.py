"""Voice activity: WebRTC VAD per frame, smoothed over several, with the frame's level beside it.

Invariant: each call has a detector of its own, since WebRTC VAD adapts to what it hears; nothing
that one call says changes the verdict on another.
"""

from __future__ import annotations

__all__ = ["EnhancedVADManager", "VADResult"]

from dataclasses import dataclass, replace

import numpy as np
import webrtcvad

from .audio import FRAME_MS
from .config import VadConfig
from .levels import rms
from .unfrozen import unfrozen

_RATE_HZ = 8000
_FRAME_BYTES = 2 * _RATE_HZ * FRAME_MS // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class VADResult:
    """Voice activity of one 20 ms frame."""

    is_speech: bool
    """Confidence and level both reach their thresholds."""
    confidence: float
    """Share of the last ``smoothing_frames`` frames that WebRTC VAD called speech, 0..1."""
    energy: float
    """RMS of the frame in int16 units."""
    webrtc_result: bool
    """WebRTC VAD's own word on this frame, unsmoothed."""


_UnfrozenResult = unfrozen(VADResult)


class _CallDetector:
    """One call's WebRTC VAD and the last verdicts, one bit each."""

    __slots__ = ("recent_bits", "vad")

    def __init__(self, aggressiveness: int) -> None:
        self.vad = webrtcvad.Vad(aggressiveness)
        self.recent_bits = 0


class EnhancedVADManager:
    """Voice activity of many calls, one detector each.

    Args:
        config: Thresholds and smoothing; the defaults of :class:`VadConfig` if left out.
        **overrides: Single fields of :class:`VadConfig` by name, such as
            ``webrtc_aggressiveness=2``.

    Raises:
        ValueError: a threshold is out of its range.
        TypeError: there is no such field.
    """

    def __init__(self, config: VadConfig | None = None, **overrides: float) -> None:
        self.config = replace(config or VadConfig(), **overrides)  # type: ignore[arg-type]
        """The thresholds in force, those that were given one by one included."""
        self._window_mask = (1 << self.config.smoothing_frames) - 1
        self._detectors: dict[str, _CallDetector] = {}

    def __len__(self) -> int:
        """Return the number of calls that hold a detector."""
        return len(self._detectors)

    def __bool__(self) -> bool:
        """Return True: a manager without a call is a manager."""
        return True

    def reconfigure(self, config: VadConfig) -> None:
        """Judge by other thresholds from the next frame on; what was heard of each call stays."""
        self.config = config
        self._window_mask = (1 << config.smoothing_frames) - 1
        for detector in self._detectors.values():
            detector.vad.set_mode(config.webrtc_aggressiveness)

    def process(self, call_id: str, frame: bytes, *, energy: float | None = None) -> VADResult:
        """Judge one frame; the first frame of a call makes its detector.

        Args:
            call_id: Whose detector to use.
            frame: int16 little-endian PCM, 160 samples at 8 kHz.
            energy: RMS of the frame in int16 units, if already known.

        Raises:
            ValueError: the frame is not 320 bytes long.
        """
        if len(frame) != _FRAME_BYTES:
            raise ValueError(f"frame: {len(frame)} bytes are not {_FRAME_BYTES} (20 ms at 8 kHz)")
        detector = self._detectors.get(call_id)
        if detector is None:
            detector = self._detectors[call_id] = _CallDetector(self.config.webrtc_aggressiveness)
        if energy is None:
            energy = rms(np.frombuffer(frame, dtype="<i2"))
        is_active = detector.vad.is_speech(frame, _RATE_HZ)
        detector.recent_bits = (detector.recent_bits << 1 | is_active) & self._window_mask
        confidence = detector.recent_bits.bit_count() / self.config.smoothing_frames
        made = _UnfrozenResult()
        made.is_speech = (
            confidence >= self.config.confidence_threshold
            and energy >= self.config.energy_threshold
        )
        made.confidence = confidence
        made.energy = energy
        made.webrtc_result = is_active
        made.__class__ = VADResult
        result: VADResult = made
        return result

    def pass_slot(self, call_id: str) -> None:
        """Let 20 ms pass without a frame: what was heard before a hole is no voice after it."""
        detector = self._detectors.get(call_id)
        if detector is not None:
            detector.recent_bits = detector.recent_bits << 1 & self._window_mask

    def cleanup_call(self, call_id: str) -> None:
        """Forget a call; unknown ids are no error."""
        self._detectors.pop(call_id, None)
