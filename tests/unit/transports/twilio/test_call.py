"""A stream without its socket: what comes of messages, and what messages come of frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.twilio_messages import CALL_SID, STREAM_SID, connected, dtmf, mark, media, start, stop
from voxgate.errors import LocalProtocolError
from voxgate.transports.base import (
    LineAudio,
    LineDtmf,
    LineEvent,
    LineHangup,
    LinePlayed,
    LineWarning,
)
from voxgate.transports.twilio.call import TwilioCall

FRAME = bytes(range(160))


def received(call: TwilioCall, *messages: dict[str, Any]) -> list[LineEvent]:
    return [event for each in messages for event in call.receive_text(json.dumps(each))]


def started() -> TwilioCall:
    call = TwilioCall()
    assert received(call, connected(), start(parameters={"language": "en"})) == []
    return call


def test_start_says_which_call_it_is():
    """Nothing is known of it before."""
    call = TwilioCall()
    assert call.started is None
    assert not call.is_started
    received(call, connected(), start(parameters={"language": "en"}))
    assert call.started is not None
    assert (call.started.stream_sid, call.started.call_sid) == (STREAM_SID, CALL_SID)
    assert call.started.parameters == {"language": "en"}
    assert call.is_started
    assert not call.is_paused
    assert call.hang_up() == ()


def test_what_the_caller_does_is_what_the_line_tells():
    """Audio with its place, keys, and the end."""
    call = started()
    events = received(call, media(FRAME, timestamp_ms=40), dtmf("#"), stop(), media(FRAME))
    assert events == [LineAudio(FRAME, 40), LineDtmf("#"), LineHangup("caller_hangup")]
    assert call.stats.received_frames == 1


def test_long_audio_comes_in_pieces_that_know_their_place():
    """The gate takes no second at once; nothing is lost over it."""
    events = received(started(), media(b"\x01" * 9000, timestamp_ms=100))
    assert [(len(event.audio), event.timestamp_ms) for event in events] == [
        (4000, 100),
        (4000, 600),
        (1000, 1100),
    ]


def test_each_frame_is_audio_and_a_mark_that_tells_when_it_was_played():
    """Marks count frames; those of frames cleared are not reported."""
    call = started()
    sent = [call.send_audio(FRAME) for _ in range(3)]
    names = [json.loads(text)["mark"]["name"] for _, text in sent]
    assert [json.loads(audio)["event"] for audio, _ in sent] == ["media"] * 3
    assert received(call, mark(names[0])) == [LinePlayed(1)]
    assert json.loads(*call.flush()) == {"event": "clear", "streamSid": STREAM_SID}
    assert received(call, mark(names[1]), mark(names[2])) == []
    assert call.stats.void_marks == 2


def test_a_frame_that_was_left_out_has_its_number():
    """The next one's mark tells that both are over."""
    call = started()
    call.send_audio(FRAME)
    call.send_audio(FRAME)  # nobody writes it
    _, text = call.send_audio(FRAME)
    assert received(call, mark(json.loads(text)["mark"]["name"])) == [LinePlayed(3)]


@pytest.mark.parametrize("n_bytes", [0, 3, 159, 161, 320])
def test_parts_of_frames_are_refused(n_bytes: int):
    """They click."""
    with pytest.raises(LocalProtocolError, match=f"{n_bytes} bytes"):
        started().send_audio(bytes(n_bytes))


def test_nothing_can_be_sent_before_the_start():
    """The stream has no name yet."""
    call = TwilioCall()
    with pytest.raises(LocalProtocolError, match="started"):
        call.send_audio(FRAME)
    with pytest.raises(LocalProtocolError, match="started"):
        call.flush()


def test_odd_messages_are_warned_of_once_and_counted():
    """The call goes on."""
    call = started()
    odd = [{"event": "news"}, media(b""), mark("7"), dtmf("x")]
    events = received(call, *odd, *odd)
    codes = ["unknown_event", "empty_audio", "unknown_mark", "unknown_digit"]
    assert [event.code for event in events if isinstance(event, LineWarning)] == [
        f"twilio.{code}" for code in codes
    ]
    assert call.stats.warnings == {f"twilio.{code}": 2 for code in codes}


def test_a_broken_peer_ends_the_call_and_is_told_why():
    """Text or binary; nothing follows."""
    call = started()
    (event,) = call.receive_text("{")
    assert isinstance(event, LineHangup)
    assert (event.reason, event.detail) == ("protocol_error", "a message is not JSON (message 3)")
    assert received(call, media(FRAME)) == []
    (event,) = started().receive_binary(b"12345")
    assert isinstance(event, LineHangup)
    assert event.reason == "protocol_error"
