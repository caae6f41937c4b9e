"""An agent on this machine in three parts: what hears, what answers, what speaks.

The provider ``local`` and the embedded Realtime server are both made of them. Each part is a small
interface; an implementation is one module and one line in :mod:`.agent_parts`.
"""

from __future__ import annotations

__all__ = [
    "RECOGNISER_FORMAT",
    "FunctionAnswered",
    "FunctionAsked",
    "FunctionSpec",
    "HistoryItem",
    "Recogniser",
    "Recognition",
    "Reply",
    "ReplyRequest",
    "ReplyUsage",
    "Role",
    "Said",
    "SpokenAudio",
    "Voice",
]

from .recogniser import RECOGNISER_FORMAT, Recogniser, Recognition
from .reply import (
    FunctionAnswered,
    FunctionAsked,
    FunctionSpec,
    HistoryItem,
    Reply,
    ReplyRequest,
    ReplyUsage,
    Role,
    Said,
)
from .voice import SpokenAudio, Voice
