"""What the engine sees of a stream; that it is a line, the conformance suite says."""

from __future__ import annotations

import json
from typing import cast

import pytest
from aiohttp import web

from support.fake_websocket import FakeWebSocket
from support.twilio_messages import CALL_SID, STREAM_SID, connected, start
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.transports.base import LineCapabilities
from voxgate.transports.twilio.call import TwilioCall
from voxgate.transports.twilio.line import make_twilio_line
from voxgate.transports.websocket_connection import WebSocketConnection
from voxgate.transports.websocket_line import WebSocketLine


def connection_of(call: TwilioCall) -> WebSocketConnection[TwilioCall]:
    websocket = cast("web.WebSocketResponse", FakeWebSocket())
    return WebSocketConnection(websocket, None, call, name="twilio")


def made() -> WebSocketLine[TwilioCall]:
    call = TwilioCall()
    for message in (connected(), start(parameters={"a": "b"})):
        call.receive_text(json.dumps(message))
    return make_twilio_line(connection_of(call))


async def test_a_line_is_what_its_start_said():
    """The stream's SID names it, the call's is the console's."""
    line = made()
    assert (line.kind, line.call_id) == ("twilio", STREAM_SID)
    assert line.call.started is not None
    assert line.call.started.call_sid == CALL_SID
    assert line.metadata == {"a": "b"}
    assert line.capture_format == line.playout_format == AudioFormat(Encoding.MULAW)
    assert line.transfer is None


async def test_a_line_is_sent_200_ms_ahead_at_most_and_needs_no_silence():
    """It can be told to forget what it holds."""
    assert made().capabilities == LineCapabilities(
        max_silence_ms=None, can_flush=True, max_lead_ms=200
    )


async def test_a_stream_that_has_not_started_is_no_line():
    """The server asks for none before."""
    with pytest.raises(AssertionError):
        make_twilio_line(connection_of(TwilioCall()))
