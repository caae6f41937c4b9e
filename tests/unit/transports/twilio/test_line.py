"""What the engine sees of a stream; that it is a line, the conformance suite says."""

from __future__ import annotations

import json
from typing import cast

import pytest
from aiohttp import web

from support.fake_websocket import FakeWebSocket
from support.twilio_messages import CALL_SID, STREAM_SID, connected, start
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.errors import TransportError
from voxgate.transports.base import LineCapabilities, LineHangup
from voxgate.transports.twilio.call import TwilioCall
from voxgate.transports.twilio.line import make_twilio_line
from voxgate.transports.twilio.transfers import PendingTransfers
from voxgate.transports.twilio.twiml import dial_twiml
from voxgate.transports.websocket_connection import WebSocketConnection
from voxgate.transports.websocket_line import WebSocketLine


def connection_of(call: TwilioCall) -> WebSocketConnection[TwilioCall]:
    websocket = cast("web.WebSocketResponse", FakeWebSocket())
    return WebSocketConnection(websocket, None, call, name="twilio")


def made(transfers: PendingTransfers | None = None, **parameters: str) -> WebSocketLine[TwilioCall]:
    call = TwilioCall()
    for message in (connected(), start(parameters={"a": "b", **parameters})):
        call.receive_text(json.dumps(message))
    return make_twilio_line(connection_of(call), transfers or PendingTransfers())


async def test_a_line_is_what_its_start_said():
    """The stream's SID names it, the call's is the console's."""
    line = made()
    assert (line.kind, line.call_id) == ("twilio", STREAM_SID)
    assert line.call.started is not None
    assert line.call.started.call_sid == CALL_SID
    assert line.metadata == {"a": "b", "call_sid": CALL_SID}
    assert line.capture_format == line.playout_format == AudioFormat(Encoding.MULAW)
    assert line.transfer is None


async def test_a_parameter_can_not_name_another_call():
    """Whoever writes the TwiML."""
    assert made(call_sid="CA" + "9" * 32).metadata["call_sid"] == CALL_SID


async def test_a_line_is_sent_200_ms_ahead_at_most_and_needs_no_silence():
    """It can be told to forget what it holds."""
    assert made().capabilities == LineCapabilities(
        max_silence_ms=None, can_flush=True, max_lead_ms=200
    )


async def test_a_stream_that_has_not_started_is_no_line():
    """The server asks for none before."""
    with pytest.raises(AssertionError):
        make_twilio_line(connection_of(TwilioCall()), PendingTransfers())


@pytest.mark.parametrize("said", ["", "no", "true"])
async def test_a_call_whose_twiml_does_not_ask_us_can_not_be_transferred(said: str):
    """Its caller would be hung up: somebody else wrote its TwiML."""
    line = made(voxgate_transfer=said)
    assert line.transfer is None
    assert line.metadata == {"a": "b", "call_sid": CALL_SID}


async def test_a_transfer_is_noted_and_the_stream_ended():
    """Twilio asks what comes after it; the parameter is no metadata of the call."""
    transfers = PendingTransfers()
    line = made(transfers, voxgate_transfer="yes")
    assert line.metadata == {"a": "b", "call_sid": CALL_SID}
    assert line.transfer is not None
    await line.transfer("+15550100")
    assert line.connection.events.hangup == LineHangup("local_hangup")
    assert transfers.take_twiml(CALL_SID) == (dial_twiml("+15550100"), True)


async def test_a_target_that_is_none_leaves_the_call_as_it_is():
    """The agent is told that it failed, and goes on."""
    line = made(voxgate_transfer="yes")
    assert line.transfer is not None
    with pytest.raises(TransportError, match=r"^twilio: the target is no number.* \[bad_target\]$"):
        await line.transfer("the boss")
    assert not line.connection.events.is_closed


async def test_a_call_that_is_over_can_not_be_transferred():
    """Its stream is gone, and Twilio asks no more."""
    transfers = PendingTransfers()
    line = made(transfers, voxgate_transfer="yes")
    await line.hangup()
    assert line.transfer is not None
    with pytest.raises(TransportError, match="the call is over"):
        await line.transfer("+15550100")
    assert transfers.take_twiml(CALL_SID)[1] is False
