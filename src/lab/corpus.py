"""Fetches free voices, music and noises from Debian's archive into a corpus folder, without root.

``apt-get download`` and ``dpkg -x`` work in a temporary folder; what is found becomes 8 kHz mono
WAV with a row each in ``MANIFEST.csv``. Invariant: a package is there as a whole or not at all,
also when another fails.
"""

from __future__ import annotations

__all__ = [
    "CorpusReport",
    "MissingProgramError",
    "PackageProblem",
    "Run",
    "fetch_corpus",
    "run_command",
]

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .corpus_conversion import convert_sounds
from .corpus_manifest import Row, read_manifest, write_manifest
from .corpus_packages import PACKAGES, CorpusPackage
from .scenarios.corpus_folder import CorpusError

_TIMEOUT_S = 3600.0
"""For one package: the largest has 60 MB, that of the training set 1.4 GB."""

_ELSEWHERE = (
    "packages can be fetched on Debian and its derivatives only. Elsewhere, put sounds of your own "
    "under speech/, music/ and noise/"
)
_FAILURES_IN_A_ROW = 3
"""After so many nothing more is tried: there is no network, or no space."""

Run = Callable[[Sequence[str], Path], str]
"""Runs a command in a folder; returns what it wrote, or raises a CorpusError."""


class MissingProgramError(CorpusError):
    """A program is not installed; names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageProblem:
    """A package that could not be had."""

    name: str
    message: str
    """Why, without the name."""
    is_required: bool = False
    """True if a corpus without it is incomplete."""


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
        return not any(problem.is_required for problem in self.problems)


def run_command(command: Sequence[str], folder: Path) -> str:
    """Run a command in a folder and return its standard output.

    Raises:
        MissingProgramError: it is not installed.
        CorpusError: it fails, or takes too long; with its last words.
    """
    program = shutil.which(command[0])
    if program is None:
        raise MissingProgramError(f"{command[0]} is not installed")
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
        packages: What to fetch; several of one name are parts of one package.
        run: Runs ``apt-get`` and ``dpkg``.
        show: Gets a word on each step.

    Raises:
        CorpusError: apt-get or dpkg is not installed, the folder holds another manifest, or it
            can't be written.
        ModuleNotFoundError: soundfile is not installed.
    """
    rows = read_manifest(folder)
    missing, kept = _by_name(packages, {(row["source"], row["kind"]) for row in rows})
    fetched: list[str] = []
    problems: list[PackageProblem] = []
    failures = 0
    for number, (name, parts) in enumerate(missing.items(), start=1):
        if failures == _FAILURES_IN_A_ROW:
            problems.append(_problem(parts, f"not tried after {failures} failures in a row"))
            continue
        kinds = ", ".join(dict.fromkeys(part.kind for part in parts))
        show(f"{number} of {len(missing)}: {name} ({kinds})")
        try:
            rows += _fetch(parts, folder, run)
        except MissingProgramError as error:
            raise CorpusError(f"{error}: {_ELSEWHERE}") from error
        except CorpusError as error:
            failures += 1
            problems.append(_problem(parts, str(error)))
            show(f"{name}: failed")
        else:
            failures = 0
            fetched.append(name)
            write_manifest(folder, rows)
    return CorpusReport(
        files=len(rows),
        hours=sum(float(row["seconds"]) for row in rows) / 3600,
        fetched=tuple(fetched),
        kept=kept,
        problems=tuple(problems),
    )


def _problem(parts: Sequence[CorpusPackage], message: str) -> PackageProblem:
    is_required = any(part.is_required for part in parts)
    return PackageProblem(name=parts[0].name, message=message, is_required=is_required)


def _by_name(
    packages: Sequence[CorpusPackage], has: set[tuple[str, str]]
) -> tuple[dict[str, list[CorpusPackage]], tuple[str, ...]]:
    """Return what is missing by the name of its package, and the packages that are there."""
    missing: dict[str, list[CorpusPackage]] = {}
    for package in packages:
        if (package.name, package.kind) not in has:
            missing.setdefault(package.name, []).append(package)
    names = dict.fromkeys(package.name for package in packages)
    return missing, tuple(name for name in names if name not in missing)


def _fetch(parts: Sequence[CorpusPackage], folder: Path, run: Run) -> list[Row]:
    """Fetch one package; return the manifest's rows of its sounds."""
    name = parts[0].name
    with _workplace(folder) as work:
        run(["apt-get", "download", name], work)
        archives = sorted(work.glob("*.deb"))
        if not archives:
            raise CorpusError(f"apt-get download {name}: left no package")
        version = run(["dpkg-deb", "-f", archives[0].name, "Version"], work).strip()
        run(["dpkg", "-x", archives[0].name, "unpacked"], work)
        rows = []
        for part in parts:
            of_part = list(convert_sounds(part, version, work / "unpacked", work / "sounds"))
            if not of_part:
                raise CorpusError(f"{name} {version}: holds no {part.kind} under {part.folder}")
            rows += of_part
        for kind in {part.kind for part in parts}:
            _move(work / "sounds" / kind / name, folder / kind / name)
    return rows


def _move(made: Path, target: Path) -> None:
    """Put a folder where it belongs, in place of what an interrupted run may have left there."""
    try:
        if target.exists():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)
    except OSError as error:
        raise CorpusError(f"{target}: can't be written: {error.strerror or error}") from error


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """Give a temporary folder in the corpus: packages may be too large for that of the system."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder)
    except OSError as error:
        raise CorpusError(f"{folder}: can't be written: {error.strerror or error}") from error
    with temporary as work:
        yield Path(work)
