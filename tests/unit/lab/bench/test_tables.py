"""The report of a bench as tables."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from support.bench_rows import bench_row, bench_rows
from voxgate.lab.bench.report import figures_by_condition
from voxgate.lab.bench.tables import (
    brief,
    condition_table,
    group_tables,
    targets_table,
    timing_table,
    worst_tables,
)
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


def test_targets_are_a_table_of_their_own() -> None:
    """Each line with its bound, its figure, how sure that is, and whether it will do."""
    lines = shown(targets_table([bench_row(2100.0, 8060.0)] * 10, "vad")).splitlines()
    assert lines[0].strip() == "targets: voxgate, vad"
    text = " ".join(" ".join(lines).split())
    assert "return loss of 6 dB and more:" in text
    assert "agent turns judged at least 1000 20 - NOT MET 10 calls" in text
    assert "false barge-ins at most 1.5 % 0.0 % 0.0 to 16.1 % met 0 of 20 agent turns" in text
    assert "onset to commitment, p50 at most 80 ms - - - 0 right barge-ins" in text


def test_time_is_a_table_of_its_own() -> None:
    """With dashes where nothing was measured."""
    row = bench_row()
    run = replace(row.run, us_agent_audible_p50=100.0, us_agent_silent_p50=50.0)
    text = shown(timing_table({"vad": [replace(row, run=run)], "usual_rule": [row]}))
    cells = [" ".join(line.split()) for line in text.splitlines()]
    assert "voxgate, vad 10 100 50 at most 120: met, at most 40: NOT MET" in cells
    assert "WebRTC VAD and RMS >= 1500 10 - - -" in cells
