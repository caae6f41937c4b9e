"""Cells of the matrix: single conditions and meetings of two, and where a gate is worst.

Invariant: calls with a return loss below 6 dB are in no cell.
"""

from __future__ import annotations

__all__ = ["Cell", "cells_of", "worst_cells"]

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.summary import Share
from .groups import Rows, ordinary_rows
from .matrix import FACTORS

_MIN_TURNS, _MIN_INTERRUPTIONS = 20, 12
"""Trials below which a cell says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A level of a factor, or the meeting of two, as one gate fared in it."""

    condition: Mapping[str, str]
    """Levels by factor."""
    right: Share
    false: Share

    @property
    def name(self) -> str:
        """The condition in words."""
        return ", ".join(f"{factor} {level}" for factor, level in self.condition.items())


def worst_cells(rows: Rows, *, by_right: bool, count: int = 10) -> list[Cell]:
    """Return the cells in which a gate fares worst, down to a return loss of 6 dB.

    Args:
        rows: Of one gate.
        by_right: True for the fewest right barge-ins, False for the most false ones.
        count: Cells to return, of those with enough trials.
    """
    cells = [*cells_of(rows, 1), *cells_of(rows, 2)]
    if by_right:
        known = [cell for cell in cells if cell.right.of >= _MIN_INTERRUPTIONS]
        return sorted(known, key=lambda c: (c.right.percent or 0.0, -c.right.of, c.name))[:count]
    known = [cell for cell in cells if cell.false.of >= _MIN_TURNS]
    return sorted(known, key=lambda c: (-(c.false.percent or 0.0), -c.false.of, c.name))[:count]


def cells_of(rows: Rows, size: int) -> list[Cell]:
    """Return the cells in which a gate's calls lie.

    Args:
        rows: Of one gate.
        size: 1 for single conditions, 2 for pairs.
    """
    ordinary = ordinary_rows(rows)
    cells = []
    for factors in combinations([factor.name for factor in FACTORS], size):
        grouped: defaultdict[tuple[str, ...], list[EvaluatedRow]] = defaultdict(list)
        for row in ordinary:
            grouped[tuple(row.row.tags[name] for name in factors)].append(row)
        for levels, members in grouped.items():
            cells.append(_cell(dict(zip(factors, levels, strict=True)), members))
    return cells


def _cell(condition: Mapping[str, str], rows: Rows) -> Cell:
    turns = [turn for row in rows for turn in row.verdict.turns]
    interrupted = [turn for turn in turns if turn.onset_ms is not None]
    return Cell(
        condition=condition,
        right=Share(sum(turn.right_ms is not None for turn in interrupted), len(interrupted)),
        false=Share(sum(bool(turn.false_ms) for turn in turns), len(turns)),
    )
