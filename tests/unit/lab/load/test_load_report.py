"""The figures for programs and as a picture."""

from __future__ import annotations

import json
from pathlib import Path

from support.load_sides import figures
from voxgate.lab.load.load_figures import Percentiles
from voxgate.lab.load.load_report import draw_load, report_as_json


def test_a_report_is_json_with_limits_and_verdict() -> None:
    """All figures of each step, by name."""
    report = json.loads(json.dumps(report_as_json([figures(10), figures(20, lost_frames=2)])))
    assert report["verdict"].startswith("10 calls were held. 20 calls are too many")
    assert report["steps"][0]["line_to_provider"]["p99_ms"] == 8.0
    assert report["steps"][1]["engine_limits"] == ["2 frames were lost"]
    assert report["steps"][1]["rig_limits"] == []


def test_a_picture_is_drawn_of_what_is_known(tmp_path: Path) -> None:
    """An engine without a process of its own is drawn too, and one that was disturbed."""
    unknown = figures(20, cpu_per_call=None, line_to_provider=Percentiles(count=0))
    disturbed = figures(30, waited_share=0.4)
    draw_load([figures(10), unknown, disturbed], tmp_path / "load.png")
    assert (tmp_path / "load.png").read_bytes().startswith(b"\x89PNG")
