"""Asterisk's ``chan_websocket``: the line of ``Dial(WebSocket/...)``."""

from __future__ import annotations

__all__ = [
    "ASTERISK_WEBSOCKET_CAPABILITIES",
    "AsteriskWebSocketServerStats",
    "AsteriskWebSocketTransport",
]

from .line import ASTERISK_WEBSOCKET_CAPABILITIES
from .server import AsteriskWebSocketServerStats, AsteriskWebSocketTransport
