"""What one call's provider is sent in step with the line: silence for withheld frames, no surplus.

A provider's turn detector runs on the audio that it receives, so its clock must go on while frames
are withheld, and must not run ahead of the line for long: silence followed by a released onset is
more audio than the line delivered in that time. Invariant: a surplus is taken back only by leaving
out silence between turns, never by leaving out sound.
"""

from __future__ import annotations

__all__ = ["ProviderFeed"]

from .audio import FRAME_MS, AudioFormat
from .config import WithheldAudio

_TURN_CLOSED_MS = 1000
"""Silence after which no turn detector still waits: twice the vendor's default of 500 ms."""

_ADAPTIVE_SILENCE_MS = 2000
"""Mode ``adaptive``: silence sent after the last sound, turn reported closed or never opened."""

_OPEN_TURN_MS = 10_000
"""Silence after which a turn is over whose end the provider has not reported: semantic turn
detectors wait up to 8 s."""

_SURPLUS_TOLERANCE_MS = 60
"""Surplus that is left alone: the line's jitter looks like surplus."""

_MAX_DEFICIT_MS = 10_000
"""What the provider is owed at most; the rest is forgotten, after a process slept for example."""


class ProviderFeed:
    """Counts what goes to the provider against the line's clock.

    Args:
        withheld_audio: What stands in for a withheld frame.
        audio_format: Format of the call's capture.
        start_ms: When the call began.
    """

    __slots__ = (
        "_base_ms",
        "_sent_ms",
        "_silence",
        "_silent_ms",
        "in_turn",
        "was_surplus",
        "withheld_audio",
    )

    def __init__(
        self, withheld_audio: WithheldAudio, audio_format: AudioFormat, start_ms: float
    ) -> None:
        self.withheld_audio = withheld_audio
        """What stands in for a withheld frame."""
        self._silence = audio_format.silence(audio_format.frame_bytes)
        self._base_ms = start_ms
        self._sent_ms = 0
        self._silent_ms = 0
        self.in_turn = False
        """The provider has reported the start of a turn and not yet its end."""
        self.was_surplus = False
        """The last silence was left out to take a surplus back."""

    def begin(self, start_ms: float) -> None:
        """Count from here: the line's first audio began at ``start_ms``."""
        self._base_ms = start_ms

    def surplus_ms(self, now_ms: float) -> float:
        """Return how far the provider's audio clock is ahead of the line's, in ms."""
        return self._sent_ms - (now_ms - self._base_ms)

    def deficit_ms(self, now_ms: float) -> float:
        """Return how far it is behind, in ms, 0..10,000; what is more is forgotten."""
        deficit_ms = max(0.0, -self.surplus_ms(now_ms))
        if deficit_ms > _MAX_DEFICIT_MS:
            self._base_ms += deficit_ms - _MAX_DEFICIT_MS
            return _MAX_DEFICIT_MS
        return deficit_ms

    def forward(self, n_frames: int = 1) -> None:
        """Count frames of sound that go out."""
        self._sent_ms += n_frames * FRAME_MS
        self._silent_ms = 0

    def substitute(self, now_ms: float) -> bytes | None:
        """Return the silence for one withheld frame, or None if nothing is to be sent."""
        self._silent_ms += FRAME_MS
        self.was_surplus = False
        if not self._is_silence_due():
            self._base_ms += FRAME_MS
            return None
        self.was_surplus = self._can_take_back() and self.surplus_ms(now_ms) > _SURPLUS_TOLERANCE_MS
        if self.was_surplus:
            return None
        self._sent_ms += FRAME_MS
        return self._silence

    def _is_silence_due(self) -> bool:
        if self.withheld_audio is WithheldAudio.SILENCE:
            return True
        if self.withheld_audio is WithheldAudio.DROP:
            return False
        limit_ms = _OPEN_TURN_MS if self.in_turn else _ADAPTIVE_SILENCE_MS
        return self._silent_ms <= limit_ms

    def _can_take_back(self) -> bool:
        """Between turns, and never two frames running, so that the provider's clock goes on."""
        quiet_ms = _OPEN_TURN_MS if self.in_turn else _TURN_CLOSED_MS
        return self._silent_ms > quiet_ms and self._silent_ms % (2 * FRAME_MS) == 0
