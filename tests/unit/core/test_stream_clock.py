"""Audio placed by the line's own clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.stream_clock import StreamClock


def placed(arrivals: list[tuple[float, float]]) -> list[float]:
    """Return the places of audio by its end in the stream and its arrival."""
    clock = StreamClock()
    return [clock.place(end_ms, now_ms) for end_ms, now_ms in arrivals]


def test_audio_in_time_is_where_it_comes():
    """The distance between both clocks may be anything."""
    arrivals = [(20.0 * n, 1000.0 + 20 * n) for n in range(1, 50)]
    assert placed(arrivals) == [now_ms for _, now_ms in arrivals]


def test_a_burst_is_spread_over_the_time_of_the_stall():
    """A second that came at once was captured in a second."""
    arrivals = [(20.0 * n, 20.0 * n) for n in range(1, 11)]
    arrivals += [(20.0 * n, 1200.0) for n in range(11, 61)]
    assert placed(arrivals) == [20.0 * n for n in range(1, 61)]


def test_a_gap_stays_a_gap():
    """Audio lost on the way to the line leaves its time behind."""
    arrivals = [(20.0, 20.0), (40.0, 40.0), (140.0, 140.0), (160.0, 160.0)]
    assert placed(arrivals) == [20, 40, 140, 160]


def test_jitter_is_taken_out():
    """Once one arrival was in time, late ones are placed where they belong."""
    arrivals = [(20.0, 25.0), (40.0, 40.0), (60.0, 78.0), (80.0, 80.0), (100.0, 115.0)]
    assert placed(arrivals)[1:] == [40, 60, 80, 100]


def test_a_slow_clock_is_followed():
    """At 200 ppm over ten minutes, audio is never placed more than 2 ms before it came."""
    clock = StreamClock()
    for n in range(1, 30_000):
        now_ms = 20.0 * n * 1.0002
        assert 0 <= now_ms - clock.place(20.0 * n, now_ms) <= 2.1


def test_a_stream_that_begins_anew_is_placed_anew():
    """Its clock starts from zero; what is placed never goes back."""
    clock = StreamClock()
    for n in range(1, 3000):
        clock.place(20.0 * n, 20.0 * n)
    assert clock.place(20.0, 60_020.0) == 60_020
    assert clock.place(40.0, 60_040.0) == 60_040


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 500)), min_size=1, max_size=50),
)
def test_nothing_is_placed_after_it_came_or_before_what_came_before(steps):
    """Whatever the line says of its times."""
    clock, now_ms, last_ms = StreamClock(), 0.0, float("-inf")
    for end_ms, step_ms in steps:
        now_ms += step_ms
        at_ms = clock.place(end_ms, now_ms)
        assert last_ms <= at_ms <= now_ms
        last_ms = at_ms


@pytest.mark.parametrize("held_ms", [500.0, 9_000.0])
def test_a_long_stall_is_still_a_stall(held_ms: float):
    """What comes after it lies where it was captured."""
    clock = StreamClock()
    clock.place(100.0, 100.0)
    assert clock.place(120.0, 120.0 + held_ms) == 120
