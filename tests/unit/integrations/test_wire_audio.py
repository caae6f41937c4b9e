"""The audio in a serializer's messages is found, and nothing in a message raises."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.integrations.wire_audio import parse_wire_audio, parse_wire_time

_MULAW = AudioFormat(Encoding.MULAW)
_ALAW = AudioFormat(Encoding.ALAW)
_AUDIO = bytes(range(160))
_PAYLOAD = b64encode(_AUDIO).decode()

_TWILIO = {"event": "media", "streamSid": "MZ1", "media": {"payload": _PAYLOAD}}
_TELNYX = {"event": "media", "media": {"payload": _PAYLOAD}}
_PLIVO = {
    "event": "playAudio",
    "media": {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": _PAYLOAD},
    "streamId": "s",
}


@pytest.mark.parametrize("message", [_TWILIO, _TELNYX, _PLIVO], ids=["twilio", "telnyx", "plivo"])
def test_audio_is_taken_as_it_went_out(message: dict[str, object]) -> None:
    """The payload of all three is mu-law, byte for byte."""
    assert parse_wire_audio(json.dumps(message)) == (_AUDIO, _MULAW)


def test_a_telnyx_line_of_a_law_is_a_law() -> None:
    """Its messages do not say so; who made the serializer knows."""
    assert parse_wire_audio(json.dumps(_TELNYX), _ALAW) == (_AUDIO, _ALAW)


@pytest.mark.parametrize(
    "message",
    [
        None,
        b"\x00\x01",
        "",
        "{",
        "[1]",
        '{"event":"clear","streamSid":"MZ1"}',
        '{"media":[]}',
        '{"media":{"payload":7}}',
        '{"media":{"payload":""}}',
        '{"media":{"payload":"no base64!"}}',
        '{"media":{"payload":"AAAA","contentType":"audio/x-l16"}}',
        '{"media":{"payload":"AAAA","sampleRate":16000}}',
        "[" * 100_000,
        '{"media":{"payload":"' + "A" * (1 << 20) + '"}}',
    ],
    ids=range(14),
)
def test_what_is_no_g711_has_no_audio_here(message: str | bytes | None) -> None:
    """Commands, binary frames, linear PCM, nonsense: None, and no error."""
    assert parse_wire_audio(message) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["media", "payload", "contentType", "sampleRate", "event"]), inner
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_no_json_raises(value: object) -> None:
    """Whatever a message holds, it is audio or None."""
    found = parse_wire_audio(json.dumps(value))
    assert found is None or found.audio


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_raises(message: str | bytes) -> None:
    """Nor does what is no JSON."""
    found = parse_wire_audio(message)
    assert found is None or found.audio


@pytest.mark.parametrize("timestamp", ["120", 120, 120.0])
def test_the_streams_time_is_read(timestamp: object) -> None:
    """Twilio writes its numbers as texts."""
    message = {"event": "media", "media": {"timestamp": timestamp, "payload": _PAYLOAD}}
    assert parse_wire_time(json.dumps(message)) == 120.0


@pytest.mark.parametrize("timestamp", ["", "soon", None, [], "1e999", "nan", {}])
def test_a_time_that_is_none_is_none(timestamp: object) -> None:
    """Without a time, audio is taken to be captured when it comes."""
    assert parse_wire_time(json.dumps({"media": {"timestamp": timestamp}})) is None
    assert parse_wire_time(json.dumps({"media": {}})) is None
    assert parse_wire_time(b"") is None
