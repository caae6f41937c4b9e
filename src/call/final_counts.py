"""What the sides of a call counted by themselves: frames left out, messages not understood, waits.

A line tells it by ``stats``, a dataclass, a provider by ``counts``, a mapping; either may tell
nothing. Invariant: only whole numbers come through, never a text that a peer wrote.
"""

from __future__ import annotations

__all__ = ["add_counts", "line_counts", "provider_counts"]

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def line_counts(line: object) -> Mapping[str, int]:
    """Return the counters of a line by their names; nothing where it has none."""
    stats: Any = getattr(line, "stats", None)
    if not is_dataclass(stats) or isinstance(stats, type):
        return {}
    return _numbers({field.name: getattr(stats, field.name) for field in fields(stats)})


def provider_counts(provider: object) -> Mapping[str, int]:
    """Return the counters of a provider by their names; nothing where it has none."""
    counts = getattr(provider, "counts", None)
    return _numbers(counts) if isinstance(counts, Mapping) else {}


def add_counts(total: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of two sets of counters."""
    return {name: total.get(name, 0) + more.get(name, 0) for name in (*total, *more)}


def _numbers(values: Mapping[Any, object]) -> dict[str, int]:
    return {
        str(name): value
        for name, value in values.items()
        if isinstance(value, int) and not isinstance(value, bool) and value > 0
    }
