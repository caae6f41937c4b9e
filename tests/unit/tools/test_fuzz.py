"""A short seeded run of every fuzz target; `make fuzz` has the long one."""

from __future__ import annotations

import numpy as np
import pytest

import fuzz
from support.fuzz_targets import TARGETS

_N_INPUTS = {"trace": 40, "config": 60, "desk-bodies": 200}
"""Of the slow ones; the others take 500."""


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_is_wrong_goes_through_a_parser(name: str) -> None:
    """Bytes, texts and values exchanged, cut, doubled and nested: an outcome for each, and of
    several kinds, so that not all of it was refused at the door."""
    outcome = fuzz.fuzz(TARGETS[name], seed=3, n_inputs=_N_INPUTS.get(name, 500))
    assert outcome.finding == ""
    assert outcome.n_inputs == _N_INPUTS.get(name, 500)
    assert len(outcome.kinds) > 1


def test_a_trace_that_nobody_has_changed_is_whole() -> None:
    """Else the fuzz of traces proves nothing: some of its inputs are as they were written."""
    outcome = fuzz.fuzz(TARGETS["trace"], seed=3, n_inputs=40)
    assert {"whole True", "whole False"} <= set(outcome.kinds)


def test_what_goes_through_is_found_and_comes_again() -> None:
    """By its seed and its number; a run ends there."""

    def make(rng: np.random.Generator) -> fuzz.Step:
        def step() -> str:
            if rng.random() < 0.01:
                raise ZeroDivisionError("of the parser")
            return "taken"

        return step

    first, second = (fuzz.fuzz(make, seed=5, n_inputs=10_000) for _ in range(2))
    assert "ZeroDivisionError: of the parser" in first.finding
    assert f"input {first.n_inputs} of seed 5" in first.finding
    assert (second.n_inputs, second.kinds) == (first.n_inputs, first.kinds)


def test_a_finding_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And is shown; the other targets run all the same."""

    def broken(_rng: np.random.Generator) -> fuzz.Step:
        def step() -> str:
            raise KeyError("field")

        return step

    def sound(_rng: np.random.Generator) -> fuzz.Step:
        return lambda: "taken"

    monkeypatch.setattr("support.fuzz_targets.TARGETS", {"broken": broken, "sound": sound})
    assert fuzz.main(["--inputs", "3"]) == 1
    shown = capsys.readouterr().out
    assert "broken: FINDING at input 0" in shown
    assert "sound: 3 inputs" in shown
    assert fuzz.main(["--inputs", "3", "--only", "sound"]) == 0


def test_a_run_ends_when_its_time_is_used_up() -> None:
    """However many inputs are left."""
    outcome = fuzz.fuzz(lambda _: lambda: "taken", seed=1, n_inputs=10**9, seconds=0.001)
    assert 0 < outcome.n_inputs < 10**9
