"""Shows what was measured on the way, and keeps it for the documentation."""

from __future__ import annotations

__all__ = ["show_table"]

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def show_table(name: str, rows: Sequence[Mapping[str, float]]) -> None:
    """Print rows of one kind; where ``SOAK_OUT`` names a folder, also as JSON into it."""
    columns = list(rows[0])
    lines = [columns, *([str(row[column]) for column in columns] for row in rows)]
    table = "\n".join("  ".join(f"{cell:>12}" for cell in line) for line in lines)
    sys.stdout.write(f"\n{name}\n{table}\n")
    if folder := os.environ.get("SOAK_OUT"):
        path = Path(folder) / f"{name.replace(' ', '-')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")
