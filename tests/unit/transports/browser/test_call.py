"""A browser's call without its socket: what comes of messages, and what messages come of frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.browser_messages import dtmf, gap, hangup, played, start
from voxgate.errors import LocalProtocolError
from voxgate.transports.base import (
    LineAudio,
    LineDtmf,
    LineEvent,
    LineHangup,
    LinePlayed,
    LineWarning,
)
from voxgate.transports.browser.call import BrowserCall

FRAME = bytes(range(128)) * 5
TOKEN = "caf\u00e9 au lait"  # noqa: S105 - nobody's


def received(call: BrowserCall, *messages: dict[str, Any] | bytes) -> list[LineEvent]:
    events: list[LineEvent] = []
    for each in messages:
        is_audio = isinstance(each, bytes)
        events += call.receive_binary(each) if is_audio else call.receive_text(json.dumps(each))
    return events


def started() -> BrowserCall:
    call = BrowserCall()
    assert received(call, start({"page": "desk"})) == []
    return call


def test_a_start_begins_the_call():
    """Nothing is known of it before."""
    call = BrowserCall()
    assert not call.is_started
    assert call.parameters == {}
    received(call, start({"page": "desk"}))
    assert call.is_started
    assert call.parameters == {"page": "desk"}
    assert not call.is_paused


def test_the_right_token_begins_a_call_that_asks_for_one():
    """To the letter."""
    call = BrowserCall(TOKEN)
    assert received(call, start(token=TOKEN)) == []
    assert call.is_started


@pytest.mark.parametrize("token", [None, "", "x", TOKEN[:-1], TOKEN + " "])
def test_without_the_right_token_there_is_no_call(token: str | None):
    """The page is told that, not what would be right."""
    call = BrowserCall(TOKEN)
    (event,) = received(call, start(token=token))
    assert event == LineHangup("protocol_error", "the token is missing or wrong")
    assert not call.is_started


def test_a_token_that_nobody_asked_for_is_no_harm():
    """A page may be set up before its line."""
    call = BrowserCall()
    received(call, start(token="x"))  # noqa: S106
    assert call.is_started


def test_what_the_caller_does_is_what_the_line_tells():
    """Audio with its place, keys, and the end."""
    call = started()
    events = received(call, FRAME, gap(320), FRAME, dtmf("#"), hangup(), FRAME)
    assert events == [
        LineAudio(FRAME, 0.0),
        LineAudio(FRAME, 40.0),
        LineDtmf("#"),
        LineHangup("caller_hangup"),
    ]
    assert call.stats.received_frames == 2
    assert call.skipped_samples == 320


def test_long_audio_comes_in_pieces_that_know_their_place():
    """The gate takes no second at once; nothing is lost over it."""
    events = received(started(), bytes(640), b"\x01\x00" * 18_000)
    assert [
        (len(event.audio), event.timestamp_ms) for event in events if isinstance(event, LineAudio)
    ] == [(640, 0.0), (16_000, 20.0), (16_000, 520.0), (4_000, 1020.0)]


def test_a_frame_is_sent_as_it_is_and_reported_when_it_was_played():
    """Reports of frames flushed are not told."""
    call = started()
    assert [call.send_audio(FRAME) for _ in range(3)] == [(FRAME,)] * 3
    assert received(call, played(1)) == [LinePlayed(1)]
    assert [json.loads(text) for text in call.flush()] == [{"type": "flush", "flush": 1}]
    assert received(call, played(3)) == []
    assert call.stats.void_marks == 1


def test_a_frame_that_was_left_out_has_its_number():
    """The next one's report tells that both are over."""
    call = started()
    call.send_audio(FRAME)
    call.send_audio(FRAME)
    call.leave_out_audio()
    call.send_audio(FRAME)
    assert received(call, played(2)) == [LinePlayed(3)]


@pytest.mark.parametrize("n_bytes", [0, 3, 320, 639, 1280])
def test_parts_of_frames_are_refused(n_bytes: int):
    """What is played is counted in frames."""
    with pytest.raises(LocalProtocolError, match=f"{n_bytes} bytes"):
        started().send_audio(bytes(n_bytes))


def test_nothing_can_be_sent_before_the_start():
    """Who is there is not known yet."""
    with pytest.raises(LocalProtocolError, match="started"):
        BrowserCall().send_audio(FRAME)


def test_the_end_is_told_in_good_order():
    """Before the WebSocket is closed."""
    assert [json.loads(text) for text in started().hang_up()] == [
        {"type": "hangup", "reason": "ended"}
    ]


def test_odd_messages_are_warned_of_once_and_counted():
    """The call goes on."""
    call = started()
    odd: list[dict[str, Any] | bytes] = [{"type": "news"}, b"", played(7), dtmf("x")]
    events = received(call, *odd, *odd)
    codes = ["unknown_message", "empty_audio", "impossible_played", "unknown_digit"]
    assert [event.code for event in events if isinstance(event, LineWarning)] == [
        f"browser.{code}" for code in codes
    ]
    assert call.stats.warnings == {f"browser.{code}": 2 for code in codes}


def test_a_broken_peer_ends_the_call_and_is_told_why():
    """Text or binary; nothing follows."""
    call = started()
    (event,) = call.receive_text("{")
    assert event == LineHangup("protocol_error", "a message is not JSON (message 2)")
    assert received(call, FRAME) == []
    (event,) = started().receive_binary(b"x")
    assert isinstance(event, LineHangup)
    assert event.reason == "protocol_error"
