"""What came of a bench."""

from __future__ import annotations

import json

from support.bench_rows import bench_row, bench_rows
from voxgate.lab.bench.matrix import FACTORS
from voxgate.lab.bench.report import figures_by_condition, report_as_json


def test_conditions_come_in_the_order_of_the_matrix() -> None:
    """Only levels that occur."""
    conditions = figures_by_condition([bench_row(codec="gsm"), bench_row(), bench_row()])
    assert list(conditions) == [factor.name for factor in FACTORS]
    assert {level: of.rows for level, of in conditions["codec"].items()} == {"mulaw": 2, "gsm": 1}


def test_the_json_holds_everything_and_keeps_time_apart() -> None:
    """It is JSON, and nothing but the timing depends on the machine."""
    report = report_as_json({"vad": bench_rows(12)}, setting={"seed": 1}, notes=["a note"])
    assert json.loads(json.dumps(report)) == report
    assert report["seed"] == 1
    assert report["notes"] == ["a note"]
    timing = report["timing"]["vad"]
    assert timing["us_per_frame_p50"] == 10.0
    assert [target["met"] for target in timing["targets"]] == [None, None]
    gate = report["gates"]["vad"]
    assert set(gate) == {
        "targets",
        "groups",
        "conditions",
        "worst_right",
        "worst_false",
    }
    assert gate["groups"]["all calls"]["rows"] == 12
