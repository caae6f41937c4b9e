"""The caller's side of a session: the input buffer and the turn detector that runs on it.

Invariant: the buffer's clock is the one that every event names; audio that no turn can still reach
is not kept.
"""

from __future__ import annotations

__all__ = ["CallerAudio"]

from collections.abc import Callable

from ..core.audio import AudioFormat
from ..core.g711 import decode
from ..core.stream_converter import StreamConverter
from .audio_buffer import InputAudioBuffer
from .session_config import InputConfig
from .speech_scorer import SCORED_RATE_HZ, FrameScorer, SpeechScorer
from .turn_detector import (
    IdleTimeout,
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
    TurnEvent,
    settings_of,
)
from .wire_audio import audio_format_of

_SCORED_FORMAT = AudioFormat(rate_hz=SCORED_RATE_HZ)
_KEPT_WHILE_SILENT_MS = 11_000.0
"""Audio kept while nobody speaks: more than the longest prefix padding."""
_KEPT_MS = 15 * 60_000.0
"""Audio kept at most, of a turn that never ends or is never committed."""


class CallerAudio:
    """Takes audio of the session's input format and finds turns in it.

    Args:
        config: Format and turn detection.
        new_scorer: Makes what the turn detector hears with.
    """

    def __init__(
        self, config: InputConfig, *, new_scorer: Callable[[], FrameScorer] = SpeechScorer
    ) -> None:
        self._config = config
        self._new_scorer = new_scorer
        self._buffer = InputAudioBuffer(audio_format_of(config.format))
        self._turn_start_ms: float | None = None
        self._given_until_ms = 0.0
        self._converter = self._new_converter()
        self._detector = self._new_detector()

    @property
    def audio_format(self) -> AudioFormat:
        """Format of the audio that is expected now."""
        return self._buffer.audio_format

    @property
    def position_ms(self) -> float:
        """All audio received: the audio clock."""
        return self._buffer.end_ms

    @property
    def held_ms(self) -> float:
        """Audio that a commit would take."""
        return self._buffer.held_ms

    def configure(self, config: InputConfig) -> None:
        """Take over a new configuration; a turn that is going on goes on, if it can."""
        before, self._config = self._config, config
        if config.format != before.format:
            self._buffer = InputAudioBuffer(
                audio_format_of(config.format), start_ms=self._buffer.end_ms
            )
            self._converter = self._new_converter()
            self._detector = self._new_detector()
        elif config.turn_detection is None or self._detector is None:
            self._detector = self._new_detector()
        else:
            self._detector.settings = settings_of(config.turn_detection)
        if self._detector is None or not self._detector.is_speaking:
            self._turn_start_ms = None

    def append(self, audio: bytes) -> list[TurnEvent]:
        """Take the next audio, a whole number of samples, and return what it shows.

        Each event must be passed on, in order, to :meth:`begin_turn` or :meth:`take_turn`.
        """
        self._buffer.append(audio)
        if self._detector is None:
            self._buffer.forget_before(self._buffer.end_ms - _KEPT_MS)
            return []
        return self._detector.process(decode(self._converter.process(audio), _SCORED_FORMAT))

    def begin_turn(self, event: SpeechStarted) -> float:
        """Return when a turn begins: what an earlier turn took is not in it, padding or not."""
        self._turn_start_ms = max(event.audio_start_ms, self._buffer.start_ms)
        self._given_until_ms = self._turn_start_ms
        return self._turn_start_ms

    def next_of_turn(self, until_ms: float | None = None) -> bytes:
        """Return what has come of the turn that is going on since this was last asked.

        Without turn detection everything is of a turn, which the client ends.

        Args:
            until_ms: Where the turn ends; None while it goes on.
        """
        is_turn = self._detector is None or self._turn_start_ms is not None
        start_ms, end_ms = self._given_until_ms, self._buffer.end_ms
        self._given_until_ms = end_ms if until_ms is None else min(until_ms, end_ms)
        return self._buffer.peek(from_ms=start_ms, until_ms=until_ms) if is_turn else b""

    def take_turn(self, event: SpeechStopped | IdleTimeout) -> bytes:
        """Return the audio of a turn that ended."""
        start_ms = event.audio_start_ms if isinstance(event, IdleTimeout) else self._turn_start_ms
        self._turn_start_ms = None
        return self._buffer.take(from_ms=start_ms, until_ms=event.audio_end_ms)

    def take_all(self) -> bytes:
        """Return all audio held: the client ends the turn by itself."""
        audio = self._buffer.take()
        self._end_turn()
        return audio

    def clear(self) -> None:
        """Drop all audio held, and a turn that is going on with it."""
        self._buffer.clear()
        self._end_turn()

    def forget_silence(self) -> None:
        """Let go of audio that no turn can reach any more."""
        is_speaking = self._detector is None or self._detector.is_speaking
        kept_ms = _KEPT_MS if is_speaking else _KEPT_WHILE_SILENT_MS
        self._buffer.forget_before(self._buffer.end_ms - kept_ms)

    def start_idle_timer(self, from_ms: float) -> None:
        """Wait for the caller from a time on; does nothing without an idle timeout."""
        if self._detector is not None:
            self._detector.start_idle_timer(from_ms)

    def _end_turn(self) -> None:
        self._turn_start_ms = None
        if self._detector is not None:
            self._detector.end_turn()

    def _new_converter(self) -> StreamConverter:
        return StreamConverter(self._buffer.audio_format, _SCORED_FORMAT)

    def _new_detector(self) -> TurnDetector | None:
        if self._config.turn_detection is None:
            return None
        settings = settings_of(self._config.turn_detection)
        return TurnDetector(settings, start_ms=self._buffer.end_ms, scorer=self._new_scorer())
