"""What the engine sees of a stream; that it is a line, the conformance suite says."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from support.fake_websocket import FakeWebSocket
from support.twilio_messages import ACCOUNT_SID, CALL_SID, STREAM_SID
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.transports.base import LineCapabilities
from voxgate.transports.twilio.connection import TwilioConnection
from voxgate.transports.twilio.line import TwilioLine, TwilioLineStats
from voxgate.transports.twilio.protocol import StreamStarted

STARTED = StreamStarted(
    stream_sid=STREAM_SID, call_sid=CALL_SID, account_sid=ACCOUNT_SID, parameters={"a": "b"}
)


def made() -> TwilioLine:
    websocket = cast("web.WebSocketResponse", FakeWebSocket())
    return TwilioLine(TwilioConnection(websocket, None), STARTED)


async def test_a_line_is_what_its_start_said():
    """The stream's SID names it, the call's is the console's."""
    line = made()
    assert line.kind == "twilio"
    assert (line.call_id, line.call_sid) == (STREAM_SID, CALL_SID)
    assert line.metadata == {"a": "b"}
    assert line.capture_format == line.playout_format == AudioFormat(Encoding.MULAW)


async def test_a_line_is_sent_200_ms_ahead_at_most_and_needs_no_silence():
    """It can be told to forget what it holds."""
    assert made().capabilities == LineCapabilities(
        max_silence_ms=None, can_flush=True, max_lead_ms=200
    )


async def test_a_new_line_has_counted_nothing():
    """Each counter has its place."""
    assert made().stats == TwilioLineStats(
        received_frames=0,
        dropped_received_frames=0,
        dropped_received_events=0,
        sent_frames=0,
        dropped_sent_frames=0,
        void_marks=0,
        warnings={},
    )
