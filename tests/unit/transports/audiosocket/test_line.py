"""The line as the engine sees it."""

from __future__ import annotations

from uuid import UUID

import pytest

from support.audiosocket_peer import AUDIO, CALL_ID, HANGUP, wire_frame
from support.fake_socket_transport import FakeSocketTransport
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.errors import LocalProtocolError
from voxgate.transports.audiosocket.connection import AudioSocketConnection
from voxgate.transports.audiosocket.line import AudioSocketLine
from voxgate.transports.base import Line, LineAudio, LineCapabilities, LineHangup, LineWarning

ID = UUID("c0ffee00-1234-4abc-8def-00112233aabb")
WIDE = AudioFormat(Encoding.PCM16, 16_000)


def line_of(playout_format: AudioFormat) -> tuple[AudioSocketLine, FakeSocketTransport]:
    connection = AudioSocketConnection(lambda _: None)
    transport = FakeSocketTransport(connection, closes_when_told=True)
    connection.connection_made(transport)
    transport.receive(wire_frame(CALL_ID, ID.bytes))
    line = AudioSocketLine(str(ID), connection, capture_format=WIDE, playout_format=playout_format)
    return line, transport


async def test_line_says_what_it_is():
    """The engine reads the 2 s rule and the lack of a buffer to flush from the capabilities."""
    line: Line
    line, _ = line_of(AudioFormat())
    assert line.kind == "audiosocket"
    assert line.call_id == "c0ffee00-1234-4abc-8def-00112233aabb"
    assert (line.capture_format, line.playout_format) == (WIDE, AudioFormat())
    assert line.capabilities == LineCapabilities(
        max_silence_ms=2000, can_flush=False, max_lead_ms=0
    )


async def test_a_line_knows_of_its_call_what_it_was_told():
    """And hands it over by what it was given for that; nothing, where nothing is known."""

    async def transfer(target: str) -> None: ...

    line, _ = line_of(AudioFormat())
    assert (line.metadata, line.transfer) == ({}, None)
    connection = AudioSocketConnection(lambda _: None)
    told = AudioSocketLine(
        str(ID),
        connection,
        capture_format=WIDE,
        playout_format=WIDE,
        metadata={"called_number": "700"},
        transfer=transfer,
    )
    assert (told.metadata, told.transfer) == ({"called_number": "700"}, transfer)


async def test_a_flush_sends_nothing():
    """Asterisk ends a call over a kind that it does not know, and can't forget what it has."""
    line, transport = line_of(AudioFormat())
    line.send_audio(bytes(320))
    line.flush()
    assert transport.writes == [wire_frame(AUDIO, bytes(320))]
    assert line.metadata == {}


@pytest.mark.parametrize(("rate_hz", "kind"), [(8_000, 0x10), (12_000, 0x11), (16_000, 0x12)])
async def test_frames_carry_the_kind_of_the_playout_format(rate_hz: int, kind: int):
    """Each frame is one write, with the kind of its rate."""
    playout_format = AudioFormat(Encoding.PCM16, rate_hz)
    line, transport = line_of(playout_format)
    frame = bytes(playout_format.frame_bytes)
    line.send_audio(frame)
    assert transport.writes == [wire_frame(kind, frame)]


@pytest.mark.parametrize("frame", [b"", b"abc"])
async def test_frame_that_would_end_the_call_is_refused(frame: bytes):
    """The mistake is the engine's, and the caller does not pay for it."""
    line, transport = line_of(AudioFormat())
    with pytest.raises(LocalProtocolError, match=f"{len(frame)} bytes"):
        line.send_audio(frame)
    assert transport.writes == []


async def test_stats_count_both_directions():
    """What was received, sent, lost and odd, at any time."""
    line, transport = line_of(AudioFormat())
    transport.receive(wire_frame(AUDIO, bytes(320)) + wire_frame(AUDIO, bytes(101)))
    transport.receive(wire_frame(AUDIO, bytes(320)) * 500)
    line.send_audio(bytes(320))
    transport.waiting_bytes = 1_000_000
    line.send_audio(bytes(320))
    stats = line.stats
    assert (stats.received_frames, stats.short_frames, stats.dropped_received_frames) == (502, 1, 2)
    assert (stats.sent_frames, stats.dropped_sent_frames) == (1, 1)
    assert stats.dropped_received_events == 0
    assert stats.warnings == {"audiosocket.odd_length": 1}


async def test_events_end_with_the_hangup():
    """The whole call, in order."""
    line, transport = line_of(AudioFormat())
    transport.receive(wire_frame(AUDIO, b"abc") + wire_frame(HANGUP))
    warning = LineWarning(
        "audiosocket.odd_length", "the last byte of an odd PCM16 payload was dropped"
    )
    events = [event async for event in line.events()]
    assert events == [warning, LineAudio(b"ab"), LineHangup("caller_hangup")]


async def test_hangup_tells_the_peer():
    """Asterisk gets the one control frame that it takes, and closes."""
    line, transport = line_of(AudioFormat())
    await line.hangup()
    assert transport.writes == [wire_frame(HANGUP)]
    assert [event async for event in line.events()] == [LineHangup("local_hangup")]
