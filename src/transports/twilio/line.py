"""What a Twilio call is, to the engine.

Invariant: the stream's SID names the call; the SID of Twilio's call is what its console shows.
"""

from __future__ import annotations

__all__ = ["TWILIO_CAPABILITIES", "make_twilio_line"]

from ..base import LineCapabilities
from ..websocket_connection import WebSocketConnection
from ..websocket_line import LineFacts, WebSocketLine
from .call import STREAM_FORMAT, TwilioCall

TWILIO_CAPABILITIES = LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200)
"""Twilio buffers what it is sent, plays it at real time, forgets it on ``clear``, and needs no
silence. 200 ms outlast a stall of the network or of this process, and are soon cleared."""


def make_twilio_line(connection: WebSocketConnection[TwilioCall]) -> WebSocketLine[TwilioCall]:
    """Return the line of a stream that has started.

    Its audio is mu-law at 8 kHz, both ways, its metadata the custom parameters of the TwiML. Once
    it is hung up, Twilio goes on with the TwiML behind ``<Connect>``, and hangs up where there is
    none.
    """
    started = connection.call.started
    assert started is not None, "a line is made of a stream that has started"  # noqa: S101
    facts = LineFacts(
        kind="twilio",
        call_id=started.stream_sid,
        metadata=started.parameters,
        capabilities=TWILIO_CAPABILITIES,
        capture_format=STREAM_FORMAT,
        playout_format=STREAM_FORMAT,
    )
    return WebSocketLine(connection, facts)
