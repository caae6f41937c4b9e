"""The summary as JSON."""

from __future__ import annotations

import json

from support.verdicts import evaluated_row
from voxgate.lab.evaluate.manifest import RowNote, RowProblem
from voxgate.lab.evaluate.summary import figures_of
from voxgate.lab.evaluate.summary_json import figures_as_json, summary_as_json
from voxgate.lab.evaluate.turns import TurnVerdict

_RIGHT = TurnVerdict(judged=(0, 6000), onset_ms=2000, right_ms=2120, right_pause_ms=2060)
_FALSE = TurnVerdict(judged=(0, 6000), onset_ms=None, false_ms=(9,), needless_pause_ms=(8,))


def test_every_figure_stands_under_its_name() -> None:
    """The public form; a change of it is a change for whoever reads it."""
    figures = figures_as_json(figures_of([evaluated_row(_RIGHT, _FALSE, barge_ins=2)]))
    nothing_of_one = {"count": 1, "of": 1, "percent": 100.0, "wilson_95_percent": [20.655, 100.0]}
    one_of_two = {"count": 1, "of": 2, "percent": 50.0, "wilson_95_percent": [9.453, 90.547]}
    assert figures == {
        "rows": 1,
        "rows_passed_through": 0,
        "minutes": 1.0,
        "agent_turns": 2,
        "agent_minutes": 0.2,
        "interruptions": 1,
        "barge_ins": 2,
        "recall": nothing_of_one,
        "onset_to_open_ms": {"count": 1, "p50": 120.0, "p95": 120.0},
        "onset_to_pause_ms": {"count": 1, "p50": 60.0, "p95": 60.0},
        "false_barge_ins": {"count": 1, "per_agent_minute": 5.0, "agent_turns": one_of_two},
        "needless_pauses": {"count": 1, "per_agent_minute": 5.0, "agent_turns": one_of_two},
        "needless_delay_ms": {"count": 0, "total": 0.0, "p50": None, "per_agent_minute": 0.0},
        "stray_barge_ins": 0,
        "caller_speech_lost": {"ms": 1, "of_ms": 100, "percent": 1.0},
        "caller_speech_lost_over_agent": {"ms": 2, "of_ms": 100, "percent": 2.0},
        "caller_speech_lost_in_barge_ins": {"ms": 6, "of_ms": 100, "percent": 6.0},
        "non_speech_forwarded": {"ms": 3, "of_ms": 100, "percent": 3.0},
        "idle_forwarded": {"ms": 4, "of_ms": 100, "percent": 4.0},
        "echo_forwarded": {"ms": 5, "of_ms": 100, "percent": 5.0},
    }


def test_the_summary_is_the_setting_the_figures_and_what_was_wrong() -> None:
    """Time, which no two runs have in common, stands apart."""
    rows = [
        evaluated_row(_RIGHT, tags={"erl_db": "24"}, us_per_frame=20.126),
        evaluated_row(_FALSE, tags={"erl_db": "6"}, us_per_frame=30.0),
    ]
    bad = RowProblem(line=3, field="capture", message="file not found", row_id="c")
    note = RowNote(line=2, field="far_end", message="is short")
    summary = summary_as_json(rows, [bad], [note], setting={"manifest": "m.jsonl"})
    assert list(summary) == ["manifest", "overall", "tags", "bad_rows", "notes", "timing"]
    assert summary["manifest"] == "m.jsonl"
    assert summary["overall"]["agent_turns"] == 2
    assert {key: list(values) for key, values in summary["tags"].items()} == {"erl_db": ["6", "24"]}
    assert summary["tags"]["erl_db"]["24"]["recall"]["count"] == 1
    assert summary["bad_rows"] == [
        {"line": 3, "id": "c", "field": "capture", "message": "file not found"}
    ]
    assert summary["notes"] == [{"line": 2, "field": "far_end", "message": "is short"}]
    assert summary["timing"] == {
        "us_per_frame_p50": 25.06,
        "us_agent_audible_p50": None,
        "us_agent_silent_p50": None,
    }


def test_a_summary_of_nothing_is_json_too() -> None:
    """Null where there is no figure; never NaN, which JSON does not know."""
    text = json.dumps(summary_as_json([], [], [], setting={}), allow_nan=False)
    summary = json.loads(text)
    assert summary["overall"]["recall"]["percent"] is None
    assert summary["timing"]["us_per_frame_p50"] is None
