"""One call: what it shares with others, the providers that may answer, and the session."""

from __future__ import annotations

__all__ = [
    "Agent",
    "Announcements",
    "CallServices",
    "CallSession",
    "Candidate",
    "FallBackPolicy",
    "ProviderAccess",
]

from .announcements import Announcements
from .candidate import Agent, Candidate, FallBackPolicy
from .services import CallServices, ProviderAccess
from .session import CallSession
