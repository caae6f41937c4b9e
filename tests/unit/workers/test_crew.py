"""What a parent decides about its workers, told to it step by step."""

from __future__ import annotations

import pytest

from voxgate.workers.crew import Crew, RestartPolicy, WorkerState

POLICY = RestartPolicy(
    first_pause_ms=100.0,
    max_pause_ms=1000.0,
    stable_ms=5000.0,
    max_deaths=3,
    silence_ms=2000.0,
    quiet_ms=500.0,
)
NOW_MS = 100.0
"""Soon after all began to serve."""


def serving(n_workers: int) -> Crew:
    """Return workers that all take calls."""
    crew = Crew(n_workers, POLICY)
    for number in crew.to_start(0.0):
        crew.receive_started(number, 0.0)
        crew.receive_ready(number, 0.0)
    return crew


def hand(crew: Crew, n_connections: int = 1) -> list[int]:
    """Give connections to who should get them, and return who that was."""
    given = []
    for _ in range(n_connections):
        number = crew.takers(NOW_MS)[0]
        crew.note_handed(number)
        given.append(number)
    return given


def test_all_are_to_be_started_at_once() -> None:
    """And none twice."""
    crew = Crew(3, POLICY)
    assert crew.to_start(0.0) == (1, 2, 3)
    crew.receive_started(2, 0.0)
    assert crew.to_start(0.0) == (1, 3)
    assert not crew.has_taker


def test_calls_go_to_who_has_the_fewest() -> None:
    """However the others end, the next goes where there is most room; equal ones take turns."""
    crew = serving(3)
    assert sorted(hand(crew, 3)) == [1, 2, 3]
    hand(crew, 57)
    assert [worker.connections for worker in crew.workers] == [20, 20, 20]
    crew.receive_report(2, 10.0, {"ended": 5, "running_calls": 15, "max_calls": 100})
    assert hand(crew, 5) == [2] * 5


def test_a_full_worker_comes_last() -> None:
    """It would hang up, where another has room."""
    crew = serving(2)
    crew.receive_report(1, 10.0, {"ended": 0, "running_calls": 2, "max_calls": 2})
    hand(crew, 3)
    assert crew.takers(NOW_MS) == (2, 1)


def test_one_without_file_descriptors_comes_last() -> None:
    """It has the fewest connections, as it can take none: it would lose every call."""
    crew = serving(2)
    crew.receive_report(1, 10.0, {"running_calls": 0, "max_calls": 9, "lacks_descriptors": True})
    hand(crew, 3)
    assert (crew[1].handed, crew[2].handed) == (0, 3)


def test_one_that_may_hang_comes_last() -> None:
    """A call that it got would hear nothing until it is killed; a full one at least says no."""
    crew = serving(3)
    hand(crew, 6)
    for number in (1, 3):
        crew.receive_report(number, 1400.0, {"running_calls": number - 1, "max_calls": 2})
    crew.receive_report(2, 900.0, {"ended": 2, "running_calls": 0, "max_calls": 2})
    assert crew.takers(1400.0) == (2, 1, 3)
    assert crew.takers(1401.0) == (1, 3, 2)


def test_time_in_which_the_parent_did_not_run_is_nobodys_silence() -> None:
    """As in a machine that was stopped and goes on: the workers' words are there to be read."""
    crew = serving(1)
    for now_ms in (200.0, 400.0):
        crew.receive_time(now_ms)
    crew.receive_time(60_400.0)
    assert crew.to_kill(60_400.0) == ()
    assert not crew.is_quiet(crew[1], 60_400.0)
    for now_ms in range(60_600, 63_000, 200):
        crew.receive_time(float(now_ms))
    assert crew.to_kill(62_800.0) == (1,)


def test_one_that_drains_by_itself_gets_no_calls() -> None:
    """It was told by a signal of its own: it would hang up on whoever comes."""
    crew = serving(2)
    crew.receive_report(1, 10.0, {"phase": "draining", "running_calls": 0, "max_calls": 2})
    crew.receive_report(2, 10.0, {"phase": "running", "running_calls": 2, "max_calls": 2})
    assert crew.takers(NOW_MS) == (2,)
    crew.receive_report(2, 10.0, {"phase": "stopped"})
    assert not crew.has_taker


def test_one_that_died_is_started_anew_after_pauses_that_grow() -> None:
    """100 ms, 200 ms and so on, up to the bound; it has no connections then."""
    crew = serving(2)
    hand(crew, 4)
    now_ms = 0.0
    for pause_ms in (100.0, 200.0, 400.0, 800.0, 1000.0, 1000.0):
        assert crew.receive_exit(1, now_ms) is False
        assert crew[1].connections == 0
        assert crew.to_start(now_ms + pause_ms - 1) == ()
        now_ms += pause_ms
        assert crew.to_start(now_ms) == (1,)
        crew.receive_started(1, now_ms)
    assert crew[2].connections == 2


def test_a_death_after_long_service_is_the_first_again() -> None:
    """A crash a day is no crash loop."""
    crew = serving(1)
    crew.receive_exit(1, 10.0)
    crew.receive_started(1, 200.0)
    crew.receive_ready(1, 300.0)
    crew.receive_exit(1, 300.0 + 5000.0)
    assert crew[1].deaths_in_a_row == 1


def test_who_dies_before_any_has_served_ends_the_start() -> None:
    """What one lacks, the others lack too."""
    crew = Crew(2, POLICY)
    for number in crew.to_start(0.0):
        crew.receive_started(number, 0.0)
    before = crew.has_given_up
    crew.receive_exit(2, 5.0)
    assert (before, crew.has_given_up) == (False, True)


def test_a_crash_loop_is_given_up_where_nobody_serves() -> None:
    """While another serves, it goes on trying: its calls must not end for it."""
    crew = serving(2)
    for _ in range(5):
        crew.receive_exit(1, 0.0)
        crew.receive_started(1, 0.0)
    before = crew.has_given_up
    crew.receive_exit(2, 0.0)
    assert (before, crew.has_given_up) == (False, True)


def test_who_says_nothing_is_to_be_killed() -> None:
    """Not while it starts: that takes as long as it takes."""
    crew = serving(2)
    crew.receive_report(2, 1500.0, {})
    assert crew.to_kill(1999.0) == ()
    assert crew.to_kill(2001.0) == (1,)
    crew.receive_exit(1, 2001.0)
    crew.receive_started(1, 2101.0)
    assert crew.to_kill(3000.0) == ()


@pytest.mark.parametrize("number", [1, 2])
def test_drained_nobody_is_started_any_more(number: int) -> None:
    """Who runs is told, and their ends are no deaths; who waits has ended."""
    crew = serving(3)
    crew.receive_exit(3, 0.0)
    assert crew.drain() == (1, 2)
    assert crew[3].state is WorkerState.ENDED
    assert crew.to_start(99_999.0) == ()
    assert crew.receive_exit(number, 10.0) is True
    before = crew.is_over
    assert crew.takers(NOW_MS) == (3 - number,)
    crew.receive_exit(3 - number, 10.0)
    assert (before, crew.is_over) == (False, True)
    assert not crew.has_given_up


def test_one_that_becomes_ready_too_late_goes_on_draining() -> None:
    """It was told while it started."""
    crew = Crew(1, POLICY)
    crew.receive_started(1, 0.0)
    crew.drain()
    crew.receive_ready(1, 5.0)
    assert [worker.state for worker in crew.workers] == [WorkerState.DRAINING]


def test_restarts_are_counted() -> None:
    """By who died."""
    crew = serving(2)
    crew.note_restart(2)
    assert [worker.restarts for worker in crew.workers] == [0, 1]
