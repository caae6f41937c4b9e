"""OpenAI Realtime and whatever else speaks its protocol, in the GA form or with the older names."""

from __future__ import annotations

__all__ = ["OpenAIRealtimeProvider"]

from .provider import OpenAIRealtimeProvider
