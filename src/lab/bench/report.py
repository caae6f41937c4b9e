"""What came of a bench: each gate in each group of calls, and where each gate is worst.

Invariant: every figure is one that ``voxgate evaluate`` would give of the same calls.
"""

from __future__ import annotations

__all__ = ["figures_by_condition", "report_as_json"]

from collections.abc import Mapping, Sequence
from typing import Any

from ..evaluate.evaluation import EvaluatedRow
from ..evaluate.summary import Figures, figures_of
from ..evaluate.summary_json import figures_as_json, timing_as_json
from .cells import Cell, worst_cells
from .groups import RETURN_LOSS, Rows, groups_of, ordinary_rows
from .matrix import FACTORS, NO_ECHO, Factor
from .targets import cost_targets_of, target_as_json, targets_of


def figures_by_condition(rows: Rows) -> dict[str, dict[str, Figures]]:
    """Return the figures of each level of each factor that occurs, in the matrix's order.

    Those of the return loss are of all calls, all others of calls of 6 dB and more.
    """
    ordinary = ordinary_rows(rows)
    return {
        factor.name: _figures_by_level(rows if factor.name == RETURN_LOSS else ordinary, factor)
        for factor in FACTORS
    }


def _figures_by_level(rows: Rows, factor: Factor) -> dict[str, Figures]:
    grouped: dict[str, list[EvaluatedRow]] = {level: [] for level in (*factor.levels, NO_ECHO)}
    for row in rows:
        grouped[row.row.tags[factor.name]].append(row)
    return {level: figures_of(members) for level, members in grouped.items() if members}


def report_as_json(
    rows: Mapping[str, Rows], *, setting: Mapping[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """Return everything there is to say of a bench; all but ``timing`` follows from the seed."""
    return {
        **setting,
        "notes": list(notes),
        "gates": {gate: _gate_as_json(of) for gate, of in rows.items()},
        "timing": {
            gate: {
                **timing_as_json(of),
                "targets": [target_as_json(target) for target in cost_targets_of(of)],
            }
            for gate, of in rows.items()
        },
    }


def _gate_as_json(rows: Rows) -> dict[str, Any]:
    return {
        "targets": [target_as_json(target) for target in targets_of(rows)],
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
