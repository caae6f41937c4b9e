"""Many rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.recordings import manifest_row, write_wav
from support.signals import silence
from voxgate.core.config import GatingConfig
from voxgate.lab.evaluate import batch
from voxgate.lab.evaluate.batch import evaluate_rows, usable_cores
from voxgate.lab.evaluate.evaluation import EvaluatedRow
from voxgate.lab.evaluate.manifest import ManifestRow, RowProblem, UnreadFile

Lost = Callable[[ManifestRow, str], object]


def test_outcomes_come_in_the_order_of_the_rows(tmp_path: Path) -> None:
    """Good and bad alike; more processes than rows are not started."""
    capture = write_wav(tmp_path / "a.wav", silence(100))
    good = manifest_row(capture, row_id="good")
    bad = manifest_row(tmp_path / "gone.wav", row_id="bad")
    (only,) = evaluate_rows([good], config=GatingConfig(), jobs=8)
    assert isinstance(only, EvaluatedRow)
    outcomes = list(evaluate_rows([good, bad, good], config=GatingConfig(), jobs=1))
    assert [type(outcome) for outcome in outcomes] == [EvaluatedRow, UnreadFile, EvaluatedRow]
    assert list(evaluate_rows([], config=GatingConfig(), jobs=4)) == []


def test_a_row_that_is_lost_is_a_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process died of it: the line and the reason are said."""

    def die(_: object, rows: list[ManifestRow], *, jobs: int, lost: Lost) -> Iterator[object]:
        assert jobs == 2
        return (lost(row, "out of memory") for row in rows)

    monkeypatch.setattr(batch, "map_in_processes", die)
    (outcome,) = evaluate_rows([manifest_row(tmp_path)], config=GatingConfig(), jobs=2)
    assert str(outcome) == "1: is lost: out of memory"


def on_a_worker(
    rows: list[ManifestRow], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[EvaluatedRow | RowProblem]:
    """Evaluate rows on a worker whose working directory is another than ours."""

    def work(
        function: Callable[[ManifestRow], object],
        rows: list[ManifestRow],
        *,
        address: str,
        lost: Lost,
    ) -> Iterator[object]:
        assert address == "tcp://s:8786"
        here = Path.cwd()
        for row in rows:
            os.chdir(folder)
            outcome = function(row)
            os.chdir(here)
            yield outcome

    monkeypatch.setattr(batch, "map_on_cluster", work)
    monkeypatch.setattr(batch, "worker_address", lambda: "tcp://a:1")
    return list(evaluate_rows(rows, config=GatingConfig(), jobs=1, dask="tcp://s:8786"))


def test_workers_find_files_by_the_paths_that_they_have_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is relative to where the command runs is found from elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    write_wav(tmp_path / "a.wav", silence(100))
    monkeypatch.chdir(tmp_path)
    row = manifest_row(Path("a.wav"))
    (outcome,) = on_a_worker([row], tmp_path / "elsewhere", monkeypatch)
    assert isinstance(outcome, EvaluatedRow)
    assert outcome.row == row


def test_a_file_that_only_a_worker_does_not_see_is_said_to_be_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the worker; one that nobody can read, here or there, is said as ever."""
    here, nowhere = write_wav(tmp_path / "a.wav", silence(100)), tmp_path / "gone.wav"

    def refuse(row: ManifestRow, **_: object) -> RowProblem:
        return UnreadFile(line=1, field="capture", message="file not found: x", path=row.capture)

    monkeypatch.setattr(batch, "evaluate_row", refuse)
    rows = [manifest_row(here), manifest_row(nowhere), manifest_row(tmp_path)]
    first, second, folder = on_a_worker(rows, tmp_path, monkeypatch)
    assert str(first) == (
        f"1: capture: {here} is here, but worker tcp://a:1 can't read it: workers need the "
        "recordings under the same path"
    )
    assert str(second) == str(folder) == "1: capture: file not found: x"


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
