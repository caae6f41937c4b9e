"""Tests of what the Wyoming events mean to a recogniser and a voice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("wyoming", reason="needs voxgate[local]")

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Info, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeStopped

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.errors import ProviderError, RemoteProtocolError
from voxgate.local_agent.wyoming_events import (
    SelectedProgram,
    SoundEnded,
    SoundPiece,
    SoundStarted,
    SpeechEnded,
    TextGrown,
    TextKnown,
    parse_info,
    parse_speech_event,
    parse_text_event,
    raise_error_event,
    select_recogniser,
    select_voice,
)

PIPER = AudioFormat(Encoding.PCM16, 22_050)
OF = Attribution(name="somebody", url="")
COMMON: dict[str, Any] = {
    "attribution": OF, "installed": True, "description": None, "version": None,
}  # fmt: skip


def model(name: str, *languages: str) -> AsrModel:
    return AsrModel(name=name, languages=list(languages), **COMMON)


def hearing(*programs: list[AsrModel], streaming: bool = False) -> Info:
    return Info(
        asr=[
            AsrProgram(
                name=f"p{number}", models=models, supports_transcript_streaming=streaming, **COMMON
            )
            for number, models in enumerate(programs)
        ]
    )


def speaking(*programs: list[str], streaming: bool = False) -> Info:
    return Info(
        tts=[
            TtsProgram(
                name=f"p{number}",
                voices=[TtsVoice(name=name, languages=[], **COMMON) for name in names],
                supports_synthesize_streaming=streaming,
                **COMMON,
            )
            for number, names in enumerate(programs)
        ]
    )


MODEL: dict[str, Any] = model("tiny", "en").to_dict()
PROGRAM: dict[str, Any] = hearing([model("tiny", "en")]).asr[0].to_dict()


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        (Transcript("hello", language="en").event(), TextKnown("hello")),
        (TranscriptChunk("hel").event(), TextGrown("hel")),
        (TranscriptStop().event(), TextKnown(None)),
        (TranscriptStart().event(), None),
        (Event("voice-stopped"), None),
    ],
)
def test_what_a_recogniser_says(event: Event, meaning: object) -> None:
    """Words so far, all words, or nothing that matters."""
    assert parse_text_event(event) == meaning


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        (AudioStart(22_050, 2, 1).event(), SoundStarted(PIPER)),
        (AudioChunk(22_050, 2, 1, b"abcd").event(), SoundPiece(b"abcd", PIPER)),
        (AudioStop().event(), SoundEnded()),
        (SynthesizeStopped().event(), SpeechEnded()),
        (Event("pong"), None),
    ],
)
def test_what_a_voice_says(event: Event, meaning: object) -> None:
    """Sound and its ends, or nothing that matters."""
    assert parse_speech_event(event) == meaning


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (AudioStart(22_050, 2, 2).event(), "not 16-bit mono"),
        (AudioChunk(22_050, 4, 1, b"abcd").event(), "not 16-bit mono"),
        (AudioStart(11_025, 2, 1).event(), "rate that voxgate does not know"),
        (AudioChunk(22_050, 2, 1, b"abc").event(), "half a sample"),
        (Event("audio-chunk", {"rate": 22_050}), "lacks what it must have"),
        (Event("audio-start", {"rate": [], "width": 2, "channels": 1}), "rate that voxgate"),
    ],
)
def test_sound_that_cannot_be_played_is_an_error_of_the_peer(event: Event, reason: str) -> None:
    """It says what is wrong with it."""
    with pytest.raises(RemoteProtocolError, match=reason):
        parse_speech_event(event)


@pytest.mark.parametrize("data", [{}, {"text": None}, {"text": 5}])
def test_a_text_that_is_none_is_an_error_of_the_peer(data: dict[str, Any]) -> None:
    """Whether it is missing or something else."""
    with pytest.raises(RemoteProtocolError):
        parse_text_event(Event("transcript", data))


def test_an_error_keeps_its_code_and_not_its_words() -> None:
    """A server may quote what a caller said."""
    event = Error("can't make sense of secret", code="bad-audio").event()
    with pytest.raises(ProviderError) as error:
        raise_error_event(event, "tcp://h:1", tell_text=False)
    assert str(error.value) == "tcp://h:1: the server reports an error [bad-audio]"
    assert error.value.retryable


def test_before_anybody_spoke_an_error_may_be_quoted() -> None:
    """The operator reads it at the start; odd codes are left out."""
    event = Error("no such model", code="a b\nc").event()
    with pytest.raises(ProviderError) as error:
        raise_error_event(event, "tcp://h:1", tell_text=True)
    assert str(error.value) == "tcp://h:1: the server reports an error: 'no such model'"
    raise_error_event(Event("transcript"), "tcp://h:1", tell_text=True)


def test_a_description_is_read() -> None:
    """Other events are none."""
    info = hearing([model("tiny", "en")])
    assert parse_info(info.event()) == info
    assert parse_info(Event("pong")) is None


@pytest.mark.parametrize(
    "asr",
    [
        1,
        ["x"],
        [{"name": 1}],
        [{"models": [{"languages": 3}]}],
        [PROGRAM | {"name": 5}],
        [PROGRAM | {"models": 1.5}],
        [PROGRAM | {"models": None}],
        [PROGRAM | {"models": [None]}],
        [PROGRAM | {"models": [MODEL | {"name": []}]}],
        [PROGRAM | {"models": [MODEL | {"languages": None}]}],
    ],
)
def test_a_description_that_cannot_be_read_is_an_error_of_the_peer(asr: Any) -> None:
    """Nothing else is raised."""
    with pytest.raises(RemoteProtocolError):
        parse_info(Event("info", {"asr": asr}))


INFO = hearing([model("tiny", "en", "de")], [model("large", "fr_FR"), model("any")])


@pytest.mark.parametrize(
    ("name", "language", "program"),
    [
        (None, None, None),
        (None, "de", None),
        ("tiny", "en", None),
        ("large", None, "p1"),
        (None, "fr", "p1"),
        ("any", "xx", "p1"),
    ],
)
def test_the_first_program_with_model_and_language_is_used(
    name: str | None, language: str | None, program: str | None
) -> None:
    """The very first one need not be named; a model that lists no languages knows all."""
    selected = select_recogniser(INFO, "tcp://h:1", name, language)
    assert selected == SelectedProgram(name=program, is_streaming=False)


@pytest.mark.parametrize(
    ("info", "name", "language", "reason"),
    [
        (INFO, "huge", None, "there is no model 'huge'; there are any, large, tiny"),
        (INFO, "tiny", "fr", "there is no model for 'fr'; there are de, en"),
        (hearing([]), "tiny", None, "there is no model 'tiny'; it names none"),
        (speaking(["joe"]), None, None, "the server recognises no speech"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    info: Info, name: str | None, language: str | None, reason: str
) -> None:
    """Trying again won't help."""
    with pytest.raises(ProviderError) as error:
        select_recogniser(info, "tcp://h:1", name, language)
    assert str(error.value) == f"tcp://h:1: {reason}"
    assert not error.value.retryable


def test_voices_are_found_among_all_programs() -> None:
    """Whether it streams is the program's to say."""
    info = speaking(["joe"], ["amy", "kim"], streaming=True)
    found = [select_voice(info, "tcp://h:1", name) for name in (None, "joe", "kim")]
    assert [one.name for one in found] == [None, None, "p1"]
    assert all(one.is_streaming for one in found)


def test_a_voice_that_is_not_there_is_answered_with_twenty_that_are() -> None:
    """Piper's server has some hundred."""
    with pytest.raises(ProviderError, match=r"no voice 'joe'; there are v00, v01, .*v19 and 5 mo"):
        select_voice(speaking([f"v{n:02}" for n in range(25)]), "tcp://h:1", "joe")
    with pytest.raises(ProviderError, match="speaks nothing"):
        select_voice(INFO, "tcp://h:1", None)


def test_events_of_any_content_are_values_or_errors_of_the_peer() -> None:
    """Whatever stands where a number or a text should."""
    chance = np.random.default_rng(4)
    odd = [None, True, -1, 0, 2, 16_000, 1e308, float("nan"), "", "x", [], [1], {}, {"a": 1}, b"x"]
    names = ["transcript", "transcript-chunk", "audio-chunk", "audio-start", "info", "error"]
    keys = ["text", "rate", "width", "channels", "timestamp", "code", "asr", "tts", "context"]
    outcomes = set()
    for _ in range(3000):
        data = {key: odd[chance.integers(len(odd))] for key in keys if chance.random() < 0.7}
        event = Event(names[chance.integers(len(names))], data, b"ab")
        for parse in (parse_text_event, parse_speech_event, parse_info):
            try:
                outcomes.add(type(parse(event)).__name__)
            except RemoteProtocolError:
                outcomes.add("error")
    assert outcomes >= {"error", "NoneType", "TextKnown", "Info"}
