"""The browser line: web pages call by a WebSocket, with JavaScript that comes along."""

from __future__ import annotations

__all__ = ["BROWSER_CAPABILITIES", "BrowserServerStats", "BrowserTransport"]

from .line import BROWSER_CAPABILITIES
from .server import BrowserServerStats, BrowserTransport
