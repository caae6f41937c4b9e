"""The audio of a turn on its way to the recogniser, with what came shortly before the turn.

Invariant: a recognition gets the line's audio without a hole, from before its turn to its end.
"""

from __future__ import annotations

__all__ = ["Listening"]

from collections import deque

from ...core.audio import AudioFormat
from ...core.stream_converter import StreamConverter
from ...local_agent.recogniser import RECOGNISER_FORMAT, Recogniser, Recognition

_PREROLL_MS = 300.0
"""Audio from before the first evidence: a soft consonant, and the breath that recognisers know."""

_KEPT_MS = 2500.0
"""Audio kept for a turn that is found late: the longest interruption and the pre-roll."""


class Listening:
    """What is recognised of one call.

    Args:
        recogniser: Of all calls.
        capture: Format of the line.
    """

    def __init__(self, recogniser: Recogniser, capture: AudioFormat) -> None:
        self._recogniser = recogniser
        self._converter = StreamConverter(capture, RECOGNISER_FORMAT)
        self._kept: deque[bytes] = deque()
        self._kept_ms = 0.0
        self._recognition: Recognition | None = None

    @property
    def text(self) -> str:
        """What is recognised so far; ``""`` where nobody is listened to."""
        return "" if self._recognition is None else self._recognition.text

    @property
    def is_listening(self) -> bool:
        """Whether a recognition is under way."""
        return self._recognition is not None

    def hear(self, audio: bytes) -> None:
        """Take the next audio of the line."""
        converted = self._converter.process(audio)
        self._kept.append(converted)
        self._kept_ms += RECOGNISER_FORMAT.duration_ms(len(converted))
        while self._kept_ms > _KEPT_MS:
            self._kept_ms -= RECOGNISER_FORMAT.duration_ms(len(self._kept.popleft()))
        if self._recognition is not None:
            self._recognition.send_audio(converted)

    def begin(self, since_ms: float) -> None:
        """Listen from so many ms ago, and some before; nothing happens if that is done already."""
        if self._recognition is not None:
            return
        self._recognition = self._recogniser.begin()
        n_bytes = round((since_ms + _PREROLL_MS) * RECOGNISER_FORMAT.rate_hz / 1000)
        n_bytes *= RECOGNISER_FORMAT.sample_bytes
        kept = b"".join(self._kept)
        self._recognition.send_audio(kept[max(0, len(kept) - n_bytes) :])

    def take(self) -> Recognition | None:
        """Return the recognition under way, whoever then finishes or cancels it, and stop."""
        recognition, self._recognition = self._recognition, None
        return recognition
