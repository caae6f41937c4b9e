"""Pre-rendered sentences: small mu-law files with an index, read from inside the package.

The same files serve the embedded server (the agent's voice) and the lab (a caller's voice);
``tools/render_voices.py`` makes them.

Invariant: a library that loaded is whole: every file of the index is there and is what it was.
"""

from __future__ import annotations

__all__ = ["VoiceLibrary", "VoiceLine", "agent_voices", "normalised"]

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from ..core.audio import AudioFormat, Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceLine:
    """One sentence and how it sounds."""

    id: str
    text: str
    voice: str
    licence: str
    audio: bytes
    """In :attr:`audio_format`."""
    audio_format: AudioFormat

    @property
    def duration_ms(self) -> float:
        """How long it plays, in ms."""
        return self.audio_format.duration_ms(len(self.audio))


class VoiceLibrary(Mapping[str, VoiceLine]):
    """Lines by id, in the order of the index."""

    def __init__(self, lines: Mapping[str, VoiceLine]) -> None:
        self._lines = dict(lines)

    @classmethod
    def load(cls, folder: Traversable) -> VoiceLibrary:
        """Read the ``index.json`` of a folder, such as ``files("voxgate.lab") / "voices"``.

        Raises:
            FileNotFoundError: if the index or a file that it names is not there.
            ValueError: if a file is not the one that was rendered.
        """
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        audio_format = AudioFormat(Encoding(index["encoding"]), index["rate_hz"])
        lines = (_line(folder, entry, audio_format) for entry in index["lines"])
        return cls({line.id: line for line in lines})

    def __getitem__(self, line_id: str) -> VoiceLine:
        """Return a line.

        Raises:
            KeyError: for an unknown id; names those that exist.
        """
        if line_id not in self._lines:
            raise KeyError(f"{line_id!r} is not one of {', '.join(self._lines)}")
        return self._lines[line_id]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids."""
        return iter(self._lines)

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    def find(self, text: str) -> VoiceLine | None:
        """Return the longest line whose words occur in ``text`` in a row, or None.

        Case, punctuation and what stands around the line (``Say exactly: ...``) do not matter.
        """
        wanted = f" {normalised(text)} "
        found = [line for line in self._lines.values() if f" {normalised(line.text)} " in wanted]
        return max(found, key=lambda line: len(line.text), default=None)


def normalised(text: str) -> str:
    """Return the words of a text in lower case, without punctuation, one space apart."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


@cache
def agent_voices() -> VoiceLibrary:
    """Return the sentences of the embedded server's agent."""
    return VoiceLibrary.load(files(__package__) / "voices")


def _line(folder: Traversable, entry: Mapping[str, str], audio_format: AudioFormat) -> VoiceLine:
    audio = (folder / entry["file"]).read_bytes()
    if hashlib.sha256(audio).hexdigest() != entry["sha256"]:
        raise ValueError(f"{entry['file']} is not the file that was rendered: its hash differs")
    return VoiceLine(
        id=entry["id"],
        text=entry["text"],
        voice=entry["voice"],
        licence=entry["licence"],
        audio=audio,
        audio_format=audio_format,
    )
