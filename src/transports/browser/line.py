"""What a browser's call is, to the engine.

Invariant: the server names the call, so that no page can name one that is alive.
"""

from __future__ import annotations

__all__ = ["BROWSER_CAPABILITIES", "BrowserLine", "make_browser_line"]

import uuid

from ..base import LineCapabilities
from ..websocket_connection import WebSocketConnection
from ..websocket_line import LineFacts, WebSocketLine
from .call import BROWSER_FORMAT, BrowserCall
from .protocol import serialize_ready

BROWSER_CAPABILITIES = LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200)
"""A page plays what it is sent at real time, forgets it on ``flush``, and needs no silence. 200 ms
are its jitter buffer: they outlast a page that is busy, a stall of the network or of this
process."""


class BrowserLine(WebSocketLine[BrowserCall]):
    """One call, which has started."""

    def send_audio(self, frame: bytes) -> None:
        """Send one frame; see :meth:`WebSocketLine.send_audio`.

        The page counts the frames that it gets: those left out are counted here.
        """
        backlog = self.connection.backlog
        n_dropped = backlog.dropped_frames
        super().send_audio(frame)
        if backlog.dropped_frames > n_dropped:
            self.call.leave_out_audio()


def make_browser_line(connection: WebSocketConnection[BrowserCall]) -> BrowserLine:
    """Return the line of a call that has started, and tell the page that the call stands.

    Its audio is PCM16 at 16 kHz, both ways, its metadata the parameters of the start.
    """
    call_id = str(uuid.uuid4())
    connection.write(serialize_ready(call_id))
    facts = LineFacts(
        kind="browser",
        call_id=call_id,
        metadata=connection.call.parameters,
        capabilities=BROWSER_CAPABILITIES,
        capture_format=BROWSER_FORMAT,
        playout_format=BROWSER_FORMAT,
    )
    return BrowserLine(connection, facts)
