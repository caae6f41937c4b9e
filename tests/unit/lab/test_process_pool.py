"""One function over many items, on one core or more."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import connection
from pathlib import Path

import pytest

from support.pool_work import double, double_or_die, double_or_die_once
from voxgate.lab.process_pool import WorkerDiedError, map_in_processes


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    """However many processes work, also more than there are items."""
    assert list(map_in_processes(abs, [-3, 1, -2], jobs=jobs)) == [3, 1, 2]


def test_more_items_than_are_handed_out_at_once_all_come() -> None:
    """Each once."""
    assert list(map_in_processes(double, range(9), jobs=2)) == [2 * n for n in range(9)]


def test_without_items_there_are_no_results() -> None:
    """Nothing is started for nothing."""
    assert list(map_in_processes(abs, [], jobs=4)) == []


def test_in_this_process_each_result_comes_when_it_is_asked_for() -> None:
    """A progress display moves with every item."""
    seen: list[int] = []
    results = map_in_processes(seen.append, [1, 2, 3], jobs=1)
    next(results)
    assert seen == [1]


def test_an_item_that_kills_its_process_costs_no_other() -> None:
    """It is said to be lost, in its place; all others have their results."""
    results = map_in_processes(
        double_or_die, [1, 2, -3, 4, 5, 6], jobs=2, lost=lambda item, why: f"{item}: {why[:20]}"
    )
    assert list(results) == [2, 4, "-3: the process that wor", 8, 10, 12]


def test_a_process_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    """Memory may have been short only because two large items met."""
    function = partial(double_or_die_once, grave=tmp_path / "grave")
    assert list(map_in_processes(function, [1, -2, 3], jobs=2)) == [2, -4, 6]


def test_a_process_that_dies_with_nothing_to_do_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next item finds a broken pool, and gets another."""
    pools: list[str] = []

    def submit(pool: ProcessPoolExecutor, *_: object) -> Future[int]:
        if len(pools) < 2:
            pools.append(str(id(pool)))
            raise BrokenProcessPool
        future: Future[int] = Future()
        future.set_result(7)
        return future

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    assert list(map_in_processes(double, [1, 2, 3], jobs=2)) == [7, 7, 7]


def test_where_nobody_says_what_a_lost_item_is_worth_it_is_an_error() -> None:
    """Named, in words for a person."""
    with pytest.raises(WorkerDiedError, match=r"-1: the process .* died"):
        list(map_in_processes(double_or_die, [-1, 2], jobs=2))


def test_who_stops_asking_leaves_no_process_behind() -> None:
    """As Ctrl-C does, too."""
    before = multiprocessing.active_children()
    results = map_in_processes(double, range(40), jobs=2)
    assert next(results) == 0
    processes = [p for p in multiprocessing.active_children() if p not in before]
    assert processes
    results.close()  # type: ignore[attr-defined]
    # The pool's own thread waits for them as well: who comes second is told that they live.
    assert all(connection.wait([process.sentinel], 30) for process in processes)
