"""Deepgram's Voice Agent: recogniser, model and voice behind one WebSocket."""

from __future__ import annotations

__all__ = ["DeepgramProvider"]

from .provider import DeepgramProvider
