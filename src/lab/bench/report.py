"""What came of a bench: each gate in each group of calls, and where each gate is worst.

Invariant: every figure is one that ``voxgate evaluate`` would give of the same calls.
"""

from __future__ import annotations

__all__ = [
    "GROUPS",
    "Cell",
    "figures_by_condition",
    "figures_of_turns",
    "groups_of",
    "report_as_json",
    "worst_cells",
]

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median
from typing import Any

from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.judge import AudioShare, CallVerdict
from ..evaluate.summary import Figures, Share, figures_of
from ..evaluate.summary_json import figures_as_json
from .matrix import BELOW_6_DB, FACTORS, NO_ECHO, Factor

_MIN_TURNS, _MIN_INTERRUPTIONS = 20, 12
"""Trials below which a cell says nothing."""

_RETURN_LOSS = "return_loss_db"

Rows = Sequence[EvaluatedRow]


def _is_ordinary(row: EvaluatedRow) -> bool:
    return row.row.tags[_RETURN_LOSS] not in BELOW_6_DB


def _is_quiet(row: EvaluatedRow) -> bool:
    tags = row.row.tags
    return _is_ordinary(row) and tags["background"] == "none" and tags["bursts"] == "no"


def _is_clean(row: EvaluatedRow) -> bool:
    tags = row.row.tags
    has_even_line = tags["line"] == "steady" and tags["packet_loss"] == "no"
    return _is_quiet(row) and tags["path"] == NO_ECHO and has_even_line


GROUPS: Mapping[str, Callable[[EvaluatedRow], bool]] = {
    "return loss of 6 dB and more": _is_ordinary,
    "return loss below 6 dB": lambda row: not _is_ordinary(row),
    "no background noise": _is_quiet,
    "clean line, no echo": _is_clean,
}
"""Groups of calls; all but the second have no return loss below 6 dB."""

_FIRST, _LATER = "first turn of each call", "later turns"


def groups_of(rows: Rows) -> dict[str, Figures]:
    """Return the figures of one gate in each group, and of first and later turns."""
    ordinary = [row for row in rows if _is_ordinary(row)]
    return {
        "all calls": figures_of(rows),
        **{name: figures_of([r for r in rows if has(r)]) for name, has in GROUPS.items()},
        _FIRST: figures_of_turns(ordinary, slice(0, 1)),
        _LATER: figures_of_turns(ordinary, slice(1, None)),
    }


def figures_of_turns(rows: Rows, turns: slice) -> Figures:
    """Return the figures of some turns of each call; there are none of audio."""
    return figures_of([replace(row, verdict=_of_turns(row.verdict, turns)) for row in rows])


def _of_turns(verdict: CallVerdict, turns: slice) -> CallVerdict:
    nothing = AudioShare()
    return replace(
        verdict,
        turns=verdict.turns[turns],
        speech_lost=nothing,
        speech_lost_over_agent=nothing,
        speech_lost_in_barge_ins=nothing,
        non_speech_forwarded=nothing,
        idle_forwarded=nothing,
        echo_forwarded=nothing,
    )


def figures_by_condition(rows: Rows) -> dict[str, dict[str, Figures]]:
    """Return the figures of each level of each factor that occurs, in the matrix's order.

    Those of the return loss are of all calls, all others of calls of 6 dB and more.
    """
    ordinary = [row for row in rows if _is_ordinary(row)]
    return {
        factor.name: _figures_by_level(rows if factor.name == _RETURN_LOSS else ordinary, factor)
        for factor in FACTORS
    }


def _figures_by_level(rows: Rows, factor: Factor) -> dict[str, Figures]:
    grouped: dict[str, list[EvaluatedRow]] = {level: [] for level in (*factor.levels, NO_ECHO)}
    for row in rows:
        grouped[row.row.tags[factor.name]].append(row)
    return {level: figures_of(members) for level, members in grouped.items() if members}


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
    cells = _cells([row for row in rows if _is_ordinary(row)])
    if by_right:
        known = [cell for cell in cells if cell.right.of >= _MIN_INTERRUPTIONS]
        return sorted(known, key=lambda c: (c.right.percent or 0.0, -c.right.of, c.name))[:count]
    known = [cell for cell in cells if cell.false.of >= _MIN_TURNS]
    return sorted(known, key=lambda c: (-(c.false.percent or 0.0), -c.false.of, c.name))[:count]


def _cells(rows: Rows) -> list[Cell]:
    names = [factor.name for factor in FACTORS]
    conditions = [(name,) for name in names] + list(combinations(names, 2))
    cells = []
    for factors in conditions:
        grouped: defaultdict[tuple[str, ...], list[EvaluatedRow]] = defaultdict(list)
        for row in rows:
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


def report_as_json(
    rows: Mapping[str, Rows], *, setting: Mapping[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """Return everything there is to say of a bench; all but ``timing`` follows from the seed."""
    return {
        **setting,
        "notes": list(notes),
        "gates": {gate: _gate_as_json(of) for gate, of in rows.items()},
        "timing": {
            gate: {"us_per_frame_p50": round(median(row.run.us_per_frame_p50 for row in of), 2)}
            for gate, of in rows.items()
        },
    }


def _gate_as_json(rows: Rows) -> dict[str, Any]:
    return {
        "groups": {name: figures_as_json(of) for name, of in groups_of(rows).items()},
        "conditions": {
            factor: {level: figures_as_json(of) for level, of in levels.items()}
            for factor, levels in figures_by_condition(rows).items()
        },
        "worst_right": [_cell_as_json(cell) for cell in worst_cells(rows, by_right=True)],
        "worst_false": [_cell_as_json(cell) for cell in worst_cells(rows, by_right=False)],
    }


def _cell_as_json(cell: Cell) -> dict[str, Any]:
    return {
        "condition": dict(cell.condition),
        "right": [cell.right.count, cell.right.of],
        "false": [cell.false.count, cell.false.of],
    }
