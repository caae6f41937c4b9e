"""What the load benchmarks hold against their limits, of figures that were made by hand."""

from __future__ import annotations

import math
import sys
from typing import NoReturn

import pytest
from benchmarks.figure import Verdict
from benchmarks.load import Case, case_figures
from benchmarks.load_growth import fall, growth
from benchmarks.load_rig import run_benchmark

from support.load_sides import figures
from voxgate.lab.load.child_process import ChildError

CASE = Case(mode="vad", calls=150, cpu_limit=0.006)
ECHO = Case(mode="echo_aware", calls=20, is_echo_proof=True)


def verdicts(case: Case, *rounds: object) -> dict[str, Verdict]:
    """Return what is said of each figure, by its name behind the case's."""
    found = case_figures(case, rounds)  # type: ignore[arg-type]
    return {figure.name.partition(": ")[2]: figure.verdict for figure in found}


def test_a_round_that_lost_nothing_hides_none_that_did() -> None:
    """One frame in one of three rounds is a limit missed."""
    said = verdicts(CASE, figures(150), figures(150, lost_frames=1), figures(150))
    assert said["frames lost"] is Verdict.MISSED
    assert said["calls lost"] is Verdict.MET


def test_costs_are_judged_by_the_middle_round() -> None:
    """Neither by the best nor by the worst."""
    costs = [figures(150, cpu_per_call=cost) for cost in (0.004, 0.0065, 0.0066)]
    assert verdicts(CASE, *costs)["CPU-s per call-s"] is Verdict.MISSED
    costs = [figures(150, cpu_per_call=cost) for cost in (0.004, 0.005, 0.0066)]
    assert verdicts(CASE, *costs)["CPU-s per call-s"] is Verdict.MET


def test_disturbed_rounds_do_not_count() -> None:
    """What is left without them is no result."""
    busy = figures(150, waited_share=0.3, lost_frames=7)
    assert verdicts(CASE, busy, figures(150))["frames lost"] is Verdict.MET
    (alone,) = case_figures(CASE, [busy])
    assert math.isnan(alone.value)


def test_an_engine_that_does_not_start_is_no_limit_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with the status of a machine that was too busy."""

    def run(seconds: float, n_rounds: int) -> NoReturn:
        raise ChildError(f"{n_rounds} rounds of {seconds} s were too much")

    monkeypatch.setattr(sys, "argv", ["load", "--rounds", "3"])
    assert run_benchmark("load", "", run) == 2
    assert "no result: 3 rounds of 30.0 s were too much" in capsys.readouterr().out


def test_a_hundred_answers_are_wanted_before_echo_proof_is_said() -> None:
    """Fewer are no result; one cut in all of them is a limit missed."""
    said = case_figures(ECHO, [figures(20, answers=60), figures(20, answers=39)])
    assert math.isnan(said[-1].value)
    said = case_figures(ECHO, [figures(20, answers=60), figures(20, answers=60)])
    assert said[-1].name.endswith("self-interruptions in 120 answers")
    assert said[-1].verdict is Verdict.MET
    cut = figures(20, answers=60, self_interruptions=1)
    assert case_figures(ECHO, [figures(20, answers=60), cut])[-1].verdict is Verdict.MISSED


def test_growth_is_what_more_calls_make_dearer() -> None:
    """A cost that falls does not grow; one that falls and rises does."""
    assert growth([0.03, 0.02, 0.01]) == 0.0
    assert growth([0.03, 0.010, 0.012]) == pytest.approx(20.0)
    assert fall([0.03, 0.02, 0.01]) == pytest.approx(66.67, abs=0.01)
