"""The embedded OpenAI Realtime server: the default without a key, and the peer of our own tests.

Protocol and decisions are sans-IO (:class:`RealtimeSession` and the modules behind it); sockets are
:class:`RealtimeServer`'s.
"""

from __future__ import annotations

__all__ = [
    "AnswerRequest",
    "Answerer",
    "FunctionCall",
    "LocalAnswerer",
    "LogEntry",
    "OfferedFunction",
    "Pace",
    "RealtimeServer",
    "RealtimeSession",
    "ScriptedAnswerer",
    "SessionLog",
    "SessionOptions",
    "Speech",
    "VoiceLibrary",
    "VoiceLine",
    "agent_voices",
]

from .answerer import (
    Answerer,
    AnswerRequest,
    FunctionCall,
    OfferedFunction,
    ScriptedAnswerer,
    Speech,
)
from .local_answerer import LocalAnswerer
from .response import Pace
from .server import RealtimeServer
from .session import RealtimeSession, SessionOptions
from .session_log import LogEntry, SessionLog
from .voice_library import VoiceLibrary, VoiceLine, agent_voices
