"""What the engine sees of a call over a WebSocket; the conformance suite says that it is a line."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

from support.fake_websocket import FakeWebSocket
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.transports.base import LineCapabilities, LineHangup
from voxgate.transports.websocket_connection import StreamStats, WebSocketConnection
from voxgate.transports.websocket_line import LineFacts, WebSocketLine, WebSocketLineStats


class QuietCall:
    """A call of which nothing is sent and nothing comes."""

    stats = StreamStats(received_frames=3, void_marks=1, warnings={"odd": 2})
    is_started = True
    is_paused = False

    def send_audio(self, frame: bytes) -> list[bytes]:
        return [frame]

    def flush(self) -> list[str]:
        return ["flush"]

    def hang_up(self) -> list[str]:
        return ["bye"]


async def _transfer(to: str) -> None:
    raise AssertionError(to)


FACTS = LineFacts(
    kind="quiet",
    call_id="one",
    capabilities=LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200),
    capture_format=AudioFormat(Encoding.ALAW),
    playout_format=AudioFormat(Encoding.PCM16, 16_000),
    metadata={"a": "b"},
    transfer=_transfer,
)


def made() -> tuple[WebSocketLine[Any], FakeWebSocket]:
    websocket = FakeWebSocket()
    response = cast("web.WebSocketResponse", websocket)
    connection = WebSocketConnection(response, None, cast("Any", QuietCall()), name="quiet")
    return WebSocketLine(connection, FACTS), websocket


async def test_a_line_says_what_is_known_of_it():
    """Each fact in its place."""
    line, _ = made()
    assert (
        LineFacts(
            kind=line.kind,
            call_id=line.call_id,
            capabilities=line.capabilities,
            capture_format=line.capture_format,
            playout_format=line.playout_format,
            metadata=line.metadata,
            transfer=line.transfer,
        )
        == FACTS
    )
    assert isinstance(line.call, QuietCall)


async def test_what_is_counted_has_its_place():
    """Of the call, of the socket, and of the queue to the engine."""
    line, _ = made()
    line.send_audio(b"frame")
    assert line.stats == WebSocketLineStats(
        received_frames=3,
        dropped_received_frames=0,
        dropped_received_events=0,
        sent_frames=1,
        dropped_sent_frames=0,
        void_marks=1,
        warnings={"odd": 2},
    )


async def test_a_hung_up_line_is_over():
    """The engine is told so, the peer too, and nothing is sent any more."""
    line, websocket = made()
    await line.hangup()
    line.send_audio(b"frame")
    line.flush()
    assert [event async for event in line.events()] == [LineHangup("local_hangup")]
    assert websocket.sent == ["bye"]
    assert line.stats.sent_frames == 0
