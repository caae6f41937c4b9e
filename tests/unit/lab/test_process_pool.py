"""One function over many items, on one core or more."""

from __future__ import annotations

import pytest

from voxgate.lab.process_pool import map_in_processes


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    """However many processes work, also more than there are items."""
    assert list(map_in_processes(abs, [-3, 1, -2], jobs=jobs)) == [3, 1, 2]


def test_without_items_there_are_no_results() -> None:
    """Nothing is started for nothing."""
    assert list(map_in_processes(abs, [], jobs=4)) == []


def test_in_this_process_each_result_comes_when_it_is_asked_for() -> None:
    """A progress display moves with every item."""
    seen: list[int] = []
    results = map_in_processes(seen.append, [1, 2, 3], jobs=1)
    next(results)
    assert seen == [1]
