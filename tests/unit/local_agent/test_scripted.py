"""Tests of the recogniser and the voice that do what they are told."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.errors import ProviderError
from voxgate.local_agent.recogniser import RECOGNISER_FORMAT
from voxgate.local_agent.scripted import ScriptedRecogniser, ScriptedVoice

SECOND = b"\x01\x00" * RECOGNISER_FORMAT.rate_hz


async def started(recogniser: ScriptedRecogniser) -> ScriptedRecogniser:
    await recogniser.start()
    return recogniser


async def test_texts_come_in_the_order_in_which_turns_end() -> None:
    """Then it is always the same."""
    recogniser = await started(ScriptedRecogniser(["one", "two"], otherwise="more"))
    turns = [recogniser.begin() for _ in range(3)]
    for turn in turns:
        turn.send_audio(SECOND)
    assert [await turn.finish() for turn in reversed(turns)] == ["one", "two", "more"]
    assert recogniser.turns == turns


async def test_words_show_while_the_turn_goes_on() -> None:
    """One more for so many ms of sound."""
    recogniser = await started(ScriptedRecogniser(["a b c d e f"], ms_per_word=400))
    turn = recogniser.begin()
    shown = [turn.text]
    for _ in range(3):
        turn.send_audio(SECOND)
        shown.append(turn.text)
    assert shown == ["", "a b", "a b c d e", "a b c d e f"]


async def test_silence_takes_no_text() -> None:
    """A turn without sound has no words, and the next one gets the text."""
    recogniser = await started(ScriptedRecogniser(["one"]))
    silent, spoken = recogniser.begin(), recogniser.begin()
    silent.send_audio(bytes(32_000))
    spoken.send_audio(SECOND)
    assert (silent.text, await silent.finish()) == ("", "")
    assert await spoken.finish() == "one"


async def test_a_recogniser_fails_when_it_is_told_to_and_when_it_does_not_run() -> None:
    """With the very error."""
    recogniser = ScriptedRecogniser(["one"])
    with pytest.raises(ProviderError, match="not running"):
        await recogniser.begin().finish()
    await recogniser.start()
    recogniser.failure = ProviderError("peer", "is tired", retryable=True)
    with pytest.raises(ProviderError, match="peer: is tired"):
        await recogniser.begin().finish()


async def test_it_notes_what_it_was_sent_and_that_a_turn_was_forgotten() -> None:
    """Tests ask it for both."""
    turn = (await started(ScriptedRecogniser())).begin()
    turn.send_audio(b"\x01\x02")
    turn.send_audio(b"\x03\x04")
    await turn.cancel()
    assert turn.audio == b"\x01\x02\x03\x04"
    assert turn.is_cancelled


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_a_tone_is_as_long_as_its_text(encoding: Encoding) -> None:
    """In pieces of at most 200 ms, and loud."""
    audio_format = AudioFormat(encoding)
    voice = ScriptedVoice(audio_format, ms_per_letter=50)
    await voice.start()
    pieces = [piece async for piece in voice.speak("hello ")]
    assert {piece.audio_format for piece in pieces} == {audio_format}
    assert [audio_format.duration_ms(len(piece.audio)) for piece in pieces] == [200, 50]
    assert b"".join(piece.audio for piece in pieces) == voice.tone("hello")
    assert abs(decode(pieces[0].audio, audio_format)).max() > 7000
    assert voice.texts == ["hello "]


async def test_a_voice_fails_when_it_is_told_to_and_when_it_does_not_run() -> None:
    """After the first piece, or before it."""
    voice = ScriptedVoice()
    with pytest.raises(ProviderError, match="not running"):
        await anext(voice.speak("hello"))
    await voice.start()
    voice.failure = ProviderError("peer", "is hoarse", retryable=True)
    speech = voice.speak("a long sentence to speak")
    await anext(speech)
    with pytest.raises(ProviderError, match="peer: is hoarse"):
        await anext(speech)
