"""Where calls come from: manifests with labels, and folders of recorded calls.

Invariant: a call that can't be used is a problem with its name and a reason, and costs no other
call; a folder gives its calls in the same order on every machine.
"""

from __future__ import annotations

__all__ = [
    "CallProblem",
    "CallSource",
    "FoundCalls",
    "ManifestCall",
    "RecordedCallFolder",
    "find_calls",
]

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...recordings import list_calls
from ..evaluate.manifest import ManifestRow, RowNote, parse_manifest

_MANIFESTS = "*.jsonl"
_TRACE = "trace.jsonl"
"""Of a recorded call: no manifest, though its name looks like one."""


@dataclass(frozen=True, slots=True)
class CallProblem:
    """A call that was not used, and why."""

    name: str
    message: str

    def __str__(self) -> str:
        """Return ``name: message``."""
        return f"{self.name}: {self.message}"


@dataclass(frozen=True, slots=True)
class ManifestCall:
    """A row of a manifest."""

    manifest: str
    """As messages name it."""
    row: ManifestRow
    """With absolute paths."""
    has_labels: bool
    """Whether it says when the caller spoke."""

    @property
    def name(self) -> str:
        """Manifest, line and id."""
        return f"{self.manifest}:{self.row.line}: {self.row.id}"

    @property
    def recording(self) -> tuple[Path, str]:
        """The file that the line's audio is in, and by whose gate it is to be judged."""
        return self.row.capture.resolve(), self.row.provider

    @property
    def tags(self) -> Mapping[str, str]:
        """Those of the row."""
        return self.row.tags


@dataclass(frozen=True, slots=True)
class RecordedCallFolder:
    """The folder of a recorded call."""

    folder: Path
    """Absolute."""

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def recording(self) -> tuple[Path, str]:
        """The folder itself; by whose gate it was judged stands in it."""
        return self.folder, ""

    @property
    def has_labels(self) -> bool:
        """Nobody has said when the caller spoke."""
        return False


CallSource = ManifestCall | RecordedCallFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCalls:
    """What a folder holds."""

    sources: tuple[CallSource, ...] = ()
    problems: tuple[CallProblem, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What is worth knowing of calls that are used."""


def find_calls(folder: Path) -> FoundCalls:
    """Return the calls of a folder: the rows of its manifests, then the recorded calls in it.

    A manifest is a ``.jsonl`` file right in the folder. A row without ``caller_speech``, or with
    null, is a call without labels. A recording that several rows with the same provider name is one
    call, the first that has labels: in both parts of the calls it would check itself.
    """
    sources: list[CallSource] = []
    problems: list[CallProblem] = []
    notes: list[str] = []
    root = folder.resolve()
    for path in sorted(root.glob(_MANIFESTS)):
        if path.name == _TRACE:
            continue
        found = _read_manifest(path)
        sources += found.sources
        problems += found.problems
        notes += found.notes
    recorded = sorted(list_calls(root), key=lambda summary: summary.folder.name)
    for summary in recorded:
        if summary.has_audio:
            sources.append(RecordedCallFolder(summary.folder.resolve()))
        else:
            message = "no audio was recorded, so that there is nothing to try settings on"
            problems.append(CallProblem(summary.folder.name, message))
    once, repeated = _each_once(sources)
    return FoundCalls(sources=once, problems=(*problems, *repeated), notes=tuple(notes))


def _each_once(
    sources: Sequence[CallSource],
) -> tuple[tuple[CallSource, ...], tuple[CallProblem, ...]]:
    """Return the calls, each recording once, and the rows that name one again."""
    chosen: dict[tuple[Path, str], CallSource] = {}
    for source in sources:
        known = chosen.get(source.recording)
        if known is None or (source.has_labels and not known.has_labels):
            chosen[source.recording] = source
    used = {source.name for source in chosen.values()}
    return (
        tuple(source for source in sources if source.name in used),
        tuple(
            CallProblem(source.name, f"is the recording of {chosen[source.recording].name}")
            for source in sources
            if source.name not in used
        ),
    )


def _read_manifest(path: Path) -> FoundCalls:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"can't be read: {error.strerror or error}"
        return FoundCalls(problems=(CallProblem(path.name, reason),))
    lines = data.split(b"\n")
    unlabelled = {number for number, line in enumerate(lines, 1) if _lacks_labels(line)}
    filled = b"\n".join(
        _with_empty_labels(line) if number in unlabelled else line
        for number, line in enumerate(lines, 1)
    )
    manifest = parse_manifest(filled, path.parent)
    return FoundCalls(
        sources=tuple(
            ManifestCall(path.name, row, has_labels=row.line not in unlabelled)
            for row in manifest.rows
        ),
        problems=tuple(
            CallProblem(f"{path.name}:{problem.line}", _without_line(str(problem)))
            for problem in manifest.problems
        ),
        notes=tuple(_notes(path.name, manifest.notes)),
    )


def _notes(name: str, notes: tuple[RowNote, ...]) -> Iterator[str]:
    return (f"{name}:{note}" for note in notes)


def _without_line(text: str) -> str:
    """Return a row's problem without its line, which stands in the call's name."""
    return text.partition(":")[2].strip()


def _lacks_labels(line: bytes) -> bool:
    row = _parsed(line)
    return row is not None and row.get("caller_speech") is None


def _with_empty_labels(line: bytes) -> bytes:
    return json.dumps({**(_parsed(line) or {}), "caller_speech": []}).encode()


def _parsed(line: bytes) -> dict[str, object] | None:
    """Return a row; None of what the manifest's own parser is to refuse."""
    try:
        row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
