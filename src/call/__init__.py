"""One call: what it shares with others, and the session that serves it."""

from __future__ import annotations

__all__ = ["CallServices", "CallSession", "ProviderAccess"]

from .services import CallServices, ProviderAccess
from .session import CallSession
