"""Makes a bank of a folder of sound files, and of synthetic clips where the folder has none.

The folder holds ``speech/``, ``music/``, ``noise/`` and ``rir/``, each in any layout. A
``MANIFEST.csv`` in it may name source, speaker and licence of each path. Invariant: the same files
give the same bank, whatever order the system lists them in.
"""

from __future__ import annotations

__all__ = ["CorpusError", "FoundClip", "build_bank", "find_clips"]

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import VoxgateError
from .bank import Bank, Clip, assign_split
from .signals import FRAME_SAMPLES, Audio
from .sound_files import SOUND_SUFFIXES, read_sound

_LONGEST_S: Mapping[str, float] = {"speech": 30.0, "music": 60.0, "noise": 40.0, "rir": 1.0}
"""Kinds of clips, and how much of a file of each is used."""
_PEAK = 32000.0
"""Peak of every clip in the bank; levels are set where clips are used."""
_UNKNOWN_LICENCE = "unknown"


class CorpusError(VoxgateError):
    """A corpus folder can't be used; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundClip:
    """A clip that is not yet in a bank."""

    kind: str
    source: str
    speaker: str
    licence: str
    read: Callable[[], Audio | None]
    """Returns its audio at 8 kHz, or None if it can't be read."""


def find_clips(folder: Path) -> Iterator[FoundClip]:
    """Yield the clips of a corpus folder, in the order of their paths.

    What no manifest names has the folder it lies in as its source, and as its speaker too if it is
    speech; a song, a noise or a room is named for its file.

    Raises:
        CorpusError: the folder is none, or its manifest lacks the column ``path``.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: is no folder")
    rows = _manifest_rows(folder / "MANIFEST.csv")
    for kind, longest_s in _LONGEST_S.items():
        for path in _sound_files(folder / kind):
            row = rows.get(path.relative_to(folder).as_posix(), {})
            parent = path.parent.name
            yield FoundClip(
                kind=kind,
                source=row.get("source") or parent,
                speaker=(row.get("speaker") or parent) if kind == "speech" else path.stem,
                licence=row.get("licence") or _UNKNOWN_LICENCE,
                read=_reader(path, longest_s),
            )


def _reader(path: Path, longest_s: float) -> Callable[[], Audio | None]:
    return lambda: read_sound(path, longest_s)


def _sound_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUND_SUFFIXES)


def _manifest_rows(path: Path) -> dict[str, dict[str, str]]:
    """Return the manifest's rows by path; none without a manifest."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if "path" not in (reader.fieldnames or ()):
            raise CorpusError(f"{path}: has no column `path`")
        return {row["path"]: row for row in reader}


def build_bank(
    clips: Iterable[FoundClip], split_of: Callable[[str, str, str], str] = assign_split
) -> Bank:
    """Return a bank of all clips that can be read and are longer than a frame.

    Args:
        clips: What to put in.
        split_of: Returns the split of (kind, source, speaker).
    """
    chunks: list[npt.NDArray[np.int16]] = []
    entries: list[Clip] = []
    position = 0
    for found in clips:
        audio = found.read()
        if audio is None or len(audio) < FRAME_SAMPLES or not np.any(audio):
            continue
        pcm = np.round(audio / np.max(np.abs(audio)) * _PEAK).astype(np.int16)
        entries.append(
            Clip(
                kind=found.kind,
                source=found.source,
                speaker=found.speaker,
                licence=found.licence,
                split=split_of(found.kind, found.source, found.speaker),
                start=position,
                length=len(pcm),
            )
        )
        chunks.append(pcm)
        position += len(pcm)
    return Bank(tuple(entries), np.concatenate([np.zeros(0, np.int16), *chunks]))
