"""Fetches free voices, music and noises from Debian's archive into a corpus folder, without root.

``apt-get download`` and ``dpkg -x`` work in a temporary folder; what is found becomes 8 kHz mono
WAV under ``speech/``, ``music/`` and ``noise/`` with a row each in ``MANIFEST.csv``. Invariant: the
manifest names exactly the files that are there, also when a later package fails.
"""

from __future__ import annotations

__all__ = ["CorpusReport", "PackageProblem", "fetch_corpus"]

import csv
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .corpus_packages import PACKAGES, CorpusPackage
from .scenarios.corpus_folder import CorpusError
from .scenarios.signals import FRAME_SAMPLES, RATE_HZ
from .scenarios.sound_files import SOUND_SUFFIXES, read_sound, write_wav

_COLUMNS = ("path", "kind", "source", "version", "speaker", "language", "licence", "seconds")
_LONGEST_S = {"speech": 60.0, "music": 60.0, "noise": 40.0}
"""How much of a file is kept: songs are long, and what is used of them is short."""
_NOT_SPEECH = "silence"
"""Folder of the voice prompts that holds lengths of silence."""
_TIMEOUT_S = 900.0
"""For one package: the largest has 60 MB."""

Run = Callable[[Sequence[str], Path], str]
"""Runs a command in a folder; returns what it wrote, or raises a CorpusError."""


@dataclass(frozen=True, slots=True)
class PackageProblem:
    """A package that could not be had."""

    package: CorpusPackage
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReport:
    """What became of a corpus folder."""

    files: int
    """Sounds in the folder."""
    hours: float
    fetched: tuple[str, ...]
    """Packages fetched now."""
    kept: tuple[str, ...]
    """Packages that were there already."""
    problems: tuple[PackageProblem, ...]

    @property
    def is_complete(self) -> bool:
        """True if no required package is missing."""
        return not any(problem.package.is_required for problem in self.problems)


def run_command(command: Sequence[str], folder: Path) -> str:
    """Run a command in a folder and return its standard output.

    Raises:
        CorpusError: it is not installed, fails, or takes too long; with its last words.
    """
    program = shutil.which(command[0])
    if program is None:
        raise CorpusError(
            f"{command[0]} is not installed: packages can be fetched on Debian and its derivatives "
            "only. Elsewhere, put sounds of your own under speech/, music/ and noise/"
        )
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            [program, *command[1:]],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CorpusError(f"{' '.join(command)}: took over {_TIMEOUT_S:.0f} s") from error
    if done.returncode:
        raise CorpusError(f"{' '.join(command)}: {_last_words(done.stderr)}")
    return done.stdout


def _last_words(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")] or lines[-1:] or ["failed"]
    hint = ""
    if any("Unable to locate" in line or "Can't find" in line for line in errors):
        hint = " (apt-get update renews the list of packages)"
    return "; ".join(errors) + hint


def fetch_corpus(
    folder: Path,
    *,
    packages: Sequence[CorpusPackage] = PACKAGES,
    run: Run = run_command,
    show: Callable[[str], None] = lambda _: None,
) -> CorpusReport:
    """Fetch what of a corpus is not there yet.

    Args:
        folder: Of the corpus; made if need be.
        packages: What to fetch.
        run: Runs ``apt-get`` and ``dpkg``.
        show: Gets a word on each step.

    Raises:
        CorpusError: ``apt-get`` or ``dpkg`` is missing, or the folder can't be written.
        ModuleNotFoundError: soundfile is not installed.
    """
    rows = [row for row in _read_manifest(folder) if (folder / row["path"]).is_file()]
    has = {(row["source"], row["kind"]) for row in rows}
    fetched, kept, problems = [], [], []
    for package in packages:
        if (package.name, package.kind) in has:
            kept.append(package.name)
            continue
        show(f"{package.name}: {package.kind}")
        try:
            rows += _fetch(package, folder, run)
        except CorpusError as error:
            problems.append(PackageProblem(package, str(error)))
            show(f"{package.name}: {error}")
        else:
            fetched.append(package.name)
            _write_manifest(folder, rows)
    return CorpusReport(
        files=len(rows),
        hours=sum(float(row["seconds"]) for row in rows) / 3600,
        fetched=tuple(fetched),
        kept=tuple(kept),
        problems=tuple(problems),
    )


def _fetch(package: CorpusPackage, folder: Path, run: Run) -> list[dict[str, str]]:
    """Fetch one package; return the manifest's rows of its sounds."""
    with tempfile.TemporaryDirectory(prefix="voxgate-corpus-") as temporary:
        work = Path(temporary)
        run(["apt-get", "download", package.name], work)
        archives = sorted(work.glob("*.deb"))
        if not archives:
            raise CorpusError(f"apt-get download {package.name}: left no package")
        version = run(["dpkg-deb", "-f", archives[0].name, "Version"], work).strip()
        run(["dpkg", "-x", archives[0].name, "unpacked"], work)
        rows = list(_convert(package, version, work / "unpacked" / package.folder, folder))
    if not rows:
        raise CorpusError(f"{package.name} {version}: holds no sound under {package.folder}")
    return rows


def _convert(
    package: CorpusPackage, version: str, unpacked: Path, folder: Path
) -> Iterator[dict[str, str]]:
    """Write a package's sounds into the corpus; yield a row of each."""
    for source in sorted(unpacked.rglob("*")):
        relative = source.relative_to(unpacked)
        is_sound = source.suffix.lower() in SOUND_SUFFIXES and source.is_file()
        if not is_sound or (package.kind == "speech" and _NOT_SPEECH in relative.parts):
            continue
        audio = read_sound(source, _LONGEST_S[package.kind])
        if audio is None or len(audio) < FRAME_SAMPLES or not np.any(audio):
            continue
        path = Path(package.kind) / package.name / relative.with_suffix(".wav")
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_wav(target, audio)
        except OSError as error:
            raise CorpusError(f"{target}: can't be written: {error.strerror or error}") from error
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


def _read_manifest(folder: Path) -> list[dict[str, str]]:
    path = folder / "MANIFEST.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise CorpusError(f"{path}: is not a manifest of this command; use another folder")
        return list(reader)


def _write_manifest(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    """Replace the manifest, in one step."""
    path = folder / "MANIFEST.csv"
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    beside.replace(path)
