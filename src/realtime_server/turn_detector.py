"""``server_vad``: finds the caller's turns in the audio received, on the clock of that audio.

Wall time does not exist here. A client that sends nothing ends no turn, as with the real server;
one that sends faster than real time ends it sooner.

Invariant: the events depend on the samples alone, not on how they were cut into messages.
"""

from __future__ import annotations

__all__ = [
    "IdleTimeout",
    "SpeechStarted",
    "SpeechStopped",
    "TurnDetector",
    "TurnEvent",
    "TurnSettings",
    "settings_of",
]

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.audio import FRAME_MS
from .session_config import SemanticVad, ServerVad
from .speech_scorer import SCORED_RATE_HZ, FrameScorer, SpeechScorer

_FRAME_SAMPLES = SCORED_RATE_HZ * FRAME_MS // 1000
_WINDOW_FRAMES = 6
"""Frames that a decision averages: 120 ms, three of which must be surely speech by default."""
_VOICED_PROB = 0.5
"""Score from which a frame counts as part of the speech around it."""
_MAX_GAP_FRAMES = 2
"""Unvoiced frames that an onset bridges, such as the closure of a plosive."""
_MIN_THRESHOLD = 0.05

_SEMANTIC_SILENCE_MS = {"low": 1600, "medium": 900, "auto": 900, "high": 500}
"""What stands in for a model that knows whether a sentence is finished: a silence by eagerness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """What the detector needs of a ``turn_detection`` object."""

    threshold: float = 0.5
    """0..1; the share of surely spoken frames in 120 ms that starts a turn."""
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None


def settings_of(turn_detection: ServerVad | SemanticVad) -> TurnSettings:
    """Return the settings that a ``turn_detection`` object asks for."""
    if isinstance(turn_detection, SemanticVad):
        return TurnSettings(silence_duration_ms=_SEMANTIC_SILENCE_MS[turn_detection.eagerness])
    return TurnSettings(
        threshold=turn_detection.threshold,
        prefix_padding_ms=turn_detection.prefix_padding_ms,
        silence_duration_ms=turn_detection.silence_duration_ms,
        idle_timeout_ms=turn_detection.idle_timeout_ms,
    )


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A turn began."""

    audio_start_ms: float
    """Onset of the speech less the prefix padding."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The turn ended."""

    audio_end_ms: float
    """End of the silence that ended it."""


@dataclass(frozen=True, slots=True)
class IdleTimeout:
    """Nobody spoke for the idle timeout after the last answer was played."""

    audio_start_ms: float
    audio_end_ms: float


TurnEvent = SpeechStarted | SpeechStopped | IdleTimeout


class TurnDetector:
    """Finds turns in one stream at 8 kHz.

    Args:
        settings: What starts and ends a turn; may be replaced at any time.
        start_ms: Time of the first sample on the audio clock.
        scorer: Says how much a frame sounds like speech; a :class:`SpeechScorer` if left out.
    """

    def __init__(
        self,
        settings: TurnSettings,
        *,
        start_ms: float = 0.0,
        scorer: FrameScorer | None = None,
    ) -> None:
        self.settings = settings
        self._origin_ms = start_ms
        self._n_frames = 0
        self._scorer: FrameScorer = SpeechScorer() if scorer is None else scorer
        self._pending = np.zeros(0, np.int16)
        self._idle_from_ms: float | None = None
        self._window: deque[float] = deque(maxlen=_WINDOW_FRAMES)
        self._gap_frames = 0
        self._onset_ms = start_ms
        self._last_voiced_ms = start_ms
        self._is_speaking = False
        self._forget_turn()

    @property
    def position_ms(self) -> float:
        """Time of the end of the last whole frame."""
        return self._origin_ms + self._n_frames * FRAME_MS

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is going on."""
        return self._is_speaking

    def process(self, samples: NDArray[np.int16]) -> list[TurnEvent]:
        """Take the next samples, int16 [shape=(n,), mono, 8000 Hz], and return what they show."""
        stream = np.concatenate((self._pending, samples))
        whole = len(stream) - len(stream) % _FRAME_SAMPLES
        self._pending = stream[whole:]
        events: list[TurnEvent] = []
        for at in range(0, whole, _FRAME_SAMPLES):
            event = self._next_frame(stream[at : at + _FRAME_SAMPLES])
            if event is not None:
                events.append(event)
        return events

    def end_turn(self) -> None:
        """Forget a turn that is going on: its audio was committed or cleared by the client."""
        self._forget_turn()

    def start_idle_timer(self, from_ms: float) -> None:
        """Wait for speech from a time on: the end of the answer's playback, on the audio clock."""
        self._idle_from_ms = from_ms

    def _next_frame(self, frame: NDArray[np.int16]) -> TurnEvent | None:
        score = self._scorer.process(frame).speech_prob
        self._n_frames += 1
        self._window.append(score)
        self._track_voicing(score)
        if self._is_speaking:
            return self._check_stopped()
        return self._check_started() or self._check_idle()

    def _track_voicing(self, score: float) -> None:
        """Keep where the present run of speech began and where the last speech ended."""
        if score < min(_VOICED_PROB, self._threshold):
            self._gap_frames += 1
            return
        if self._gap_frames > _MAX_GAP_FRAMES:
            self._onset_ms = self.position_ms - FRAME_MS
        self._gap_frames = 0
        if self._mean_score() >= self._threshold / 2:
            self._last_voiced_ms = self.position_ms

    def _check_started(self) -> SpeechStarted | None:
        if self._mean_score() < self._threshold:
            return None
        self._is_speaking = True
        self._idle_from_ms = None
        self._last_voiced_ms = self.position_ms
        start_ms = self._onset_ms - self.settings.prefix_padding_ms
        return SpeechStarted(max(0.0, start_ms))

    def _check_stopped(self) -> SpeechStopped | None:
        if self.position_ms - self._last_voiced_ms < self.settings.silence_duration_ms:
            return None
        self._idle_from_ms = None
        self._forget_turn()
        return SpeechStopped(self.position_ms)

    def _check_idle(self) -> IdleTimeout | None:
        timeout_ms = self.settings.idle_timeout_ms
        start_ms = self._idle_from_ms
        if timeout_ms is None or start_ms is None or self.position_ms < start_ms + timeout_ms:
            return None
        self._idle_from_ms = None
        return IdleTimeout(start_ms, self.position_ms)

    def _forget_turn(self) -> None:
        self._is_speaking = False
        self._window.clear()
        self._gap_frames = _MAX_GAP_FRAMES + 1
        self._onset_ms = self.position_ms
        self._last_voiced_ms = self.position_ms

    def _mean_score(self) -> float:
        return sum(self._window) / _WINDOW_FRAMES

    @property
    def _threshold(self) -> float:
        return max(self.settings.threshold, _MIN_THRESHOLD)
