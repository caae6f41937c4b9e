"""What the engine sees of a call; that it is a line, the conformance suite says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest
from aiohttp import web

from support.asterisk_websocket_messages import CHANNEL_ID, media_start
from support.fake_websocket import FakeWebSocket
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.transports.asterisk_websocket.call import AsteriskWebSocketCall
from voxgate.transports.asterisk_websocket.line import make_asterisk_websocket_line
from voxgate.transports.base import LineCapabilities
from voxgate.transports.websocket_connection import WebSocketConnection
from voxgate.transports.websocket_line import WebSocketLine


def made(
    variables: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
) -> WebSocketLine[AsteriskWebSocketCall]:
    call = AsteriskWebSocketCall()
    call.receive_text(
        media_start(is_json=True, format_name="slin16", optimal_frame_size=640, variables=variables)
    )
    websocket = cast("web.WebSocketResponse", FakeWebSocket())
    return make_asterisk_websocket_line(
        WebSocketConnection(websocket, None, call, name="asterisk", query=query or {})
    )


async def test_a_line_is_what_media_start_said():
    """The channel's unique id names it, and the format is the dial string's."""
    line = made()
    assert (line.kind, line.call_id) == ("asterisk_websocket", CHANNEL_ID)
    assert line.capture_format == line.playout_format == AudioFormat(Encoding.PCM16, 16_000)
    assert line.metadata == {}


async def test_a_line_is_sent_200_ms_ahead_at_most_and_needs_no_silence():
    """It can be told to forget what it holds."""
    assert made().capabilities == LineCapabilities(
        max_silence_ms=None, can_flush=True, max_lead_ms=200
    )


async def test_what_the_dialplan_says_is_metadata():
    """A variable is the channel's own word, and wins over the connection's in the address."""
    line = made({"language": "en", "called_number": "100"}, {"language": "de", "queue": "sales"})
    assert line.metadata == {"language": "en", "called_number": "100", "queue": "sales"}


async def test_variables_that_channels_inherit_lose_the_mark_of_it():
    """``Set(__tenant=a)`` comes as ``__tenant``, ``Set(_tenant=a)`` as ``tenant``."""
    assert made({"__tenant": "a", "_odd": "b"}).metadata == {"tenant": "a", "_odd": "b"}


@pytest.mark.parametrize(
    ("said", "called", "caller"),
    [
        ({"DNID": "100"}, "100", None),
        ({"EXTEN": "7", "CALLERID(dnid)": "100"}, "100", None),
        ({"EXTEN": "7"}, "7", None),
        ({"DNID": "", "EXTEN": "7"}, "7", None),
        ({"DNID": "100", "called_number": "200"}, "200", None),
        ({"CALLERIDNUM": "555"}, None, "555"),
        ({"CALLERID(num)": "555", "CALLERIDNUM": "556"}, None, "555"),
    ],
)
@pytest.mark.parametrize("is_query", [False, True])
async def test_numbers_stand_under_the_reserved_names(
    said: dict[str, str],
    called: str | None,
    caller: str | None,
    is_query: bool,
):
    """Whatever the dialplan calls them; its own word for them stays."""
    line = made(None, said) if is_query else made(said)
    assert line.metadata.get("called_number") == called
    assert line.metadata.get("caller_number") == caller
    assert {name: value for name, value in said.items() if value}.items() <= line.metadata.items()


async def test_what_is_empty_is_not_known():
    """The number of a caller who withholds it."""
    assert made({"caller_number": ""}, {"tenant": ""}).metadata == {}


async def test_an_address_full_of_nonsense_is_bounded():
    """Nothing of it is checked before, so that is done here."""
    line = made(None, {"\udc80": "x", **{str(number): "x" for number in range(300)}})
    assert len(line.metadata) == 100
    assert "\udc80" not in line.metadata
