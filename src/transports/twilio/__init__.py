"""Twilio Media Streams: the WebSocket line of ``<Connect><Stream>``."""

from __future__ import annotations

__all__: list[str] = []
