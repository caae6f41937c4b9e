"""The JSON."""

from __future__ import annotations

import json

from support.tuned_calls import prepared
from support.tunings import made_tuning
from voxgate.lab.tune.call_sources import CallProblem
from voxgate.lab.tune.cost import Weights
from voxgate.lab.tune.label_check import Agreement, TurnCounts
from voxgate.lab.tune.sufficiency import Shortage
from voxgate.lab.tune.summary import Gathered
from voxgate.lab.tune.tuned_keys import KeyGroup
from voxgate.lab.tune.tuning_json import tuning_as_json


def test_everything_that_is_said_is_in_it() -> None:
    """And it is JSON."""
    gathered = Gathered(
        calls=(prepared("a"), prepared("b", unsure=((0.0, 500.0),), is_given=False)),
        set_aside=2,
        problems=(CallProblem("c", "broken"),),
        notes=("odd",),
    )
    shortage = Shortage(group=KeyGroup.GUARD, what="s", have=1, need=2, calls_needed=None)
    tuning = made_tuning(shortages=(shortage,), problems=(CallProblem("d", "lost"),))
    report = tuning_as_json(tuning, gathered, Weights(), setting={"folder": "calls"})
    assert json.loads(json.dumps(report)) == report
    assert next(iter(report)) == "folder"
    assert (report["verdict"], len(report["said"])) == ("proposed", 2)
    assert report["labels"] == {
        "calls": 2,
        "set_aside": 2,
        "self_labelled": 1,
        "agent_turns": 1,
        "agent_turns_left_out": 1,
        "unsure_ms": 500.0,
        "duration_ms": 10_000.0,
        "agreement": None,
    }
    assert report["changes"][1]["key"] == "audio_guard.hangover_ms"
    assert report["shortages"][0]["group"] == "guard"
    assert [bad["name"] for bad in report["not_used"]] == ["c", "d"]
    held_out = report["held_out"]
    assert held_out["gain"] == {
        "cost_saved_per_call": 1.16,
        "bootstrap_95": [1.1, 1.2],
        "chance": 0.001,
        "is_sure": True,
    }
    assert held_out["current"]["false"]["count"] == 12
    assert held_out["proposed"]["caller_speech_lost_percent"]["value"] == 1.0
    assert held_out["tags"]["path"]["room"]["proposed"] is None


def test_what_is_not_there_is_null() -> None:
    """A part without calls, figures without anything."""
    gathered = Gathered(calls=(), set_aside=0, problems=())
    report = tuning_as_json(made_tuning(search=None), gathered, Weights(), setting={})
    assert report["search"] is None


def test_agreement_with_given_labels_is_told() -> None:
    """As counts, precision and recall."""
    counts = TurnCounts(found=9, missed=1, invented=0)
    call = prepared("a")
    object.__setattr__(call, "agreement", Agreement(turns=counts))
    gathered = Gathered(calls=(call,), set_aside=0, problems=())
    agreement = tuning_as_json(made_tuning(), gathered, Weights(), setting={})["labels"][
        "agreement"
    ]
    assert (agreement["precision"], agreement["recall"]) == (1.0, 0.9)
    assert agreement["interruptions"]["found"] == 9
