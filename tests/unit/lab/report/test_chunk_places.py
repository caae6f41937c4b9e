"""Where captured chunks lie on the call's axis of time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxgate.lab.report.chunk_places import ChunkPlaces


def placed(*chunks: tuple[float, float | None], duration_ms: float = 20.0) -> list[float]:
    """Return where chunks of that length begin, by when they came and where they were recorded."""
    places: ChunkPlaces[int] = ChunkPlaces()
    found = [
        each
        for n, (now_ms, track_ms) in enumerate(chunks)
        for each in places.take(n, now_ms=now_ms, duration_ms=duration_ms, track_ms=track_ms)
    ]
    found += places.rest()
    assert [each.chunk for each in found] == list(range(len(chunks)))
    return [each.begins_ms for each in found]


def test_chunks_in_time_end_when_they_come() -> None:
    """One behind the other."""
    assert placed((120.0, None), (140.0, None), (160.0, None)) == [100.0, 120.0, 140.0]


def test_a_late_chunk_lies_behind_the_one_before() -> None:
    """Up to 100 ms."""
    assert placed((120.0, None), (199.0, None), (200.0, None)) == [100.0, 120.0, 140.0]


def test_a_burst_ended_when_it_came() -> None:
    """After a hole of 500 ms, as the recorder lays it."""
    burst = [(620.0, None)] * 25
    assert placed((120.0, None), *burst) == [100.0, *(120.0 + 20.0 * n for n in range(25))]


def test_after_silence_a_chunk_lies_where_it_came() -> None:
    """And what follows behind it."""
    chunks = [(120.0, None), (2120.0, None), (2140.0, None)]
    assert placed(*chunks) == [100.0, 2100.0, 2120.0]


def test_what_was_recorded_is_believed() -> None:
    """Whenever it came; a chunk that is nowhere on the track lies where it came."""
    assert placed((500.0, 100.0), (500.0, 120.0), (520.0, None)) == [100.0, 120.0, 500.0]


def test_a_past_that_is_shown_once_more_lies_in_the_past() -> None:
    """To a gate that takes over."""
    chunks = [(120.0, None), (140.0, None), (120.0, None), (140.0, None), (160.0, None)]
    assert placed(*chunks) == [100.0, 120.0, 100.0, 120.0, 140.0]


def test_what_is_no_chunk_of_the_line_holds_nothing_up() -> None:
    """Nothing at all, and more than a second at once."""
    assert placed((120.0, None), (130.0, None), duration_ms=0.0) == [120.0, 130.0]
    assert placed((5000.0, None), duration_ms=2000.0) == [3000.0]


@given(st.lists(st.sampled_from([0, 5, 20, 60, 300, 2000]), max_size=1200))
def test_chunks_of_a_line_never_overlap(gaps_ms: list[int]) -> None:
    """Nor does one lie later than it came by more than the line's backlog."""
    now_ms, chunks = 100.0, []
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        chunks.append((now_ms, None))
    begins = placed(*chunks)
    assert all(b - a >= 20.0 for a, b in pairwise(begins))
