"""Clips whose words are known: what the simulated callers say.

Words come from ``TRANSCRIPTS.csv`` in the corpus folder (columns ``path`` and ``text``), from the
names of those voice prompts of Asterisk that are one word each, and, without either, from the
sentences that come with voxgate. Invariant: every clip has at least one word and some sound.
"""

from __future__ import annotations

__all__ = ["SpokenClip", "find_spoken_clips", "split_words"]

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from ...core.g711 import decode
from ...realtime_server.voice_library import VoiceLibrary, agent_voices
from ..scenarios.corpus_folder import CorpusError
from ..scenarios.signals import FRAME_SAMPLES, Audio
from ..scenarios.sound_files import read_sound

_TRANSCRIPTS = "TRANSCRIPTS.csv"
_PROMPTS = "speech/asterisk-core-sounds-en-wav"
_PROMPT_SPEAKER = "allison_smith"
_LONGEST_S = 8.0

_DIGITS = "zero one two three four five six seven eight nine"
_DAYS = "sunday monday tuesday wednesday thursday friday saturday"
_MONTHS = "january february march april may june july august september october november december"
_PHONETIC = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar "
    "papa quebec romeo sierra tango uniform victor whiskey yankee zulu"
)
_PROMPT_WORDS = {
    **{f"digits/{number}": word for number, word in enumerate(_DIGITS.split())},
    **{f"digits/day-{number}": word for number, word in enumerate(_DAYS.split())},
    **{f"digits/mon-{number}": word for number, word in enumerate(_MONTHS.split())},
    **{f"digits/{word}": word for word in ("today", "tomorrow", "yesterday")},
    **{f"phonetic/{word[0]}_p": word for word in _PHONETIC.split()},
}
"""Prompts of Asterisk that are one word each, by folder and name. Teens and tens are left out: over
a telephone even people take thirteen for thirty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenClip:
    """A clip and its words."""

    words: tuple[str, ...]
    speaker: str
    audio: Audio
    """float [shape=(n,), mono, 8 kHz]."""


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, apostrophes kept, other punctuation left out."""
    return tuple(
        re.findall(
            r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        )
    )


def find_spoken_clips(corpus: Path | None) -> list[SpokenClip]:
    """Return the clips of a corpus folder whose words are known, or else the packaged ones.

    Args:
        corpus: Folder of sounds; None for the packaged sentences.

    Raises:
        CorpusError: ``TRANSCRIPTS.csv`` lacks a column, or names a file that is no sound.
    """
    clips = [*_transcribed(corpus), *_prompts(corpus)] if corpus is not None else []
    return [clip for clip in clips or _packaged() if clip.words and np.any(clip.audio)]


def _transcribed(corpus: Path) -> Iterator[SpokenClip]:
    path = corpus / _TRANSCRIPTS
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"path", "text"} <= set(reader.fieldnames or ()):
            raise CorpusError(f"{path}: has no columns `path` and `text`")
        for row in reader:
            sound = corpus / row["path"]
            audio = read_sound(sound, _LONGEST_S)
            if audio is None or len(audio) < FRAME_SAMPLES:
                raise CorpusError(f"{path}, line {reader.line_num}: {row['path']} is no sound")
            speaker = row.get("speaker") or sound.parent.name
            yield SpokenClip(words=split_words(row["text"]), speaker=speaker, audio=audio)


def _prompts(corpus: Path) -> Iterator[SpokenClip]:
    for path in sorted((corpus / _PROMPTS).rglob("*.wav")):
        word = _PROMPT_WORDS.get(f"{path.parent.name}/{path.stem}")
        audio = None if word is None else read_sound(path, _LONGEST_S)
        if word is not None and audio is not None:
            yield SpokenClip(words=(word,), speaker=_PROMPT_SPEAKER, audio=audio)


def _packaged() -> Iterator[SpokenClip]:
    for library in (VoiceLibrary.load(files("voxgate.lab") / "voices"), agent_voices()):
        for line in library.values():
            audio = decode(line.audio, line.audio_format).astype(np.float32) / 32768.0
            yield SpokenClip(words=split_words(line.text), speaker=line.voice, audio=audio)
