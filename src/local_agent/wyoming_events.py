"""What the Wyoming events mean to a recogniser and a voice: events in, values of ours out.

Invariant: whatever a server puts into an event, it becomes a value or a RemoteProtocolError.
"""

from __future__ import annotations

__all__ = [
    "SelectedProgram",
    "SoundEnded",
    "SoundPiece",
    "SoundStarted",
    "SpeechEnded",
    "SpeechEvent",
    "TextEvent",
    "TextGrown",
    "TextKnown",
    "parse_info",
    "parse_speech_event",
    "parse_text_event",
    "raise_error_event",
    "select_recogniser",
    "select_voice",
]

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wyoming.asr import Transcript, TranscriptChunk, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Info, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeStopped

from ..core.audio import AudioFormat, Encoding
from ..errors import ProviderError, RemoteProtocolError

_CODE = re.compile(r"[\w.:-]{1,64}")
_SHOWN = 20
"""Names listed in an error at most; Piper's server has some hundred voices."""
_LONGEST_REASON = 200

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedProgram:
    """Which of a server's programs is used."""

    name: str | None
    """To be selected by name; None: the first, which is used if nothing is said."""
    is_streaming: bool
    """Whether it takes text, or gives it, piece by piece."""


@dataclass(frozen=True, slots=True)
class TextGrown:
    """More words, to be appended to those before."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextKnown:
    """All words; None where those that came before are all."""

    text: str | None = field(repr=False)


TextEvent = TextGrown | TextKnown
"""What a recogniser says."""


@dataclass(frozen=True, slots=True)
class SoundStarted:
    """Sound follows."""

    audio_format: AudioFormat


@dataclass(frozen=True, slots=True)
class SoundPiece:
    """A piece of sound."""

    audio: bytes = field(repr=False)
    audio_format: AudioFormat


@dataclass(frozen=True, slots=True)
class SoundEnded:
    """The sound of a sentence, or of all of the text, is complete."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The sound of all of a text that was sent piece by piece is complete."""


SpeechEvent = SoundStarted | SoundPiece | SoundEnded | SpeechEnded
"""What a voice says."""


def parse_text_event(event: Event) -> TextEvent | None:
    """Return what a recogniser says, or None for what does not matter.

    Raises:
        RemoteProtocolError: the event lacks what it must have.
    """
    if Transcript.is_type(event.type):
        return TextKnown(_text(_parsed(Transcript.from_event, event).text))
    if TranscriptChunk.is_type(event.type):
        return TextGrown(_text(_parsed(TranscriptChunk.from_event, event).text))
    if TranscriptStop.is_type(event.type):
        return TextKnown(None)
    return None


def parse_speech_event(event: Event) -> SpeechEvent | None:
    """Return what a voice says, or None for what does not matter.

    Raises:
        RemoteProtocolError: the event lacks what it must have, or its sound is none that we take.
    """
    if AudioChunk.is_type(event.type):
        chunk = _parsed(AudioChunk.from_event, event)
        if len(chunk.audio) % 2:
            raise RemoteProtocolError("sound of half a sample")
        return SoundPiece(chunk.audio, _format(chunk))
    if AudioStart.is_type(event.type):
        return SoundStarted(_format(_parsed(AudioStart.from_event, event)))
    if AudioStop.is_type(event.type):
        return SoundEnded()
    if SynthesizeStopped.is_type(event.type):
        return SpeechEnded()
    return None


def raise_error_event(event: Event, peer: str, *, tell_text: bool) -> None:
    """Raise what a server reports; other events pass.

    Args:
        event: Any event.
        peer: Who the server is, for errors.
        tell_text: Whether the server's own words may be shown; they may quote a caller's.

    Raises:
        ProviderError: it is an error event.
    """
    if not Error.is_type(event.type):
        return
    error = _parsed(Error.from_event, event)
    reason = "the server reports an error"
    if tell_text:
        reason += f": {str(error.text)[:_LONGEST_REASON]!r}"
    code = str(error.code)
    raise ProviderError(peer, reason, code=code if _CODE.fullmatch(code) else None, retryable=True)


def parse_info(event: Event) -> Info | None:
    """Return what a server says of itself, or None for another event.

    Raises:
        RemoteProtocolError: it can't be read.
    """
    if not Info.is_type(event.type):
        return None
    info = _parsed(Info.from_event, event)
    programs: list[AsrProgram | TtsProgram] = [*info.asr, *info.tts]
    if not all(map(_is_named, programs)):
        raise RemoteProtocolError("a description that lacks what it must have")
    return info


def select_recogniser(
    info: Info, peer: str, model: str | None, language: str | None
) -> SelectedProgram:
    """Return the program that has a model for a language; None: any.

    Raises:
        ProviderError: there is none; lists what there is.
    """
    if not info.asr:
        raise _unusable(peer, "the server recognises no speech")
    for number, program in enumerate(info.asr):
        if _can_hear(program, model, language):
            return SelectedProgram(
                name=program.name if number else None,
                is_streaming=bool(program.supports_transcript_streaming),
            )
    models = [one for program in info.asr for one in program.models]
    if model is not None and model not in {one.name for one in models}:
        raise _unusable(peer, f"there is no model {model!r}{_listed(one.name for one in models)}")
    languages = [name for one in models if model in {None, one.name} for name in one.languages]
    raise _unusable(peer, f"there is no model for {language!r}{_listed(languages)}")


def select_voice(info: Info, peer: str, voice: str | None) -> SelectedProgram:
    """Return the program that has a voice; None: any.

    Raises:
        ProviderError: there is none; lists what there is.
    """
    if not info.tts:
        raise _unusable(peer, "the server speaks nothing")
    for number, program in enumerate(info.tts):
        if voice is None or voice in {one.name for one in program.voices}:
            return SelectedProgram(
                name=program.name if number else None,
                is_streaming=bool(program.supports_synthesize_streaming),
            )
    raise _unusable(peer, f"there is no voice {voice!r}{_listed(_voices(info.tts))}")


def _can_hear(program: AsrProgram, model: str | None, language: str | None) -> bool:
    models: Sequence[AsrModel] = [one for one in program.models if model in {None, one.name}]
    if model is None and language is None:
        return True
    return any(_speaks(one.languages, language) for one in models)


def _speaks(languages: Sequence[str], language: str | None) -> bool:
    """Say whether a language is among others such as ``en_US``; nothing listed: whatever comes."""
    if language is None or not languages:
        return True
    return language in {re.split("[-_]", str(one))[0].lower() for one in languages}


def _voices(programs: Iterable[TtsProgram]) -> list[str]:
    return [one.name for program in programs for one in program.voices]


def _listed(names: Iterable[Any]) -> str:
    known = sorted({str(name) for name in names})
    if not known:
        return "; it names none"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"; there are {', '.join(known[:_SHOWN])}{more}"


def _unusable(peer: str, reason: str) -> ProviderError:
    return ProviderError(peer, reason, retryable=False)


def _is_named(program: AsrProgram | TtsProgram) -> bool:
    """Say whether a program's names and languages are what they are declared to be."""
    parts: Any = program.models if isinstance(program, AsrProgram) else program.voices
    return (
        isinstance(program.name, str)
        and isinstance(parts, list)
        and all(
            isinstance(one, AsrModel | TtsVoice)
            and isinstance(one.name, str)
            and isinstance(one.languages, list)
            for one in parts
        )
    )


def _format(sound: AudioChunk | AudioStart) -> AudioFormat:
    if sound.width != 2 or sound.channels != 1:
        raise RemoteProtocolError("sound that is not 16-bit mono")
    try:
        return AudioFormat(Encoding.PCM16, sound.rate)
    except (ValueError, TypeError):
        raise RemoteProtocolError("sound at a rate that voxgate does not know") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RemoteProtocolError("a text that is none")
    return value


def _parsed(parse: Callable[[Event], Parsed], event: Event) -> Parsed:
    try:
        return parse(event)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        raise RemoteProtocolError("an event that lacks what it must have") from None
