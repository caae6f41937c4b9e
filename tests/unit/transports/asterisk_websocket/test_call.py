"""A call without its socket: what comes of messages, and what messages come of frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.asterisk_websocket_messages import CHANNEL_ID, control, media_start, plain_start
from voxgate.errors import LocalProtocolError
from voxgate.transports.asterisk_websocket.call import AsteriskWebSocketCall
from voxgate.transports.base import (
    LineAudio,
    LineDtmf,
    LineEvent,
    LineHangup,
    LinePlayed,
    LineWarning,
)

FRAME = bytes(range(160))


def received(call: AsteriskWebSocketCall, *messages: str | bytes) -> list[LineEvent]:
    return [
        event
        for each in messages
        for event in (
            call.receive_binary(each) if isinstance(each, bytes) else call.receive_text(each)
        )
    ]


def started(**fields: Any) -> AsteriskWebSocketCall:
    call = AsteriskWebSocketCall()
    assert received(call, media_start(**fields)) == []
    return call


def mark(name: str) -> str:
    return control("MEDIA_MARK_PROCESSED", correlation_id=name)


def test_media_start_says_which_call_it_is():
    """Nothing is known of it before, and nothing can be sent."""
    call = AsteriskWebSocketCall()
    assert (call.started, call.is_started) == (None, False)
    for send in (call.answer, call.flush, call.hang_up, lambda: call.send_audio(FRAME)):
        with pytest.raises(LocalProtocolError, match="started"):
            send()
    received(call, media_start())
    assert call.started is not None
    assert (call.started.channel_id, call.is_started) == (CHANNEL_ID, True)


def test_what_the_caller_does_is_what_the_line_tells():
    """Audio as it came, and keys."""
    call = started()
    events = received(call, FRAME, control("DTMF_END", digit="#", channel_id=CHANNEL_ID), b"\x01")
    assert events == [LineAudio(FRAME), LineDtmf("#"), LineAudio(b"\x01")]
    assert call.stats.received_frames == 2


def test_half_a_sample_waits_for_the_other_half():
    """Asterisk cuts messages where it likes."""
    call = started(format_name="slin16", optimal_frame_size=640)
    assert received(call, b"abc", b"d", b"e", b"fg") == [
        LineAudio(b"ab"),
        LineAudio(b"cd"),
        LineAudio(b"ef"),
    ]


def test_a_second_at_once_comes_in_pieces():
    """The gate takes no second at once."""
    assert [len(event.audio) for event in received(started(), bytes(8000))] == [4000, 4000]


@pytest.mark.parametrize("is_json", [False, True])
def test_commands_are_written_as_asterisk_writes(is_json: bool):
    """In the form of MEDIA_START."""
    call = started(is_json=is_json)
    (answer,), (flush,), (hangup,) = call.answer(), call.flush(), call.hang_up()
    audio, mark_text = call.send_audio(FRAME)
    assert audio == FRAME
    texts = [answer, flush, hangup, mark_text]
    if is_json:
        messages = [json.loads(text) for text in texts]
        texts = [" ".join(message.values()) for message in messages]
    assert texts == ["ANSWER", "FLUSH_MEDIA", "HANGUP", "MARK_MEDIA 1"]


def test_marks_tell_what_was_played_and_say_nothing_after_a_flush():
    """One that was on its way when we flushed is not reported; those of later frames are."""
    call = started()
    for _ in range(3):
        call.send_audio(FRAME)
    assert received(call, mark("1")) == [LinePlayed(1)]
    call.flush()
    assert received(call, mark("2"), mark("3")) == []
    assert call.stats.void_marks == 2
    call.send_audio(FRAME)
    assert received(call, mark("4")) == [LinePlayed(4)]


def test_frames_are_put_together_as_asterisk_plays_them():
    """A mark is behind whole frames only; a flush forgets what is held."""
    call = started(optimal_frame_size=240)
    assert call.send_audio(FRAME) == ()
    audio, text = call.send_audio(FRAME)
    assert (audio, text) == ((FRAME + FRAME)[:240], "MARK_MEDIA 1")
    call.flush()
    assert call.send_audio(FRAME) == ()
    audio, text = call.send_audio(FRAME)
    assert (audio, text) == ((FRAME + FRAME)[:240], "MARK_MEDIA 3")


@pytest.mark.parametrize("n_bytes", [0, 3, 159, 161, 320])
def test_parts_of_frames_are_refused(n_bytes: int):
    """They click."""
    with pytest.raises(LocalProtocolError, match=f"{n_bytes} bytes"):
        started().send_audio(bytes(n_bytes))


def test_asterisks_pause_is_kept_and_counted():
    """Until it wants more, says that there is room, or has been told to forget all of it."""
    call = started()
    assert [type(event) for event in received(call, "MEDIA_XOFF")] == [LineWarning]
    assert call.is_paused
    received(call, "MEDIA_XON")
    assert not call.is_paused
    assert received(call, "MEDIA_XOFF") == []
    call.flush()
    assert not call.is_paused
    status = "STATUS queue_length:950 queue_full:{} bulk_media:false media_paused:false"
    received(call, status.format("true"))
    assert call.is_paused
    received(call, status.format("false"))
    assert not call.is_paused
    assert call.stats.warnings == {"asterisk_websocket.media_paused": 3}


def test_an_asterisk_without_marks_is_sent_none():
    """It would log each of them as unknown; what was heard is estimated, and the log says so."""
    call = AsteriskWebSocketCall()
    (warning,) = received(call, plain_start())
    assert isinstance(warning, LineWarning)
    assert warning.code == "asterisk_websocket.no_marks"
    assert call.send_audio(FRAME) == (FRAME,)


def test_a_channel_in_pass_through_mode_is_sent_no_more_marks():
    """It answers each of them with an error."""
    call = started()
    text = control("ERROR", error_text="MARK_MEDIA not supported in passthrough mode")
    codes = [event.code for event in received(call, text) if isinstance(event, LineWarning)]
    assert codes == ["asterisk_websocket.peer_error", "asterisk_websocket.no_marks"]
    assert call.send_audio(FRAME) == (FRAME,)


def test_odd_messages_are_warned_of_once_and_counted():
    """The call goes on."""
    call = started()
    odd = ["MEDIA_NEWS", b"", mark("7"), "DTMF_END digit:x", control("ERROR", error_text="no")]
    quiet = ["QUEUE_DRAINED", control("MEDIA_BUFFERING_COMPLETED", correlation_id="")]
    events = received(call, *odd, *odd, *quiet)
    codes = ["unknown_event", "empty_audio", "unknown_mark", "unknown_digit", "peer_error"]
    assert [event.code for event in events if isinstance(event, LineWarning)] == [
        f"asterisk_websocket.{code}" for code in codes
    ]
    assert len(events) == len(codes)
    assert call.stats.warnings == {f"asterisk_websocket.{code}": 2 for code in codes}


def test_a_broken_peer_ends_the_call_and_is_told_why():
    """Nothing follows."""
    call = started()
    (event,) = received(call, "{")
    assert isinstance(event, LineHangup)
    assert (event.reason, event.detail) == ("protocol_error", "a message is not JSON (message 2)")
    assert received(call, FRAME) == []
