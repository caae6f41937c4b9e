"""What the servers of a load run say: sentences of the packaged agent, of seconds each."""

from __future__ import annotations

__all__ = ["ANSWER_IDS", "spoken_answers"]

from functools import cache

from ...realtime_server import agent_voices
from .light_session import SpokenAnswer

ANSWER_IDS = ("card_payment", "repeat", "greeting", "goodbye")
"""Of 3.7 to 4.8 s."""


@cache
def spoken_answers(delta_ms: int) -> tuple[SpokenAnswer, ...]:
    """Return the answers, cut into deltas of so many ms."""
    lines = [agent_voices()[line_id] for line_id in ANSWER_IDS]
    return tuple(SpokenAnswer(line.text, line.audio, delta_ms) for line in lines)
