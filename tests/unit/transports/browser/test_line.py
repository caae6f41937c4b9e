"""What the engine sees of a browser's call; that it is a line, the conformance suite says."""

from __future__ import annotations

import asyncio
import json
from typing import cast

from aiohttp import web

from support.browser_messages import played, start
from support.fake_websocket import FakeWebSocket, text
from support.virtual_time import in_virtual_time
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.transports.base import LineCapabilities, LinePlayed
from voxgate.transports.browser.call import BrowserCall
from voxgate.transports.browser.line import BROWSER_CAPABILITIES, BrowserLine, make_browser_line
from voxgate.transports.websocket_connection import WebSocketConnection

FRAME = bytes(640)


class Rig:
    """A line over a fake."""

    def __init__(self) -> None:
        self.websocket = FakeWebSocket()
        fake = cast("web.WebSocketResponse", self.websocket)
        self.connection = WebSocketConnection(fake, None, BrowserCall(), name="browser")
        self.websocket.feed(text(json.dumps(start({"page": "desk"}))))

    async def line(self) -> BrowserLine:
        assert await self.connection.wait_started()
        return make_browser_line(self.connection)


@in_virtual_time
async def test_a_line_is_what_its_start_said_and_the_page_is_told_its_id():
    """Before any audio."""
    rig = Rig()
    async with rig.connection.open():
        line = await rig.line()
        line.send_audio(FRAME)
        await asyncio.sleep(0.01)
        assert (line.kind, line.metadata) == ("browser", {"page": "desk"})
        assert line.capture_format == line.playout_format == AudioFormat(Encoding.PCM16, 16_000)
        assert line.transfer is None
        ready, frame = rig.websocket.sent
        assert json.loads(ready)["call_id"] == line.call_id
        assert frame == FRAME
        assert make_browser_line(rig.connection).call_id != line.call_id


def test_a_line_is_sent_200_ms_ahead_at_most_and_needs_no_silence():
    """It can be told to forget what it holds."""
    expected = LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=200)
    assert expected == BROWSER_CAPABILITIES


@in_virtual_time
async def test_what_is_left_out_is_known_not_to_be_the_pages():
    """2 s wait for a page that does not read; what is beyond never reaches it."""
    rig = Rig()
    async with rig.connection.open():
        line = await rig.line()
        await asyncio.sleep(0.01)
        rig.websocket.is_reading = False
        for _ in range(120):
            line.send_audio(FRAME)
        rig.websocket.is_reading = True
        await asyncio.sleep(0.01)
        line.send_audio(FRAME)
        n_sent = line.stats.sent_frames
        assert line.stats.dropped_sent_frames == 121 - n_sent > 0
        rig.websocket.feed(text(json.dumps(played(n_sent))))
        assert await rig.connection.events.get() == LinePlayed(121)
