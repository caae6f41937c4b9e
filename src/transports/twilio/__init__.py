"""Twilio Media Streams: the WebSocket line of ``<Connect><Stream>``, and its TwiML."""

from __future__ import annotations

__all__ = [
    "TWILIO_CAPABILITIES",
    "TwilioLine",
    "TwilioLineStats",
    "TwilioServerStats",
    "TwilioTransport",
]

from .line import TWILIO_CAPABILITIES, TwilioLine, TwilioLineStats
from .server import TwilioServerStats, TwilioTransport
