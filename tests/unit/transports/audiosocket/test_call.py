"""A call without its socket."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from support.audiosocket_peer import AUDIO, CALL_ID, DTMF, ERROR, HANGUP, wire_frame
from voxgate.transports.audiosocket.call import AudioSocketCall
from voxgate.transports.base import LineAudio, LineDtmf, LineEvent, LineHangup, LineWarning

ID = UUID("c0ffee00-1234-4abc-8def-00112233aabb")
ID_FRAME = wire_frame(CALL_ID, ID.bytes)


def identified() -> AudioSocketCall:
    call = AudioSocketCall()
    assert call.receive_data(ID_FRAME) == []
    return call


def test_call_is_known_by_its_uuid():
    """Before the UUID the call has no name and no format."""
    call = AudioSocketCall()
    assert (call.call_id, call.capture_format) == (None, None)
    call.receive_data(ID_FRAME)
    assert call.call_id == ID


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (wire_frame(AUDIO, b"\x01\x02"), LineAudio(b"\x01\x02")),
        (wire_frame(DTMF, b"*"), LineDtmf("*")),
        (
            wire_frame(DTMF, b"\x7f"),
            LineWarning("audiosocket.unknown_digit", "kind 0x03, length 1"),
        ),
        (wire_frame(0x20, b"abc"), LineWarning("audiosocket.unknown_kind", "kind 0x20, length 3")),
        (wire_frame(ERROR), LineWarning("audiosocket.peer_error", "code none")),
        (wire_frame(ERROR, b"\x02"), LineWarning("audiosocket.peer_error", "code 02")),
        (wire_frame(ERROR, b"12345"), LineWarning("audiosocket.peer_error", "code 31323334 ...")),
        (wire_frame(HANGUP), LineHangup("caller_hangup")),
        (
            ID_FRAME,
            LineHangup(
                "protocol_error",
                "the call was already identified (kind 0x01, length 16, offset 19)",
            ),
        ),
    ],
)
def test_each_wire_event_becomes_one_of_the_line(frame: bytes, event: LineEvent):
    """What Asterisk says is told in the words that every line uses."""
    assert identified().receive_data(frame) == [event]


def test_bare_fin_is_the_callers_hangup():
    """Asterisk says no goodbye."""
    assert identified().receive_eof() == [LineHangup("caller_hangup")]


def test_nothing_follows_the_hangup():
    """The FIN after a hangup frame is not a second hangup."""
    call = identified()
    assert call.receive_data(wire_frame(HANGUP) + wire_frame(DTMF, b"1")) == [
        LineHangup("caller_hangup")
    ]
    assert call.receive_eof() == []


def test_warning_comes_once_and_is_counted():
    """A peer that errs fifty times a second fills no log."""
    call = identified()
    events = call.receive_data(wire_frame(0x20) * 3 + wire_frame(AUDIO, b"abc") * 2)
    warnings = [event.code for event in events if isinstance(event, LineWarning)]
    assert warnings == ["audiosocket.unknown_kind", "audiosocket.odd_length"]
    assert call.stats.warnings == {"audiosocket.unknown_kind": 3, "audiosocket.odd_length": 2}


def test_frames_are_counted():
    """Short frames are among the received ones."""
    call = identified()
    call.receive_data(wire_frame(AUDIO, bytes(320)) * 2 + wire_frame(AUDIO, bytes(276)))
    assert (call.stats.received_frames, call.stats.short_frames) == (3, 1)


def test_format_can_be_fixed_before_audio_comes():
    """The engine gets the line after a short wait, audio or not."""
    call = identified()
    assert call.fix_capture_format().rate_hz == 8000
    (event,) = call.receive_data(wire_frame(0x12, bytes(640)))[1:]
    assert isinstance(event, LineAudio)
    assert len(event.audio) == 320


def test_format_can_be_fixed_at_the_rate_that_is_played():
    """What comes later at that rate is left as it is, without a warning."""
    call = identified()
    assert call.fix_capture_format(16_000).rate_hz == 16_000
    assert call.receive_data(wire_frame(0x12, bytes(640))) == [LineAudio(bytes(640))]
    assert call.fix_capture_format(8000).rate_hz == 16_000


def test_ten_thousand_random_calls_keep_the_rules():
    """Audio is whole samples, warnings come once, and a hangup is last and alone."""
    generator = random.Random(21)  # noqa: S311 - seeded, to repeat a failure
    kinds = (AUDIO, AUDIO, AUDIO, *range(0x11, 0x19), DTMF, ERROR, 0x77)
    for _ in range(10_000):
        call = AudioSocketCall()
        stream = bytearray(ID_FRAME)
        for _ in range(generator.randrange(5)):
            n_bytes = generator.choice((0, 1, 1, 31, 160))
            stream += wire_frame(generator.choice(kinds), generator.randbytes(n_bytes))
        if generator.random() < 0.3:
            stream[generator.randrange(len(stream))] ^= 1 << generator.randrange(8)
        cut = generator.randrange(len(stream) + 1)
        events = call.receive_data(bytes(stream[:cut])) + call.receive_data(bytes(stream[cut:]))
        events += call.receive_eof()
        assert [event for event in events if isinstance(event, LineHangup)] == events[-1:]
        codes = [event.code for event in events if isinstance(event, LineWarning)]
        assert len(codes) == len(set(codes))
        for event in events:
            assert not isinstance(event, LineAudio) or len(event.audio) % 2 == 0 < len(event.audio)


def test_a_frame_taken_as_it_is_read_is_what_it_would_have_been():
    """Whatever came before it: bytes of another frame, another length, audio that is G.711."""
    generator = random.Random(22)  # noqa: S311 - seeded, to repeat a failure
    quiet = bytes(generator.choice((0x7E, 0x7F, 0xFE, 0xFF)) for _ in range(160))
    pieces = [
        *[wire_frame(AUDIO, bytes(320))] * 4,
        wire_frame(AUDIO, quiet),
        wire_frame(AUDIO, bytes(318)),
        wire_frame(0x12, bytes(640)),
        wire_frame(DTMF, b"1"),
        wire_frame(AUDIO, bytes(320)) * 2,
        wire_frame(AUDIO, bytes(320))[:100],
        bytes(220 + 3),
        wire_frame(HANGUP),
    ]
    n_taken = 0
    for _ in range(500):
        at_once, parsed = identified(), identified()
        if generator.random() < 0.8:
            at_once.fix_capture_format()
            parsed.fix_capture_format()
        for piece in generator.choices(pieces, weights=[9] * 4 + [1] * 8, k=20):
            audio = at_once.receive_frame(piece)
            n_taken += audio is not None
            events = at_once.receive_data(piece) if audio is None else [audio]
            assert events == parsed.receive_data(piece)
        assert at_once.stats == parsed.stats
        assert at_once.receive_eof() == parsed.receive_eof()
    assert n_taken > 1000


def test_a_frame_before_the_uuid_is_not_taken_as_it_is_read():
    """The protocol wants the UUID first, and says so."""
    call = AudioSocketCall()
    call.fix_capture_format()
    assert call.receive_frame(wire_frame(AUDIO, bytes(320))) is None
