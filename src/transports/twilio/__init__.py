"""Twilio Media Streams: the WebSocket line of ``<Connect><Stream>``, and its TwiML."""

from __future__ import annotations

__all__ = ["TWILIO_CAPABILITIES", "TwilioServerStats", "TwilioTransport"]

from .line import TWILIO_CAPABILITIES
from .server import TwilioServerStats, TwilioTransport
