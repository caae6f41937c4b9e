"""The manifest: one JSON object a line, each a recording and what is known of it.

Invariant: a row that is wrong is reported by line and field and costs no other row; bytes of any
kind give rows and problems, never an exception.
"""

from __future__ import annotations

__all__ = ["Manifest", "ManifestRow", "RowNote", "RowProblem", "UnreadFile", "parse_manifest"]

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ...config.suggestion import known_names
from ...core.audio import FRAME_MS
from .intervals import Interval, merged

_FIELDS = ("id", "capture", "far_end", "provider", "agent_speaking", "caller_speech", "tags")
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One recording, as the manifest describes it."""

    line: int
    """Line of the manifest, from 1."""
    id: str | int
    """As the manifest has it."""
    capture: Path
    far_end: Path | None
    provider: str
    """Instance name, kind or alias: the gate's policy goes by it."""
    agent_speaking: tuple[Interval, ...] | None
    """When agent audio is played; None: to be derived from the far end."""
    caller_speech: tuple[Interval, ...]
    """When the caller speaks."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Anything else that is known, as text: figures are given for each value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Why a row could not be judged."""

    line: int
    field: str | None
    """The key of the row; None if the line is no row at all."""
    message: str
    row_id: str | int | None = None
    """The row's id, if that much is known."""

    def __str__(self) -> str:
        """Return ``line: field: message``, to be put behind the file's name."""
        where = "" if self.field is None else f" {self.field}:"
        return f"{self.line}:{where} {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadFile(RowProblem):
    """A file that could not be opened where the row was judged."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNote:
    """What is worth knowing of a row that is judged all the same."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return ``line: field: message``, to be put behind the file's name."""
        return f"{self.line}: {self.field}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest holds, in its order."""

    rows: tuple[ManifestRow, ...]
    problems: tuple[RowProblem, ...]
    notes: tuple[RowNote, ...]


def parse_manifest(data: bytes, folder: Path) -> Manifest:
    """Return the rows of a manifest, and all that is wrong with the others.

    Args:
        data: JSON Lines in UTF-8; blank lines are skipped.
        folder: Where the manifest lies: paths in it are relative to that.
    """
    rows: list[ManifestRow] = []
    problems: list[RowProblem] = []
    notes: list[RowNote] = []
    line_of: dict[str | int, int] = {}
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        parser = _RowParser(number, folder)
        row = parser.parse(line)
        if row is not None and row.id in line_of:
            parser.refuse("id", f"{row.id!r} is the id of line {line_of[row.id]} already")
        elif row is not None:
            line_of[row.id] = number
            rows.append(row)
        problems += parser.problems
        notes += parser.notes
    return Manifest(rows=tuple(rows), problems=tuple(problems), notes=tuple(notes))


class _RowParser:
    """Reads one line, and gathers everything that is wrong with it."""

    def __init__(self, line: int, folder: Path) -> None:
        self.problems: list[RowProblem] = []
        self.notes: list[RowNote] = []
        self._line = line
        self._folder = folder
        self._id: str | int | None = None
        self._row: Mapping[str, Any] = {}

    def refuse(self, key: str | None, message: str) -> None:
        """Note a problem of this row."""
        problem = RowProblem(line=self._line, field=key, message=message, row_id=self._id)
        self.problems.append(problem)

    def parse(self, line: bytes) -> ManifestRow | None:
        """Return the row, or None if there are problems."""
        try:
            return self._parse(line)
        except RecursionError:
            self.refuse(None, "is nested too deeply")
            return None

    def _parse(self, line: bytes) -> ManifestRow | None:
        if not self._read_object(line):
            return None
        self._id = self._read_id()
        self._note_unknown_keys()
        capture = self._text("capture")
        far_end = self._text("far_end", or_null=True)
        provider = self._text("provider")
        agent_speaking = self._agent_speaking()
        caller_speech = self._intervals("caller_speech")
        tags = self._tags()
        if self.problems or self._id is None or capture is None or provider is None:
            return None
        return ManifestRow(
            line=self._line,
            id=self._id,
            capture=self._folder / capture,
            far_end=None if far_end is None else self._folder / far_end,
            provider=provider,
            agent_speaking=agent_speaking,
            caller_speech=caller_speech,
            tags=tags,
        )

    def _read_object(self, line: bytes) -> bool:
        try:
            row = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            self.refuse(None, f"is not JSON: {error.msg} (column {error.colno})")
            return False
        except ValueError as error:
            self.refuse(None, f"is not JSON in UTF-8: {error}")
            return False
        if not _is_text(row):
            self.refuse(None, "holds half a character: a surrogate without its other half")
            return False
        if not isinstance(row, dict):
            self.refuse(None, f"{_shown(row)} is not a JSON object")
            return False
        self._row = row
        return True

    def _note_unknown_keys(self) -> None:
        for key in self._row:
            if key not in _FIELDS:
                message = f"is ignored: it is no key of a row; {known_names(key, _FIELDS)}"
                name = key if key.isprintable() else _shown(key)
                self.notes.append(RowNote(line=self._line, field=name, message=message))

    def _text(self, key: str, *, or_null: bool = False) -> str | None:
        value = self._row.get(key, _MISSING)
        wanted = "text, or null" if or_null else "text"
        if value is None and or_null:
            return None
        if value is _MISSING:
            self.refuse(key, f"is missing; it must be {wanted}")
        elif not isinstance(value, str):
            self.refuse(key, f"{_shown(value)} is not {wanted}")
        elif not value or "\0" in value:
            self.refuse(key, f"{_shown(value)} is no name")
        else:
            return value
        return None

    def _read_id(self) -> str | int | None:
        value = self._row.get("id")
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return value if is_number else self._text("id")

    def _agent_speaking(self) -> tuple[Interval, ...] | None:
        if self._row.get("agent_speaking") is None:
            return None
        return self._intervals("agent_speaking")

    def _intervals(self, key: str) -> tuple[Interval, ...]:
        values = self._row.get(key, _MISSING)
        if values is _MISSING:
            self.refuse(key, "is missing; it must be a list of [start_ms, end_ms]")
            return ()
        if not isinstance(values, list):
            self.refuse(key, f"{_shown(values)} is not a list of [start_ms, end_ms]")
            return ()
        checked = [self._interval(f"{key}[{n}]", value) for n, value in enumerate(values)]
        intervals = merged(interval for interval in checked if interval is not None)
        if intervals and all(end_ms - start_ms < FRAME_MS for start_ms, end_ms in intervals):
            message = f"none is as long as {FRAME_MS} ms: times are in ms, and these look like s"
            self.notes.append(RowNote(line=self._line, field=key, message=message))
        return intervals

    def _interval(self, key: str, value: object) -> Interval | None:
        if not (isinstance(value, list) and len(value) == 2 and all(map(_is_time, value))):
            self.refuse(key, f"{_shown(value)} is not [start_ms, end_ms], two numbers of 0 or more")
            return None
        start_ms, end_ms = value
        if end_ms <= start_ms:
            self.refuse(key, f"{_shown(value)} does not end after its start")
            return None
        return float(start_ms), float(end_ms)

    def _tags(self) -> dict[str, str]:
        tags = self._row.get("tags")
        if tags is None:
            return {}
        if not isinstance(tags, dict):
            self.refuse("tags", f"{_shown(tags)} is not an object")
            return {}
        return {
            name: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for name, value in tags.items()
        }


_LATEST_MS = 1e9
"""Eleven days: what is later is no time within a recording."""


def _is_time(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= _LATEST_MS  # type: ignore[operator]


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:  # JSON can spell what no text can hold
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
