"""What the servers of a load run say: sentences of the packaged agent, of seconds each.

Invariant: an answer begins with its first sound, so that its first delta is heard at once.
"""

from __future__ import annotations

__all__ = ["ShortAnswerer", "spoken_answers", "spoken_lines"]

from collections.abc import AsyncIterator, Sequence
from functools import cache
from itertools import cycle

import numpy as np

from ...core.audio import AudioFormat, Encoding
from ...core.g711 import decode_mulaw
from ...realtime_server import AnswerRequest, Speech, VoiceLine, agent_voices
from .light_session import SpokenAnswer

_MULAW = AudioFormat(Encoding.MULAW)
_LINE_IDS = ("card_payment", "repeat", "greeting", "goodbye")
"""Of 3.7 to 4.8 s: whoever breaks in, breaks into the middle."""
_SOUND_MAGNITUDE = 300


@cache
def spoken_lines() -> tuple[Speech, ...]:
    """Return the answers, without the silence that they begin with."""
    return tuple(_trimmed(agent_voices()[line_id]) for line_id in _LINE_IDS)


def _trimmed(line: VoiceLine) -> Speech:
    first = int(np.flatnonzero(np.abs(decode_mulaw(line.audio)) >= _SOUND_MAGNITUDE)[0])
    return Speech(text=line.text, audio=line.audio[first:], audio_format=_MULAW)


def spoken_answers(delta_ms: int) -> Sequence[SpokenAnswer]:
    """Return the answers, cut into deltas of so many ms."""
    return [SpokenAnswer(line.text, line.audio, delta_ms) for line in spoken_lines()]


class ShortAnswerer:
    """Answers in the embedded server with one sentence after the other."""

    def __init__(self) -> None:
        self._lines = cycle(spoken_lines())

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech]:  # noqa: ARG002
        """Yield the next sentence."""
        yield next(self._lines)
