"""What came of a bench."""

from __future__ import annotations

import json

from support.bench_rows import bench_row, bench_rows
from voxgate.lab.bench.matrix import FACTORS
from voxgate.lab.bench.report import (
    Cell,
    figures_by_condition,
    groups_of,
    report_as_json,
    worst_cells,
)
from voxgate.lab.evaluate.summary import Share


def test_groups_hold_the_calls_that_they_are_named_for() -> None:
    """Six plain calls, two with little return loss, one noisy, one on a clean line."""
    rows = [
        *[bench_row(2100.0)] * 6,
        *[bench_row(2100.0, return_loss_db="-6 to 0")] * 2,
        bench_row(2100.0, background="music"),
        bench_row(2100.0, path="none", return_loss_db="none"),
    ]
    assert {name: figures.rows for name, figures in groups_of(rows).items()} == {
        "all calls": 10,
        "return loss of 6 dB and more": 8,
        "return loss below 6 dB": 2,
        "no background noise": 7,
        "clean line, no echo": 1,
        "first turn of each call": 8,
        "later turns": 8,
    }


def test_first_and_later_turns_are_told_apart() -> None:
    """A gate that hears the first interruption only; of audio there are no figures then."""
    groups = groups_of([bench_row(2100.0)] * 3)
    assert groups["first turn of each call"].recall == Share(3, 3)
    assert groups["later turns"].recall == Share(0, 3)
    assert groups["later turns"].echo_forwarded.percent is None


def test_conditions_come_in_the_order_of_the_matrix() -> None:
    """Only levels that occur."""
    conditions = figures_by_condition([bench_row(codec="gsm"), bench_row(), bench_row()])
    assert list(conditions) == [factor.name for factor in FACTORS]
    assert {level: of.rows for level, of in conditions["codec"].items()} == {"mulaw": 2, "gsm": 1}


def test_the_worst_cells_come_first() -> None:
    """Single levels and pairs with enough trials; hopeless return losses are left out."""
    rows = [
        *[bench_row(2100.0, 8100.0)] * 20,
        *[bench_row(1000.0, codec="gsm", background="tv")] * 10,
        *[bench_row(codec="alaw")] * 2,
        *[bench_row(1000.0, return_loss_db="0 to 6")] * 20,
    ]
    right = worst_cells(rows, by_right=True, count=3)
    assert right[0].right == Share(0, 20)
    assert right[0].condition["background"] == "tv"
    false = worst_cells(rows, by_right=False, count=100)
    assert false[0].false == Share(10, 20)
    assert all(cell.condition.get("codec") != "alaw" for cell in false)
    assert all(cell.condition.get("return_loss_db") != "0 to 6" for cell in false)


def test_a_cell_is_named_by_its_condition() -> None:
    """Factor and level of each."""
    condition = {"codec": "gsm", "line": "dtx"}
    assert Cell(condition=condition, right=Share(1, 2), false=Share(0, 2)).name == (
        "codec gsm, line dtx"
    )


def test_the_json_holds_everything_and_keeps_time_apart() -> None:
    """It is JSON, and nothing but the timing depends on the machine."""
    report = report_as_json({"vad": bench_rows(12)}, setting={"seed": 1}, notes=["a note"])
    assert json.loads(json.dumps(report)) == report
    assert report["seed"] == 1
    assert report["notes"] == ["a note"]
    assert report["timing"] == {"vad": {"us_per_frame_p50": 10.0}}
    gate = report["gates"]["vad"]
    assert set(gate) == {"groups", "conditions", "worst_right", "worst_false"}
    assert gate["groups"]["all calls"]["rows"] == 12
