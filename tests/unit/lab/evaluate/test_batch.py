"""Many rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.recordings import manifest_row, write_wav
from support.signals import silence
from voxgate.core.config import GatingConfig
from voxgate.lab.evaluate import batch
from voxgate.lab.evaluate.batch import evaluate_rows, usable_cores
from voxgate.lab.evaluate.evaluation import EvaluatedRow
from voxgate.lab.evaluate.manifest import RowProblem


def test_outcomes_come_in_the_order_of_the_rows(tmp_path: Path) -> None:
    """Good and bad alike; more processes than rows are not started."""
    capture = write_wav(tmp_path / "a.wav", silence(100))
    good = manifest_row(capture, row_id="good")
    bad = manifest_row(tmp_path / "gone.wav", row_id="bad")
    (only,) = evaluate_rows([good], config=GatingConfig(), jobs=8)
    assert isinstance(only, EvaluatedRow)
    outcomes = list(evaluate_rows([good, bad, good], config=GatingConfig(), jobs=1))
    assert [type(outcome) for outcome in outcomes] == [EvaluatedRow, RowProblem, EvaluatedRow]
    assert list(evaluate_rows([], config=GatingConfig(), jobs=4)) == []


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinity")
def test_only_cores_that_this_process_may_use_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container's share is not the machine."""
    monkeypatch.setattr(batch.os, "sched_getaffinity", lambda _pid: {0, 3, 5})
    assert usable_cores() == 3


def test_where_there_is_no_affinity_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one, if the system does not tell."""
    monkeypatch.delattr(batch.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(batch.os, "cpu_count", lambda: 6)
    assert usable_cores() == 6
    monkeypatch.setattr(batch.os, "cpu_count", lambda: None)
    assert usable_cores() == 1
