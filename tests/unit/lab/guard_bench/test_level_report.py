"""The curve of the level rule as tables, JSON and a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from voxgate.core.config import QuieterVoices
from voxgate.lab.evaluate.judge import AudioShare
from voxgate.lab.guard_bench.level_curve import CurveCondition, CurvePoint
from voxgate.lab.guard_bench.level_report import curve_as_json, curve_tables, draw_level_curve
from voxgate.lab.guard_scenes.turning_away import CourseKind

SETTINGS = (
    (QuieterVoices.PASS, None),
    (QuieterVoices.ATTENUATE, 10.0),
    (QuieterVoices.ATTENUATE, 12.0),
    (QuieterVoices.WITHHOLD, 10.0),
)


@pytest.fixture
def curve() -> list[list[CurvePoint]]:
    """Two televisions, two callers who turn away."""
    return [
        [
            CurvePoint(
                condition=condition,
                quieter_voices=mode,
                threshold_db=threshold_db,
                speech_lost=AudioShare(10.0 * number + 5.0, 1000.0),
                idle_forwarded=AudioShare(900.0 - 100.0 * number, 1000.0),
            )
            for number, (mode, threshold_db) in enumerate(SETTINGS)
        ]
        for condition in (
            CurveCondition("tv", 15.0),
            CurveCondition("tv", 20.0),
            CurveCondition(CourseKind.AWAY, 9.0),
            CurveCondition(CourseKind.AWAY, 12.0),
        )
    ]


def test_tables_have_a_row_for_each_setting(curve) -> None:
    """Of others what is forwarded, of everybody what callers lose; nothing of nothing is a dash."""
    curve[0][1].idle_forwarded = AudioShare()
    console = Console(width=160)
    with console.capture() as shown:
        for table in curve_tables(curve):
            console.print(table)
    others, lost = shown.get().split("Lost of callers' speech, %")
    assert "turns away" not in others
    assert "90.0" in others
    assert "-" in next(line for line in others.splitlines() if "attenuate from 10 dB" in line)
    assert "withhold from 10 dB" in lost
    assert "3.5" in lost


def test_json_has_every_figure(curve) -> None:
    """One object for each setting in each condition."""
    described = curve_as_json(curve)
    assert len(described) == 16
    assert described[1] == {
        "condition": "tv 15 dB below",
        "quieter_voices": "attenuate",
        "quieter_voice_db": 10.0,
        "speech_lost_percent": 1.5,
        "idle_forwarded_percent": 80.0,
    }


def test_the_curve_can_be_drawn(curve, tmp_path: Path) -> None:
    """One plot for each television, in one picture."""
    path = tmp_path / "curve.png"
    draw_level_curve(curve, path)
    assert path.read_bytes().startswith(b"\x89PNG")
