"""How the benchmarks of plug-ins judge what became of the agent's turns."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT)
    return import_module("benchmarks.telephone_calls")


@pytest.mark.parametrize(
    ("turn", "false", "right", "with_caller"),
    [
        ({}, 0, 0, 0),
        ({"cut_ms": 1500.0}, 1, 0, 0),
        ({"is_planned_over": True, "onset_ms": 2000.0, "cut_ms": 2300.0}, 0, 1, 1),
        ({"is_planned_over": True, "onset_ms": 2000.0, "cut_ms": 3001.0}, 0, 0, 1),
        ({"is_planned_over": True, "onset_ms": 2000.0}, 0, 0, 1),
        ({"is_planned_over": True, "cut_ms": 1500.0}, 1, 0, 1),
        ({"is_planned_over": True}, 0, 0, 0),
    ],
    ids=["heard out", "false", "right", "late", "missed", "false before the caller", "too short"],
)
def test_a_turn_is_judged(
    calls: Any, turn: dict[str, Any], false: int, right: int, with_caller: int
) -> None:
    """A caller who never came to speak, as the turn was over before, has missed nothing."""
    judged = calls.judge_turns([calls.TurnRecord(begin_ms=0.0, end_ms=9000.0, **turn)])
    assert (judged.n_turns, judged.n_skipped) == (1, 0)
    assert (judged.n_false, judged.n_right, judged.n_over) == (false, right, with_caller)


@pytest.mark.parametrize("turn", [{"end_ms": None}, {"end_ms": 1.0, "is_overlapped": True}])
def test_a_turn_that_shows_nothing_is_left_out(calls: Any, turn: dict[str, Any]) -> None:
    """The call ended in it, or the caller was speaking when it began."""
    judged = calls.judge_turns([calls.TurnRecord(begin_ms=0.0, **turn)])
    assert (judged.n_turns, judged.n_skipped) == (0, 1)
    assert judged.figures()["not_judged"] == 1
