"""The manifest of a corpus folder: one row a sound.

Invariant: a manifest is replaced in one step, so that it is never half written.
"""

from __future__ import annotations

__all__ = ["COLUMNS", "Row", "read_manifest", "write_manifest"]

import csv
from collections.abc import Sequence
from pathlib import Path

from .scenarios.corpus_folder import CorpusError

COLUMNS = ("path", "kind", "source", "version", "speaker", "language", "licence", "seconds")
"""Of the manifest."""

Row = dict[str, str]
"""One sound, by column."""


def read_manifest(folder: Path) -> list[Row]:
    """Return the rows whose files are there; none without a manifest.

    Raises:
        CorpusError: the folder's manifest has other columns, so it is somebody's own corpus.
    """
    path = folder / "MANIFEST.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise CorpusError(f"{path}: is not a manifest of this command; use another folder")
        return [row for row in reader if (folder / row["path"]).is_file()]


def write_manifest(folder: Path, rows: Sequence[Row]) -> None:
    """Replace the manifest.

    Raises:
        CorpusError: it can't be written.
    """
    path = folder / "MANIFEST.csv"
    beside = path.with_suffix(".new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as sink:
            writer = csv.DictWriter(sink, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        beside.replace(path)
    except OSError as error:
        raise CorpusError(f"{path}: can't be written: {error.strerror or error}") from error
