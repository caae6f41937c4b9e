"""What must hold, and whether it does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from support.bench_rows import bench_row
from voxgate.lab.bench.targets import (
    Bound,
    Target,
    cost_targets_of,
    target_as_json,
    targets_of,
)
from voxgate.lab.evaluate.evaluation import EvaluatedRow

GOOD = bench_row(2100.0, 8060.0)
"""Both interruptions are right, after 100 and 60 ms; nothing is false."""


def targets(rows: list[EvaluatedRow]) -> dict[tuple[str, str], Target]:
    return {(target.group, target.name): target for target in targets_of(rows)}


@pytest.mark.parametrize(
    ("bound", "figures", "words"),
    [
        (Bound(1.5, is_upper=True), {1.4: True, 1.5: True, 1.6: False}, "at most 1.5"),
        (Bound(97.0, is_upper=False), {96.9: False, 97.0: True, 98.0: True}, "at least 97"),
        (Bound(90.0, is_upper=False, is_strict=True), {90.0: False, 90.1: True}, "over 90"),
        (Bound(6.0, is_upper=True, is_strict=True), {5.9: True, 6.0: False}, "under 6"),
    ],
)
def test_a_bound_says_what_a_figure_must_be(
    bound: Bound, figures: dict[float, bool], words: str
) -> None:
    """And whether it itself will do."""
    assert {figure: bound.holds(figure) for figure in figures} == figures
    assert str(bound) == words


def test_every_line_stands_in_its_group() -> None:
    """In the order in which they were asked for."""
    ordinary = "return loss of 6 dB and more"
    assert list(targets([GOOD])) == [
        (ordinary, "agent turns judged"),
        (ordinary, "false barge-ins"),
        (ordinary, "right barge-ins"),
        (ordinary, "onset to commitment, p50"),
        (ordinary, "onset to commitment, p95"),
        (ordinary, "onset to candidate, p50"),
        (ordinary, "needless pauses"),
        (ordinary, "echo that reaches the provider"),
        (ordinary, "caller speech lost in and after barge-ins"),
        (ordinary, "right barge-ins, worst single condition"),
        (ordinary, "false barge-ins, worst single condition"),
        (ordinary, "right barge-ins, worst pair of conditions"),
        (ordinary, "false barge-ins, worst pair of conditions"),
        ("no background noise", "false barge-ins"),
        ("no background noise", "right barge-ins"),
        ("clean line, no echo", "onset to commitment, p50"),
        ("no echo, noise or music", "false barge-ins"),
        ("no echo, noise or music", "right barge-ins"),
    ]


def test_noise_and_music_without_echo_have_lines_of_their_own() -> None:
    """Of the calls without echo whose background is nobody's voice; none counts twice."""
    noisy = bench_row(1000.0, 8060.0, path="none", return_loss_db="none", background="music")
    spoken = bench_row(1000.0, path="none", return_loss_db="none", background="tv")
    found = targets([GOOD, noisy, spoken])
    false = found["no echo, noise or music", "false barge-ins"]
    assert (false.figure, false.is_met) == (50.0, False)
    assert found["no echo, noise or music", "right barge-ins"].figure == 50.0


def test_a_figure_is_held_against_its_bound() -> None:
    """With its interval, and what it was counted of."""
    bad = bench_row(1000.0, 8060.0)
    found = targets([*[GOOD] * 499, bad])
    ordinary = "return loss of 6 dB and more"
    turns = found[ordinary, "agent turns judged"]
    assert (turns.figure, turns.is_met) == (1000, True)
    false = found[ordinary, "false barge-ins"]
    assert (false.figure, false.is_met) == (0.1, True)
    assert false.counted == "1 of 1000 agent turns"
    assert false.interval == pytest.approx((0.018, 0.565), abs=0.01)
    assert found["no background noise", "right barge-ins"].is_met
    p50 = found[ordinary, "onset to commitment, p50"]
    assert (p50.figure, p50.unit, p50.is_met) == (60.0, "ms", True)
    assert not targets([bad] * 10)[ordinary, "false barge-ins"].is_met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    """There is no clean line among these calls, and no cell with enough trials."""
    found = targets([GOOD])
    clean = found["clean line, no echo", "onset to commitment, p50"]
    assert (clean.figure, clean.is_met, clean.counted) == (None, None, "0 right barge-ins")
    hole = found["return loss of 6 dB and more", "right barge-ins, worst single condition"]
    assert (hole.figure, hole.is_met) == (None, None)
    assert hole.counted == "no cell with enough trials"


def test_calls_below_6_db_are_no_ones_fault() -> None:
    """No line is about them."""
    loud = bench_row(1000.0, return_loss_db="-6 to 0")
    found = targets([*[GOOD] * 20, *[loud] * 20])
    assert found["return loss of 6 dB and more", "false barge-ins"].figure == 0.0


def test_a_hole_is_named() -> None:
    """The worst cell with enough trials, and how many hold."""
    deaf = bench_row(codec="gsm", background="tv")
    few = bench_row(codec="alaw")
    found = targets([*[GOOD] * 40, *[deaf] * 20, few])
    ordinary = "return loss of 6 dB and more"
    single = found[ordinary, "right barge-ins, worst single condition"]
    assert single.figure == 0.0
    assert not single.is_met
    assert single.counted in {
        f"{cell}: 0 of 40; 2 of 14 hold" for cell in ("background tv", "codec gsm")
    }
    pair = found[ordinary, "right barge-ins, worst pair of conditions"]
    assert pair.figure == 0.0
    false = found[ordinary, "false barge-ins, worst single condition"]
    assert (false.figure, false.is_met) == (0.0, True)


def test_cost_is_told_apart() -> None:
    """While the agent is audible, and while it is silent."""
    run = replace(GOOD.run, us_agent_audible_p50=119.0, us_agent_silent_p50=41.0)
    audible, silent = cost_targets_of([replace(GOOD, run=run)])
    assert (audible.bound.value, audible.figure, audible.is_met) == (120.0, 119.0, True)
    assert (silent.bound.value, silent.figure, silent.is_met) == (40.0, 41.0, False)


def test_a_target_is_json() -> None:
    """With the bound under its kind."""
    found = [target_as_json(target) for target in targets_of([GOOD] * 30)]
    assert json.loads(json.dumps(found)) == found
    assert found[1] == {
        "group": "return loss of 6 dB and more",
        "name": "false barge-ins",
        "unit": "%",
        "at_most": 1.5,
        "figure": 0.0,
        "interval_95": [0.0, 6.017],
        "counted": "0 of 60 agent turns",
        "met": True,
    }
    assert found[9]["over"] == 90.0
    assert found[10]["under"] == 6.0
