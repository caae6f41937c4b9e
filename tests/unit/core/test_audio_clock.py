"""The map between the provider's audio time and the call's clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio_clock import AudioClock

durations = st.integers(1, 25).map(lambda n_frames: n_frames * 20.0)
captures = st.integers(0, 10_000).map(lambda at: at * 5.0)
appends = st.lists(st.tuples(durations, captures), min_size=1, max_size=40)


def test_audio_sent_as_it_is_captured_maps_by_one_offset() -> None:
    """A call whose frames all go out in step is one straight line."""
    clock = AudioClock()
    for slot in range(100):
        clock.receive_appended(20.0, 5000.0 + slot * 20.0)

    assert clock.provider_ms == 2000.0
    assert clock.capture_ms_at(0.0) == 4980.0
    assert clock.capture_ms_at(1234.5) == 4980.0 + 1234.5
    assert clock.provider_ms_at(4980.0 + 777.0) == 777.0
    assert clock.surplus_ms == 0.0


def test_released_onset_is_older_than_now_and_runs_ahead() -> None:
    """Silence for 200 ms, then these 200 ms again as the released onset with a live frame."""
    clock = AudioClock()
    for slot in range(10):
        clock.receive_appended(20.0, 1000.0 + 20.0 * (slot + 1))
    clock.receive_appended(220.0, 1220.0)

    assert clock.surplus_ms == pytest.approx(200.0)
    assert clock.capture_ms_at(200.0) == pytest.approx(1000.0)
    assert clock.capture_ms_at(300.0) == pytest.approx(1100.0)
    assert clock.provider_ms_at(1100.0) == pytest.approx(300.0), "the caller's voice, not silence"


def test_starved_provider_stands_still_and_the_map_jumps_over_the_gap() -> None:
    """What was left out has no place on the provider's clock."""
    clock = AudioClock()
    clock.receive_appended(20.0, 1020.0)
    clock.receive_appended(20.0, 3020.0)

    assert clock.capture_ms_at(19.0) == 1019.0
    assert clock.capture_ms_at(21.0) == 3001.0
    assert clock.provider_ms_at(2000.0) is None
    assert clock.surplus_ms == -1980.0


def test_a_time_beyond_the_newest_audio_is_its_end() -> None:
    """Providers round up; the answer stays within what was captured."""
    clock = AudioClock()
    clock.receive_appended(20.0, 1020.0)

    assert clock.capture_ms_at(25.0) == 1020.0


def test_nothing_is_known_before_the_first_append_and_after_reset() -> None:
    """A new session begins a new clock."""
    clock = AudioClock()
    assert clock.capture_ms_at(0.0) is None
    assert clock.surplus_ms == 0.0
    clock.receive_appended(500.0, 1000.0)
    clock.reset()

    assert clock.provider_ms == 0.0
    assert clock.capture_ms_at(100.0) is None
    assert clock.provider_ms_at(900.0) is None
    clock.receive_appended(20.0, 9020.0)
    assert clock.capture_ms_at(0.0) == 9000.0
    assert clock.surplus_ms == 0.0


def test_a_time_before_zero_is_unknown() -> None:
    """A turn detector that reports a negative time says nothing that can be converted."""
    clock = AudioClock()
    clock.receive_appended(20.0, 1020.0)

    assert clock.capture_ms_at(-1.0) is None


def test_empty_appends_leave_no_trace_and_negative_ones_are_refused() -> None:
    """A decision that sends nothing is no audio; time does not run backwards."""
    clock = AudioClock()
    clock.receive_appended(0.0, 1000.0)

    assert clock.capture_ms_at(0.0) is None
    with pytest.raises(ValueError, match="duration_ms: -1"):
        clock.receive_appended(-1.0, 1000.0)


def test_memory_is_bounded_and_recent_times_survive() -> None:
    """Of a call of jittery hours only the last minute or so is remembered, and that is enough."""
    clock = AudioClock()
    for slot in range(20_000):
        clock.receive_appended(20.0, slot * 20.0 + (slot % 3) * 5.0)

    assert len(clock._provider_starts) <= 4096
    assert clock.capture_ms_at(0.0) is None, "long forgotten"
    assert clock.capture_ms_at(20_000 * 20.0 - 30_000.0) == pytest.approx(
        20_000 * 20.0 - 30_000.0 - 20.0, abs=25.0
    )


@given(appends)
def test_provider_time_is_all_audio_appended(sequence: list[tuple[float, float]]) -> None:
    """The provider's clock counts audio, whatever time that audio is of."""
    clock = AudioClock()
    for duration_ms, capture_end_ms in sequence:
        clock.receive_appended(duration_ms, capture_end_ms)

    assert clock.provider_ms == sum(duration_ms for duration_ms, _ in sequence)


@given(appends, st.data())
def test_every_appended_moment_maps_to_when_it_was_captured(
    sequence: list[tuple[float, float]], data: st.DataObject
) -> None:
    """The map agrees with a plain search of the list of appends, to the merging tolerance."""
    clock = AudioClock()
    for duration_ms, capture_end_ms in sequence:
        clock.receive_appended(duration_ms, capture_end_ms)
    which = data.draw(st.integers(0, len(sequence) - 1))
    into_ms = data.draw(st.floats(0.0, sequence[which][0] - 0.5))

    provider_ms = sum(duration for duration, _ in sequence[:which]) + into_ms
    duration_ms, capture_end_ms = sequence[which]
    captured_ms = capture_end_ms - duration_ms + into_ms
    assert clock.capture_ms_at(provider_ms) == pytest.approx(captured_ms, abs=1.0)


@given(st.lists(st.tuples(durations, st.floats(0.0, 300.0)), min_size=1, max_size=40), st.data())
def test_back_and_forth_is_where_one_started(
    steps: list[tuple[float, float]], data: st.DataObject
) -> None:
    """As long as nothing was sent twice, each direction undoes the other."""
    clock = AudioClock()
    capture_ms = 1000.0
    for duration_ms, gap_ms in steps:
        capture_ms += gap_ms + duration_ms
        clock.receive_appended(duration_ms, capture_ms)
    provider_ms = data.draw(st.floats(0.0, clock.provider_ms - 0.001))

    captured_ms = clock.capture_ms_at(provider_ms)
    assert captured_ms is not None
    assert clock.provider_ms_at(captured_ms) == pytest.approx(provider_ms, abs=1.001)
