"""Settings tried on calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.recordings import write_wav
from support.signals import silence, speech_like
from support.tuned_calls import prepared, row_source
from voxgate.config import load_config
from voxgate.lab.tune import trials as module
from voxgate.lab.tune.call_sources import CallProblem
from voxgate.lab.tune.prepared_call import PreparedCall
from voxgate.lab.tune.trials import TrialItem, Trials, run_trial
from voxgate.lab.tune.workforce import Workforce

MODE = {"VOXGATE__GATING__PROVIDERS__OPENAI_REALTIME__MODE": "vad"}
DEAF = {"gating.providers.openai_realtime.energy_threshold": 30_000}


@pytest.fixture
def call(tmp_path: Path) -> PreparedCall:
    """A caller who interrupts after 1.5 s."""
    caller = speech_like(1500, level_dbfs=-16.0, seed=1)
    capture = write_wav(tmp_path / "a.wav", np.concatenate([silence(1500), caller]))
    made = prepared("a", speech=((1500.0, 3000.0),), agent=((0.0, 3000.0),))
    agent = write_wav(tmp_path / "b.wav", speech_like(3000, seed=2))
    source = row_source("a", capture=capture)
    object.__setattr__(source.row, "far_end", agent)
    return replace(made, source=source, duration_ms=3000.0)


def tried(calls: list[PreparedCall]) -> Trials:
    made = Trials(calls, load_config(None, MODE), Workforce())
    made.run([{}, DEAF], "both")
    return made


def test_a_setting_shows_in_what_comes_of_a_call(call: PreparedCall) -> None:
    """A gate that nobody is loud enough for lets nobody in."""
    found = tried([call])
    (usual,), (deaf,) = found.measures({}), found.measures(DEAF)
    assert (usual.interruptions, usual.right) == (1, 1)
    assert (deaf.interruptions, deaf.right) == (1, 0)
    assert deaf.lost_ms > usual.lost_ms


def test_what_is_known_is_not_tried_again(
    call: PreparedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor a setting that may not be."""
    found = tried([call])
    monkeypatch.setattr(module, "run_trial", None)
    found.run([DEAF, {"barge_in.min_ms": 20}], "again")
    assert not found.may_be({"barge_in.min_ms": 20})
    assert found.may_be(DEAF)


def test_a_call_that_fails_counts_in_no_trial(call: PreparedCall) -> None:
    """It is named, once."""
    gone = prepared("gone")
    found = tried([gone, call])
    assert [each.name for each in found.calls] == [call.name]
    assert len(found.measures({})) == len(found.measures(DEAF)) == 1
    found.run([{"audio_guard.preroll_ms": 200}], "more")
    (problem,) = found.problems.values()
    assert "file not found" in problem.message


def test_a_gate_that_raises_is_a_problem_of_the_call(
    call: PreparedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are judged."""

    def fail(_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(module, "make_gate", fail)
    problem = run_trial(TrialItem(call, (load_config(None, MODE).gating_config,)))
    assert problem == CallProblem(call.name, "could not be judged: RuntimeError('broken')")


def test_a_call_that_a_process_dies_of_is_a_problem(
    call: PreparedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason."""

    def die(_: object, items: list[TrialItem], *, jobs: int, lost) -> Iterator[object]:
        assert jobs == 3
        return (lost(item, "out of memory") for item in items)

    monkeypatch.setattr("voxgate.lab.tune.workforce.map_in_processes", die)
    found = Trials([call], load_config(None, MODE), Workforce(jobs=3))
    found.run([{}], "once")
    assert str(found.problems[call.name]) == f"{call.name}: is lost: out of memory"
    assert found.measures({}) == ()


def test_progress_is_shown_by_who_watches(call: PreparedCall) -> None:
    """Of how many calls, and for what."""
    seen: list[tuple[int, str]] = []

    def watch(outcomes, total: int, doing: str):
        seen.append((total, doing))
        return outcomes

    Trials([call], load_config(None, MODE), Workforce(), watch).run([{}], "a round")
    assert seen == [(1, "a round")]


def test_no_call_has_no_measures() -> None:
    """All were too few to hold one out."""
    assert tried([]).measures(DEAF) == ()
