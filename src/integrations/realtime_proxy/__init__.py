"""A WebSocket proxy between any client of the OpenAI Realtime API and the provider, with the gate.

What becomes of a message is decided without I/O (:class:`GatedRealtimeSession`);
:class:`RealtimeProxy` owns the sockets. It needs the extra ``server``.
"""

from __future__ import annotations

__all__ = ["GatedRealtimeSession", "RealtimeProxy", "SessionCounters", "SessionShape"]

from .gated_session import GatedRealtimeSession
from .server import RealtimeProxy
from .session_counters import SessionCounters
from .session_shape import SessionShape
