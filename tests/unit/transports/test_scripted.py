"""The line without a network; its Line side is held to the conformance suite."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.errors import LocalProtocolError
from voxgate.transports.base import Line, LineAudio, LineCapabilities, LineDtmf, LineHangup
from voxgate.transports.scripted import ScriptedLine, ScriptedTransport

FRAME = bytes(320)


async def test_script_is_what_the_line_delivers():
    """Events given at construction wait for the consumer."""
    script = [LineAudio(FRAME), LineDtmf("1"), LineHangup("caller_hangup")]
    line = ScriptedLine(script=script)
    assert [event async for event in line.events()] == script
    assert line.hangup_event == script[-1]


def test_line_is_what_it_is_told_to_be():
    """A test can play any kind of line."""
    mulaw = AudioFormat(Encoding.MULAW)
    wide = AudioFormat(Encoding.PCM16, 16_000)
    capabilities = LineCapabilities(max_silence_ms=None, can_flush=True, max_lead_ms=500)
    line = ScriptedLine("c7", capture_format=wide, playout_format=mulaw, capabilities=capabilities)
    assert line.call_id == "c7"
    assert (line.capture_format, line.playout_format) == (wide, mulaw)
    assert line.capabilities is capabilities


def test_what_is_sent_is_heard():
    """The caller's side keeps the frames, in order."""
    line = ScriptedLine()
    line.send_audio(b"ab")
    line.send_audio(b"cd")
    assert line.heard == (b"ab", b"cd")


def test_caller_who_does_not_read_hears_it_late():
    """Up to the bound, frames wait; beyond it they are dropped and counted."""
    line = ScriptedLine(max_waiting_frames=2)
    line.stop_reading()
    for frame in (b"ab", b"cd", b"ef"):
        line.send_audio(frame)
    assert line.heard == ()
    assert line.dropped_sent_frames == 1
    line.resume_reading()
    line.send_audio(b"gh")
    assert line.heard == (b"ab", b"cd", b"gh")


def test_caller_who_never_reads_loses_the_line():
    """As with a socket, the call breaks in the end."""
    line = ScriptedLine(max_waiting_frames=1, max_dropped_in_a_row=2)
    line.stop_reading()
    for _ in range(3):
        line.send_audio(FRAME)
    assert line.hangup_event == LineHangup("transport_error", "the peer does not read")


def test_audio_that_nobody_takes_is_counted():
    """The queue of a scripted line is bounded too."""
    line = ScriptedLine(script=[LineAudio(FRAME)] * 501)
    assert line.dropped_received_frames == 1


@pytest.mark.parametrize("frame", [b"", b"abc"])
def test_frame_that_is_no_audio_is_refused(frame: bytes):
    """A mistake of the engine shows here as it would on a real line."""
    with pytest.raises(LocalProtocolError, match=f"{len(frame)} bytes"):
        ScriptedLine().send_audio(frame)


async def test_hangup_ends_the_call_once():
    """After the end, nothing is heard and a second hangup changes nothing."""
    line = ScriptedLine()
    line.receive(LineHangup("caller_hangup"))
    await line.hangup()
    line.send_audio(FRAME)
    assert line.heard == ()
    assert line.hangup_event == LineHangup("caller_hangup")


async def test_placed_call_is_served_and_hung_up():
    """The transport hands the line to the handler, and ends it when the handler is done."""
    served: list[Line] = []

    async def handler(line: Line) -> None:
        served.append(line)

    transport = ScriptedTransport()
    assert transport.address == ("scripted", 0)
    await transport.start(handler)
    line = ScriptedLine()
    await transport.place_call(line)
    assert served == [line]
    assert line.hangup_event == LineHangup("local_hangup")


async def test_call_is_hung_up_when_serving_it_fails():
    """A handler that raises leaves no line behind."""

    async def handler(line: Line) -> None:
        raise RuntimeError(line.call_id)

    transport = ScriptedTransport()
    await transport.start(handler)
    line = ScriptedLine()
    with pytest.raises(RuntimeError, match="scripted-1"):
        await transport.place_call(line)
    assert line.hangup_event == LineHangup("local_hangup")


async def test_stopped_transport_takes_no_call():
    """As a closed server, it can't be called."""

    async def handler(line: Line) -> None: ...

    transport = ScriptedTransport()
    await transport.start(handler)
    await transport.stop()
    with pytest.raises(LocalProtocolError, match="not started"):
        await transport.place_call(ScriptedLine())


def test_a_flush_is_noted_where_it_comes():
    """What it means to what was sent is the test's to say; the call's metadata and kind too."""
    line = ScriptedLine(metadata={"to": "+15550100"}, kind="twilio")
    line.send_audio(FRAME)
    line.flush()
    line.send_audio(FRAME)
    assert line.flushed_at == (1,)
    assert line.metadata == {"to": "+15550100"}
    assert (line.kind, ScriptedLine().kind) == ("twilio", "scripted")
