"""What a Twilio call is, to the engine.

Invariant: the stream's SID names the call; the SID of Twilio's call is what its console shows.
"""

from __future__ import annotations

__all__ = ["CALL_SID", "TWILIO_CAPABILITIES", "make_twilio_line"]

from collections.abc import Mapping
from types import MappingProxyType

from ...errors import TransportError
from ..base import LineCapabilities, Transfer
from ..websocket_connection import WebSocketConnection
from ..websocket_line import LineFacts, WebSocketLine
from .call import STREAM_FORMAT, TwilioCall
from .protocol import StreamStarted
from .transfers import PendingTransfers
from .twiml import CAN_TRANSFER

CALL_SID = "call_sid"
"""Name of the metadata that is the SID of Twilio's call."""

TWILIO_CAPABILITIES = LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200)
"""Twilio buffers what it is sent, plays it at real time, forgets it on ``clear``, and needs no
silence. 200 ms outlast a stall of the network or of this process, and are soon cleared."""


def make_twilio_line(
    connection: WebSocketConnection[TwilioCall], transfers: PendingTransfers
) -> WebSocketLine[TwilioCall]:
    """Return the line of a stream that has started.

    Its audio is mu-law at 8 kHz, both ways, its metadata the custom parameters of the TwiML and
    the SID of Twilio's call. Once it is hung up, Twilio goes on with the TwiML behind
    ``<Connect>``, or asks for it, and hangs up where there is none. It can be transferred where
    its TwiML says that Twilio asks us.
    """
    started = connection.call.started
    assert started is not None, "a line is made of a stream that has started"  # noqa: S101
    can_transfer = started.parameters.get(CAN_TRANSFER) == "yes"
    facts = LineFacts(
        kind="twilio",
        call_id=started.stream_sid,
        metadata=_metadata(started),
        capabilities=TWILIO_CAPABILITIES,
        capture_format=STREAM_FORMAT,
        playout_format=STREAM_FORMAT,
        transfer=_transfer(connection, started.call_sid, transfers) if can_transfer else None,
    )
    return WebSocketLine(connection, facts)


def _metadata(started: StreamStarted) -> Mapping[str, str]:
    named = {name: text for name, text in started.parameters.items() if name != CAN_TRANSFER}
    return MappingProxyType({**named, CALL_SID: started.call_sid})


def _transfer(
    connection: WebSocketConnection[TwilioCall], call_sid: str, transfers: PendingTransfers
) -> Transfer:
    async def transfer(target: str) -> None:
        """Note where the call goes, and end its stream: Twilio then asks what comes after it."""
        if connection.events.is_closed:
            raise TransportError("twilio", "the call is over", code="call_over", retryable=False)
        transfers.expect(call_sid, target)
        await connection.hang_up()

    return transfer
