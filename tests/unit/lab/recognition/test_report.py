"""The figures of a recognition bench."""

from __future__ import annotations

import json

import pytest

from support.recognised import interrupted
from voxgate.lab.recognition.report import clean_rate, figures_by_stop, report_as_json
from voxgate.lab.recognition.trial import NEVER

TRIALS = [
    interrupted(12.0, clean=0, raw=(2, 4), cancelled=(1, 1)),
    interrupted(-6.0, clean=1, raw=(4, 9), cancelled=(3, 5)),
    interrupted(12.0, clean=0, raw=(0, 2), cancelled=(1, 0)),
]


def test_rates_by_return_loss_and_of_all() -> None:
    """The smallest return loss first; of all words together."""
    figures = figures_by_stop(TRIALS)
    assert list(figures) == [0.0, NEVER]
    raw = figures[NEVER]["raw"].rates
    assert list(raw) == ["-6", "12", "all"]
    assert raw["-6"].percent == pytest.approx(90.0)
    assert raw["12"].percent == pytest.approx(30.0)
    assert raw["all"].percent == pytest.approx(50.0)
    assert clean_rate(TRIALS)["all"].percent == pytest.approx(100 / 30)


def test_every_way_is_held_against_raw_on_the_same_calls() -> None:
    """Below zero is better; raw differs from itself by nothing."""
    figures = figures_by_stop(TRIALS)[NEVER]
    assert figures["echo_cancelled"].over_raw["-6"].percent == pytest.approx(-40.0)
    assert figures["echo_cancelled"].over_raw["all"].percent == pytest.approx(-30.0)
    assert {rate.percent for rate in figures["raw"].over_raw.values()} == {0.0}


def test_the_report_is_json() -> None:
    """With the setting, and a name for an agent that never stops."""
    report = json.loads(json.dumps(report_as_json(TRIALS, setting={"seed": 1})))
    assert report["setting"] == {"seed": 1}
    assert list(report["by_stop_ms"]) == ["0", "never"]
    shown = report["by_stop_ms"]["0"]["echo_cancelled"]["rates"]["all"]
    assert (shown["percent"], shown["utterances"], shown["words"]) == (pytest.approx(50 / 3), 3, 30)


def test_no_trial_is_an_empty_report() -> None:
    """Nothing to divide by."""
    assert figures_by_stop([]) == {}
    assert clean_rate([])["all"].words == 0
