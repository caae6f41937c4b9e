"""Who changed what of the configuration, and when: the newest changes, in a file or in memory.

Invariant: a secret never stands here; what is written is a line a change, and a line that can't be
read costs itself only.
"""

from __future__ import annotations

__all__ = ["REDACTED_VALUE", "ConfigChange", "ConfigHistory"]

import json
import os
import stat
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..config.edited_document import ABSENT, Absent
from ..config.reload_rules import KeyChange, TakesEffect
from ..config.shown_value import REDACTED, is_secret_key, is_secret_text
from ..config.yaml_document import Tree

_VERSION = 1
_MAX_CHANGES = 500
"""Changes that are remembered; the file may hold twice as many before it is written anew."""
_MAX_BYTES = 32 * 2**20
"""Of the file, that are read: its newest."""

REDACTED_VALUE = REDACTED
"""Stands for a value that looked like a secret; a change that has one can't be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """One change of the configuration that took effect."""

    id: str
    """Unique in the history; counts up."""
    at: datetime
    """When, in UTC."""
    who: str
    """Who did it, in the words of whoever asked: ``desk``, ``file``, ``SIGHUP``."""
    keys: tuple[KeyChange, ...]
    """What differs since."""
    is_saved: bool
    """Whether it stands in the file; else a restart forgets it."""
    undoes: str | None = None
    """Id of the change that it takes back."""
    overridden: tuple[str, ...] = ()
    """Keys that the file changed in vain: environment variables set them."""
    added: tuple[str, ...] = ()
    """Keys that did not stand in the document before: they had their default, or a profile's."""


class ConfigHistory:
    """The newest changes, oldest first in the file.

    Args:
        path: The file, which is made when it is first needed; None: memory only.
        like: The file that it is the history of: who may read that may read this.
    """

    def __init__(self, path: Path | None = None, *, like: Path | None = None) -> None:
        self._path = path
        self._like = like
        self._changes: deque[ConfigChange] = deque(maxlen=_MAX_CHANGES)
        self._lines_in_file = 0
        self._last_id = 0

    @property
    def newest_first(self) -> tuple[ConfigChange, ...]:
        """What is remembered."""
        return tuple(reversed(self._changes))

    @property
    def next_id(self) -> str:
        """What the next change is called."""
        return str(self._last_id + 1)

    def find(self, change_id: str) -> ConfigChange | None:
        """Return a change by its id; None if it is not remembered."""
        return next((change for change in self._changes if change.id == change_id), None)

    def add(self, change: ConfigChange) -> ConfigChange:
        """Remember a change, and return it as it is remembered: without anything secret."""
        keys = tuple(
            KeyChange(
                key=each.key,
                old=_kept(each.old, each.key),
                new=_kept(each.new, each.key),
                takes_effect=each.takes_effect,
            )
            for each in change.keys
        )
        kept = replace(change, keys=keys)
        self._remember(kept)
        return kept

    def load(self) -> None:
        """Read the file, as far as it can be read; blocks."""
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._path.stat().st_size - _MAX_BYTES))
                lines = file.read(_MAX_BYTES).decode(errors="replace").splitlines()
        except OSError:
            return
        self._lines_in_file = len(lines)
        for line in lines:
            change = _parsed(line)
            if change is not None:
                self._remember(change)

    def save_newest(self) -> None:
        """Write the newest change behind the others, or the file anew if it is long; blocks.

        Raises:
            OSError: it can't be written.
        """
        if self._path is None or not self._changes:
            return
        if self._lines_in_file < 2 * _MAX_CHANGES:
            with open(self._path, "a", encoding="utf-8", opener=self._open) as file:
                file.write(_line(self._changes[-1]))
            self._lines_in_file += 1
            return
        spare = self._path.with_name(self._path.name + ".new")
        with open(spare, "w", encoding="utf-8", opener=self._open) as file:
            file.writelines(map(_line, self._changes))
        spare.replace(self._path)
        self._lines_in_file = len(self._changes)

    def _open(self, path: str, flags: int) -> int:
        """Open a file; a new one is read by whoever may read the configuration."""
        try:
            mode = 0o600 if self._like is None else stat.S_IMODE(self._like.stat().st_mode)
        except OSError:
            mode = 0o600
        handle = os.open(path, flags, mode & 0o666)
        if os.fstat(handle).st_size == 0:
            Path(path).chmod(mode & 0o666)  # whatever the process takes away from new files
        return handle

    def _remember(self, change: ConfigChange) -> None:
        self._changes.append(change)
        if change.id.isascii() and change.id.isdigit():
            self._last_id = max(self._last_id, int(change.id))


def _kept(value: Tree | Absent, key: str) -> Tree | Absent:
    """Return a value as it may be written down."""
    if isinstance(value, dict):
        return {name: _shown(inner, name) for name, inner in value.items()}
    return value if value is ABSENT else _shown(value, key.rpartition(".")[2])


def _shown(value: Tree, name: str) -> Tree:
    if isinstance(value, dict):
        return {inner: _shown(each, inner) for inner, each in value.items()}
    if isinstance(value, list):
        return [_shown(each, "") for each in value]
    is_secret = is_secret_text(value) or (value is not None and is_secret_key(name))
    return REDACTED_VALUE if is_secret else value


# -- lines -----------------------------------------------------------------------------------------


def _line(change: ConfigChange) -> str:
    record = {
        "version": _VERSION,
        "id": change.id,
        "at": change.at.isoformat(),
        "who": change.who,
        "keys": [_key_record(each) for each in change.keys],
        "is_saved": change.is_saved,
        "undoes": change.undoes,
        "overridden": list(change.overridden),
        "added": list(change.added),
    }
    return json.dumps(record, ensure_ascii=False) + "\n"


def _key_record(change: KeyChange) -> dict[str, Any]:
    record: dict[str, Any] = {"key": change.key, "takes_effect": change.takes_effect.value}
    if change.old is not ABSENT:
        record["old"] = change.old
    if change.new is not ABSENT:
        record["new"] = change.new
    return record


def _parsed(line: str) -> ConfigChange | None:
    """Return the change in a line; None if there is none that this version can read."""
    try:
        record = json.loads(line)
        if record["version"] != _VERSION:
            return None
        at = datetime.fromisoformat(record["at"]).astimezone(UTC)
        undoes = record["undoes"]
        return ConfigChange(
            id=_text(record["id"]),
            at=at,
            who=_text(record["who"]),
            keys=tuple(_keys(record["keys"])),
            is_saved=record["is_saved"] is True,
            undoes=None if undoes is None else _text(undoes),
            overridden=tuple(map(_text, record["overridden"])),
            added=tuple(map(_text, record.get("added", ()))),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _keys(records: Iterable[Mapping[str, Any]]) -> Iterable[KeyChange]:
    for record in records:
        yield KeyChange(
            key=_text(record["key"]),
            old=record.get("old", ABSENT),
            new=record.get("new", ABSENT),
            takes_effect=TakesEffect(record["takes_effect"]),
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
