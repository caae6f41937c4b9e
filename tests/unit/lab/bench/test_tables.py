"""The report of a bench as tables."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from support.bench_rows import bench_row, bench_rows
from voxgate.lab.bench.report import figures_by_condition
from voxgate.lab.bench.tables import brief, condition_table, group_tables, worst_tables
from voxgate.lab.evaluate.summary import Share


def shown(table: Table) -> str:
    sink = io.StringIO()
    Console(file=sink, width=140).print(table)
    return sink.getvalue()


def test_gates_stand_side_by_side_in_each_group() -> None:
    """With interruptions and turns in the title, and dashes for groups without calls."""
    rows = {"vad": [bench_row(2100.0, 8200.0)] * 4, "off": [bench_row()] * 4}
    tables = group_tables(rows)
    first = shown(tables[0])
    assert "all calls: 8 agent turns, 8 interruptions" in first
    assert "voxgate, vad" in first
    assert "100.0 (67.6-100.0)" in first
    assert "150 / 200 ms" not in shown(tables[2])
    assert "return loss below 6 dB: 0 agent turns" in shown(tables[2])


def test_conditions_are_listed_with_their_trials() -> None:
    """One line for each level that occurs."""
    text = shown(condition_table(figures_by_condition(bench_rows(12)), "vad"))
    assert "codec: mulaw" in text
    assert "background: none" in text


def test_the_worst_cells_are_shown_with_their_counts() -> None:
    """By right and by false barge-ins."""
    right, false = worst_tables([bench_row(1000.0, 8100.0)] * 12, "vad")
    assert "12/24" in shown(right)
    assert "fewest right" in shown(right)
    assert "most false" in shown(false)


def test_a_share_of_nothing_is_a_dash() -> None:
    """Not 0 %."""
    assert brief(Share(0, 0)) == "-"
    assert brief(Share(0, 10)) == "0.0 (0.0-27.8)"
