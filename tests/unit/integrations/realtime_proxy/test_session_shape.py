"""How a session is set up is read from both shapes of the protocol."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.integrations.realtime_proxy.session_shape import SessionShape

MULAW = AudioFormat(Encoding.MULAW)
ALAW = AudioFormat(Encoding.ALAW)
PCM = AudioFormat(Encoding.PCM16, 24_000)


def test_a_session_begins_with_pcm_at_24_khz_and_a_turn_detector() -> None:
    """The API's own defaults."""
    shape = SessionShape()
    assert (shape.input_format, shape.output_format, shape.interrupts) == (PCM, PCM, True)
    assert shape.is_gateable


@pytest.mark.parametrize(
    ("session", "heard", "said"),
    [
        ({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}, MULAW, PCM),
        ({"audio": {"output": {"format": {"type": "audio/pcma"}}}}, PCM, ALAW),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}}}, PCM, PCM),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            AudioFormat(Encoding.PCM16, 16_000),
            PCM,
        ),
        ({"input_audio_format": "g711_ulaw", "output_audio_format": "g711_alaw"}, MULAW, ALAW),
        ({"input_audio_format": "pcm16"}, PCM, PCM),
        ({"input_audio_format": "audio/pcm"}, PCM, PCM),
        ({"audio": {"input": {}}, "voice": "x"}, PCM, PCM),
    ],
)
def test_formats_are_read(session: Any, heard: AudioFormat, said: AudioFormat) -> None:
    """What is not said stays."""
    shape = SessionShape().merged(session)
    assert (shape.input_format, shape.output_format) == (heard, said)
    assert shape.merged({"instructions": "."}) == shape


@pytest.mark.parametrize(
    "format_",
    ["opus", 5, None, {"type": "audio/opus"}, {"type": 1}, {"type": "audio/pcm", "rate": 7}],
)
def test_audio_of_an_unknown_format_is_not_gated(format_: object) -> None:
    """It can't be judged."""
    assert not SessionShape().merged({"audio": {"input": {"format": format_}}}).is_gateable


@pytest.mark.parametrize(
    "session",
    [
        {"type": "transcription"},
        {"output_modalities": ["text"]},
        {"modalities": ["text"]},
    ],
)
def test_where_no_agent_speaks_nothing_is_gated(session: Any) -> None:
    """There is no echo to keep from it; the next update may bring the agent back."""
    shape = SessionShape().merged(session)
    assert not shape.is_gateable
    back = {"type": "realtime", "output_modalities": ["audio"]}
    assert shape.merged(back).is_gateable


@pytest.mark.parametrize(
    ("turn_detection", "interrupts"),
    [
        (None, False),
        ({"type": "server_vad"}, True),
        ({"type": "semantic_vad", "interrupt_response": True}, True),
        ({"type": "server_vad", "interrupt_response": False}, False),
    ],
)
def test_who_interrupts_is_read(turn_detection: Any, interrupts: bool) -> None:
    """At the place of today and at the older one."""
    today = {"audio": {"input": {"turn_detection": turn_detection}}}
    for session in (today, {"turn_detection": turn_detection}):
        assert SessionShape().merged(session).interrupts is interrupts


_VALUES = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
_NAMES = st.sampled_from(["audio", "input", "output", "format", "type", "turn_detection", "rate"])


@given(
    st.recursive(_VALUES, lambda inner: st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12)
)
def test_no_session_object_raises(session: object) -> None:
    """Clients send what they like; a shape comes of it all the same."""
    shape = SessionShape().merged(session)
    assert shape.merged(session) == shape
