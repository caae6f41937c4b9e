"""A recogniser gets a turn from before its beginning, without a hole."""

from __future__ import annotations

import pytest

from support.local_parts import ScriptedRecogniser
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.stream_converter import StreamConverter
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT
from voxgate.providers.local.listening import Listening

MS = 32
"""Bytes of a millisecond for a recogniser."""


def frames(count: int) -> list[bytes]:
    return [bytes([n % 256, n // 256]) * 320 for n in range(count)]


def test_a_turn_has_its_onset_and_300_ms_before_it() -> None:
    """And everything after it, as it comes."""
    recogniser = ScriptedRecogniser()
    listening = Listening(recogniser, RECOGNISER_FORMAT)
    sent = frames(60)
    for frame in sent[:50]:
        listening.hear(frame)
    listening.begin(100.0)
    for frame in sent[50:]:
        listening.hear(frame)

    (recognition,) = recogniser.recognitions
    assert recognition.audio == b"".join(sent)[(1000 - 400) * MS :]
    assert listening.is_listening


def test_what_is_kept_is_bounded() -> None:
    """A call is hours long."""
    recogniser = ScriptedRecogniser()
    listening = Listening(recogniser, RECOGNISER_FORMAT)
    for frame in frames(1000):
        listening.hear(frame)
    listening.begin(60_000.0)
    assert len(recogniser.recognitions[0].audio) == 2500 * MS


def test_a_turn_that_is_listened_to_already_is_not_begun_again() -> None:
    """A suspicion became a turn."""
    recogniser = ScriptedRecogniser()
    listening = Listening(recogniser, RECOGNISER_FORMAT)
    assert listening.text == ""
    listening.begin(0.0)
    listening.begin(0.0)
    recogniser.partial = "hello"
    listening.hear(bytes(640))
    assert listening.text == "hello"
    (recognition,) = recogniser.recognitions
    assert listening.take() is recognition
    assert listening.take() is None
    assert not listening.is_listening


@pytest.mark.parametrize("encoding", list(Encoding))
def test_the_line_s_format_becomes_the_recogniser_s(encoding: Encoding) -> None:
    """However the line cuts it."""
    line = AudioFormat(encoding)
    recogniser = ScriptedRecogniser()
    listening = Listening(recogniser, line)
    audio = bytes(range(256)) * 20
    listening.begin(0.0)
    for at in range(0, len(audio), 333):
        listening.hear(audio[at : at + 333])
    whole = StreamConverter(line, RECOGNISER_FORMAT).process(audio)
    assert recogniser.recognitions[0].audio == whole
