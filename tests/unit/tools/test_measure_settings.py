"""What the tuning guide measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from measure_settings import KEYS, Key, bench_figures, config_text, guard_figures
from voxgate.config.load import parse_config
from voxgate.lab.bench.gates import GATES

MEASURED = Path(__file__).resolve().parents[3] / "docs" / "images" / "settings.json"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_value_is_one_that_loads(key: Key) -> None:
    """By the name that the configuration has for it; the default is among them."""
    for value in key.values:
        parse_config(config_text(key.name, value), "guide", {})
    section: object = parse_config("{}", "guide", {}).config
    for part in key.name.split("."):
        section = section[part] if isinstance(section, dict) else getattr(section, part)
    assert section in key.values
    assert key.gate in {*GATES, None}


def test_what_the_pictures_are_drawn_from_was_measured_so() -> None:
    """Every key and value, and enough calls to say something."""
    measured = json.loads(MEASURED.read_bytes())
    values = {key: [row["value"] for row in rows] for key, rows in measured["keys"].items()}
    assert values == {key.name: list(key.values) for key in KEYS}
    assert measured["setting"]["split"] == "report"
    assert measured["setting"]["calls"] >= 200


def test_figures_are_those_of_the_report() -> None:
    """Nothing is computed anew."""
    share = {"count": 1, "of": 4, "percent": 25.0}
    group = {
        "false_barge_ins": {"agent_turns": share},
        "recall": share,
        "onset_to_open_ms": {"p50": 60.0},
        "needless_pauses": {"agent_turns": share},
    }
    report = {"gates": {"vad": {"groups": {"return loss of 6 dB and more": group}}}}
    assert bench_figures(report, "vad")["right"] == share
    cell = {"cell": "music", "speech_lost_percent": 0, "idle_forwarded_percent": 3.0}
    assert guard_figures({"cells": [{**cell, "worst": {}}]}) == {"cells": [cell]}


def test_the_table_of_the_guide_is_what_was_measured() -> None:
    """Every figure in it, as it is rounded there."""
    guide = (MEASURED.parents[1] / "tuning.md").read_text(encoding="utf-8")
    key = "gating.providers.openai_realtime.sensitivity"
    measured = json.loads(MEASURED.read_bytes())
    for row in measured["keys"][key]:
        name = f"{row['value']:g}" + (" (default)" if row["value"] == 0.5 else "")
        soon, late = row["onset_to_open_ms"]["p50"], row["onset_to_open_ms"]["p95"]
        right, false = row["right"]["percent"], row["false"]["percent"]
        line = f"| {name} | {right:.1f} % | {false:.1f} % | {soon:.0f} ms | {late:.0f} ms |"
        assert line in guide
    turns = measured["keys"][key][0]
    assert f"{turns['right']['of']} interruptions in {turns['false']['of']} turns" in guide
    assert f"{measured['setting']['calls']} calls of `voxgate bench`" in guide
