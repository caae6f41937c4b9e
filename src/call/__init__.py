"""One call: what it shares with others, the providers that may answer, and the session."""

from __future__ import annotations

__all__ = [
    "Agent",
    "Announcements",
    "CallAgents",
    "CallServices",
    "CallSession",
    "Candidate",
    "FallBackPolicy",
    "ProviderAccess",
]

from .announcements import Announcements
from .call_agents import CallAgents
from .candidate import Agent, Candidate, FallBackPolicy
from .services import CallServices, ProviderAccess
from .session import CallSession
