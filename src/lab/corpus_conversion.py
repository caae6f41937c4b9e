"""Turns the sounds of an unpacked package into those of a corpus folder.

Package unpacked -> 8 kHz mono WAV under ``speech/``, ``music/`` or ``noise/`` and a row of the
manifest each. Invariant: which sounds are taken depends on their names only.
"""

from __future__ import annotations

__all__ = ["convert_sounds"]

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from .corpus_manifest import Row
from .corpus_packages import CorpusPackage
from .scenarios.corpus_folder import CorpusError
from .scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio
from .scenarios.sound_files import SOUND_SUFFIXES, read_sound, write_wav

_LONGEST_S: Mapping[str, float] = {"speech": 60.0, "music": 60.0, "noise": 40.0}
"""How much of a file is kept: songs are long, and what is used of them is short."""
_NOT_SPEECH = "silence"
"""Folder of the voice prompts that holds lengths of silence."""

_Found = tuple[PurePosixPath, Path]
"""Name of a sound within its package, and the file."""


def convert_sounds(
    package: CorpusPackage, version: str, unpacked: Path, folder: Path
) -> Iterator[Row]:
    """Write a package's sounds into a corpus; yield a row of each.

    Args:
        package: Which sounds to take, and what is known of them.
        version: Of the package.
        unpacked: Where it was unpacked; an archive in it is unpacked beside it.
        folder: To write to; paths in the rows are below it.

    Raises:
        CorpusError: an archive is none, or a sound can't be written.
    """
    for name, audio in _read(package, _find_sounds(package, unpacked)):
        path = PurePosixPath(package.kind) / package.name / name.with_suffix(".wav")
        _write(folder / path, audio)
        yield {
            "path": path.as_posix(),
            "kind": package.kind,
            "source": package.name,
            "version": version,
            "speaker": package.speaker,
            "language": package.language,
            "licence": package.licence,
            "seconds": f"{len(audio) / RATE_HZ:.2f}",
        }


def _find_sounds(package: CorpusPackage, unpacked: Path) -> list[_Found]:
    """Return the sounds that a package names, in the order of their names."""
    root = unpacked / package.folder
    if root.is_file():
        root = _unzip(root, unpacked / f"{package.folder}.unpacked")
    found = []
    for path in sorted(root.rglob("*")):
        name = PurePosixPath(path.relative_to(root).as_posix())
        if path.suffix.lower() not in SOUND_SUFFIXES or not path.is_file():
            continue
        if package.kind == "speech" and _NOT_SPEECH in name.parts:
            continue
        if re.search(package.files, name.as_posix()):
            found.append((name, path))
    if package.at_most:
        found = sorted(sorted(found, key=_by_hash)[: package.at_most])
    return found


def _unzip(archive: Path, into: Path) -> Path:
    """Unpack the sounds of a zip archive, once."""
    if into.is_dir():
        return into
    try:
        with zipfile.ZipFile(archive) as members:
            for name in members.namelist():
                if name.lower().endswith(SOUND_SUFFIXES):
                    members.extract(name, into)
    except (OSError, zipfile.BadZipFile) as error:
        raise CorpusError(f"{archive.name}: can't be unpacked: {error}") from error
    return into


def _read(package: CorpusPackage, found: Sequence[_Found]) -> Iterator[tuple[PurePosixPath, Audio]]:
    for name, path in found:
        audio = read_sound(path, _LONGEST_S[package.kind])
        if audio is not None and len(audio) >= FRAME_SAMPLES and np.any(audio):
            yield name, audio


def _by_hash(found: _Found) -> bytes:
    """Order by a hash of the name, so that the first few are of every part of a package."""
    return hashlib.sha256(found[0].as_posix().encode()).digest()


def _write(path: Path, audio: Audio) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, audio)
    except OSError as error:
        raise CorpusError(f"{path}: can't be written: {error.strerror or error}") from error
