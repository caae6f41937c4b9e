"""What callers hear where no provider speaks, as audio: made once, before the first call.

A recording is played as it is. A text is spoken by the voice of a local agent that answers calls
anyway; else, where it is the default one, by the rendering that comes with the package; else by
Piper, if that is installed. Invariant: a sentence that can't be heard stops the start, not a call.
"""

from __future__ import annotations

__all__ = [
    "AnnouncementKind",
    "Announcements",
    "make_announcements",
    "missing_voice",
    "unspoken_texts",
]

from collections.abc import Callable, Mapping
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from ..config.announcement_models import AnnouncementConfig, AnnouncementsConfig
from ..config.local_models import PiperVoiceConfig
from ..core.audio import FRAME_MS, AudioFormat
from ..core.stream_converter import StreamConverter
from ..core.units import ms_to_bytes
from ..core.wav import parse_wav
from ..errors import ConfigError, ConfigProblem, ProviderError
from ..local_agent.agent_parts import make_voice
from ..local_agent.required_packages import missing_modules, modules_of
from ..local_agent.voice import SpokenAudio, Voice
from ..realtime_server.voice_library import VoiceLibrary

_MAX_FILE_BYTES = 20 * 2**20
"""Largest recording that is read: minutes at any rate, and nobody listens to so much."""

_MAX_MS = 30_000.0
"""Longest announcement; a caller who is told so much has hung up."""

_WAYS_OUT = "give a recording as file, or set the text to null"

_SPARE_VOICE = PiperVoiceConfig(processes=1)
"""Speaks texts that nobody else can."""


class AnnouncementKind(StrEnum):
    """What is announced, by its key under ``announcements``."""

    FALL_BACK = "fall_back"
    LOST = "lost"
    UNREACHABLE = "unreachable"


class Announcements:
    """The sentences of all calls.

    Args:
        spoken: Audio of those that are to be heard.
    """

    def __init__(self, spoken: Mapping[AnnouncementKind, SpokenAudio] | None = None) -> None:
        self._spoken = dict(spoken or {})
        self._converted: dict[tuple[AnnouncementKind, AudioFormat], bytes] = {}

    def audio_for(self, kind: AnnouncementKind, audio_format: AudioFormat) -> bytes | None:
        """Return an announcement in a line's playout format; None where nothing is to be said."""
        spoken = self._spoken.get(kind)
        if spoken is None:
            return None
        key = (kind, audio_format)
        if key not in self._converted:
            self._converted[key] = _converted(spoken, audio_format)
        return self._converted[key]


async def make_announcements(
    config: AnnouncementsConfig,
    *,
    voice: Voice | None = None,
    make_spare_voice: Callable[[], Voice] = lambda: make_voice(_SPARE_VOICE),
) -> Announcements:
    """Return the announcements of a configuration.

    Args:
        config: What the operator set.
        voice: The voice of a local agent, started; None where there is none.
        make_spare_voice: Makes the voice for texts that nobody else can speak.

    Raises:
        ConfigError: with every announcement that can't be had, and what to do about it.
    """
    speaker = _Speaker(voice, make_spare_voice)
    spoken: dict[AnnouncementKind, SpokenAudio] = {}
    problems: list[ConfigProblem] = []
    try:
        for kind in AnnouncementKind:
            section: AnnouncementConfig = getattr(config, kind.value)
            try:
                if section.text is not None:
                    spoken[kind] = await _audio_of(section.text, section.file, speaker)
            except _UnheardError as unheard:
                problems.append(unheard.problem(kind))
    finally:
        await speaker.stop()
    if problems:
        raise ConfigError(problems)
    return Announcements(spoken)


def missing_voice() -> str | None:
    """Return one line on what has to be installed for a voice where no local agent has one."""
    return missing_modules(modules_of(_SPARE_VOICE))


def unspoken_texts(config: AnnouncementsConfig, lacking: str) -> list[ConfigProblem]:
    """Return what is wrong with the texts that nobody can speak: no agent, nor a spare voice.

    Args:
        config: What the operator set.
        lacking: What the spare voice lacks, from :func:`missing_voice`.
    """
    unspoken = []
    for kind in AnnouncementKind:
        section: AnnouncementConfig = getattr(config, kind.value)
        is_spoken = section.text is not None and section.file is None
        if is_spoken and _packaged_speech(section.text or "") is None:
            unspoken.append(_unspeakable(lacking).problem(kind))
    return unspoken


class _UnheardError(Exception):
    """An announcement can't be had."""

    def __init__(self, key: str, value: str, rule: str) -> None:
        super().__init__(key, value, rule)
        self.key, self.value, self.rule = key, value, rule

    def problem(self, kind: AnnouncementKind) -> ConfigProblem:
        return ConfigProblem(
            key=f"announcements.{kind}.{self.key}",
            value=self.value,
            rule=self.rule,
            source="configuration",
        )


class _Speaker:
    """Speaks texts by whichever voice can; a spare one is started when it is first needed."""

    def __init__(self, voice: Voice | None, make_spare_voice: Callable[[], Voice]) -> None:
        self._voice = voice
        self._make_spare_voice = make_spare_voice
        self._spare: Voice | None = None

    async def speak(self, text: str) -> SpokenAudio:
        """Return the speech of a text.

        Raises:
            _UnheardError: nobody can speak it.
        """
        if self._voice is not None:
            try:
                return await _speech(self._voice, text)
            except ProviderError:
                pass  # the ways below are there for that, and the voice's calls will tell
        packaged = _packaged_speech(text)
        if packaged is not None:
            return packaged
        try:
            if self._spare is None:
                self._spare = self._make_spare_voice()
                await self._spare.start()
            return await _speech(self._spare, text)
        except ProviderError as error:
            raise _unspeakable(error.reason) from error

    async def stop(self) -> None:
        """Let go of the spare voice."""
        if self._spare is not None:
            await self._spare.stop()


def _unspeakable(reason: str) -> _UnheardError:
    return _UnheardError("text", "", f"can't be spoken, as {reason}; or {_WAYS_OUT}")


async def _audio_of(text: str, file: str | None, speaker: _Speaker) -> SpokenAudio:
    spoken = await speaker.speak(text) if file is None else _recording(file)
    duration_ms = spoken.audio_format.duration_ms(len(spoken.audio))
    if duration_ms > _MAX_MS:
        key, value = ("text", "") if file is None else ("file", repr(file))
        rule = f"lasts {duration_ms / 1000:.1f} s, and an announcement at most {_MAX_MS / 1000:g} s"
        raise _UnheardError(key, value, rule)
    return spoken


def _recording(file: str) -> SpokenAudio:
    path = Path(file).expanduser()
    try:
        with path.open("rb") as stream:
            wav = parse_wav(stream.read(_MAX_FILE_BYTES))
    except OSError as error:
        rule = f"can't be read: {error.strerror or 'the file is none'}"
        raise _UnheardError("file", repr(file), rule) from error
    except ValueError as error:
        rule = f"{error}; an announcement is a WAV file, mono and 16-bit"
        raise _UnheardError("file", repr(file), rule) from error
    return SpokenAudio(wav.audio, wav.audio_format)


async def _speech(voice: Voice, text: str) -> SpokenAudio:
    """Return all of a text's speech.

    Raises:
        ProviderError: the voice failed, or said nothing.
    """
    pieces = [piece async for piece in voice.speak(text)]
    audio = b"".join(piece.audio for piece in pieces)
    if not audio:
        raise ProviderError("voice", "the voice has no sound for it", retryable=False)
    return SpokenAudio(audio, pieces[0].audio_format)


def _packaged_speech(text: str) -> SpokenAudio | None:
    """Return what the package has of a text: the default ones, to the letter."""
    lines = VoiceLibrary.load(files(__package__) / "voices").values()
    found = (line for line in lines if line.text == text)
    return next((SpokenAudio(line.audio, line.audio_format) for line in found), None)


def _converted(spoken: SpokenAudio, audio_format: AudioFormat) -> bytes:
    """Return speech in another format, whole, and with whole frames of 20 ms."""
    converter = StreamConverter(spoken.audio_format, audio_format)
    # What the resampler still holds at the end comes out with silence behind it.
    tail_ms = converter.delay_ms + FRAME_MS if converter.delay_ms else 0.0
    source = spoken.audio_format
    tail = source.silence(ms_to_bytes(tail_ms, source))
    audio = converter.process(spoken.audio + tail)
    return audio + audio_format.silence(-len(audio) % audio_format.frame_bytes)
