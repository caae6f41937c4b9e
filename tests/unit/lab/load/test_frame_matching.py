"""Frames are found again by content and count, and what is not certain has no latency."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.load_sides import columns
from voxgate.lab.load.frame_log import SILENT_DIGEST, EventRow
from voxgate.lab.load.frame_matching import (
    match_call,
    match_positions,
    tie_in_order,
    tie_sessions,
)

Match = tuple[list[float], list[int], list[float], list[int]]
"""What was sent and received, as :func:`match_call` takes it."""
S = SILENT_DIGEST
CHANGED = 7


def sent(n_frames: int) -> tuple[list[float], list[int]]:
    """Return times and digests of frames, each unlike the others."""
    return [20.0 * n for n in range(n_frames)], [1000 + n for n in range(n_frames)]


def test_frames_that_pass_have_the_latency_of_each() -> None:
    """Without a gate every frame is found again."""
    times, digests = sent(50)
    match = match_call(times, digests, [t + 3.0 for t in times], digests)
    assert match.live_ms == pytest.approx([3.0] * 50)
    assert (match.lost, match.released, match.uncertain) == (0, 0, 0)


def test_silence_between_two_frames_that_are_known_is_timed_by_counting() -> None:
    """Silence bears no mark; as many as were sent have come."""
    times, digests = sent(30)
    received = [d if n < 5 or n >= 20 else S for n, d in enumerate(digests)]
    match = match_call(times, digests, [t + 4.0 for t in times], received)
    assert match.silent_ms == pytest.approx([4.0] * 15)
    assert len(match.live_ms) == 15


def test_audio_that_a_guard_changed_counts_as_what_it_replaces() -> None:
    """One for one, like silence."""
    times, digests = sent(30)
    received = [CHANGED if 8 <= n < 12 else d for n, d in enumerate(digests)]
    match = match_call(times, digests, [t + 4.0 for t in times], received)
    assert len(match.silent_ms) == 4
    assert match.lost == 0


def test_a_frame_that_nothing_came_for_is_lost() -> None:
    """It makes a hole between two that are known."""
    times, digests = sent(30)
    kept = [n for n in range(30) if n not in (10, 11)]
    match = match_call(times, digests, [times[n] + 2.0 for n in kept], [digests[n] for n in kept])
    assert match.lost == 2


def test_held_frames_that_are_released_are_not_late() -> None:
    """Silence had come in their place, and they come at once with the one that released them."""
    times, digests = sent(60)
    at = [(times[n] + 2.0, digests[n] if n < 10 else S) for n in range(30)]
    at += [(times[30] + 2.0 + (n - 22) * 0.1, digests[n]) for n in range(22, 31)]
    at += [(times[n] + 2.0, digests[n]) for n in range(31, 60)]
    match = match_call(times, digests, [t for t, _ in at], [d for _, d in at])
    assert match.released == 8
    assert match.lost == 0
    assert max(match.live_ms) < 5.0


def test_a_held_frame_that_was_sent_late_is_not_taken_for_one_let_through() -> None:
    """The last of those held left its socket 19.7 ms before they were released, and not 20.

    Taken for a frame let through, it moves all silence before it by a slot, and of the silence that
    is left out for it later one counts as lost.
    """
    times, digests, came_ms, received = released_call(200, range(120, 128))
    times[29] += 1.5
    came_ms = [t_ms - 1.5 if 600.0 < t_ms < 610.0 else t_ms for t_ms in came_ms]
    match = match_call(times, digests, came_ms, received)
    assert (match.released, match.left_out, match.lost) == (8, 8, 0)
    assert max(match.silent_ms) == pytest.approx(2.0)


def test_frames_behind_a_stall_are_late_and_not_released() -> None:
    """As many come as were sent, and nothing had come meanwhile."""
    times, digests = sent(40)
    stalled = range(16, 25)
    arrivals = [500.0 + n / 100 if n in stalled else t + 2.0 for n, t in enumerate(times)]
    match = match_call(times, digests, arrivals, digests)
    assert match.released == 0
    assert max(match.live_ms) > 150.0
    assert len(match.live_ms) == 40


def test_silence_that_is_left_out_later_is_not_lost() -> None:
    """A gate takes back what it released, once it has been silent for a second."""
    match = match_call(*released_call(200, (120, 122, 124)))
    assert (match.left_out, match.lost) == (3, 0)
    assert match.uncertain == 2
    assert max(match.silent_ms) == pytest.approx(2.0)


def released_call(n_frames: int, left_out: range | tuple[int, ...]) -> Match:
    """Return a call that has eight frames released at frame 30, and then is silent from 40 on."""
    times, digests = sent(n_frames)
    at = [(times[n] + 2.0, digests[n] if n < 10 else S) for n in range(30)]
    at += [(times[30] + 2.0 + (n - 22) * 0.1, digests[n]) for n in range(22, 31)]
    at += [(times[n] + 2.0, digests[n]) for n in range(31, 40)]
    at += [(times[n] + 2.0, S) for n in range(40, n_frames - 20) if n not in left_out]
    at += [(times[n] + 2.0, digests[n]) for n in range(n_frames - 20, n_frames)]
    return times, digests, [t for t, _ in at], [d for _, d in at]


def test_a_gate_leaves_out_no_more_than_it_released() -> None:
    """And nothing within a second of silence: what misses beyond that is lost."""
    match = match_call(*released_call(200, range(120, 140, 2)))
    assert (match.released, match.left_out, match.lost) == (8, 8, 2)
    assert match_call(*released_call(108, (70, 72))).lost == 2


def test_what_was_released_before_the_window_may_be_left_out_in_it() -> None:
    """It began in the middle of an utterance; what came before it does not count itself."""
    times, digests, came_ms, received = released_call(200, (120, 122, 124))
    match = match_call(times, digests, came_ms, received, begin_ms=times[35])
    assert (match.released, match.left_out, match.lost) == (0, 3, 0)
    assert len(match.live_ms) == 5 + 20
    alone = [at for at, t_ms in enumerate(came_ms) if t_ms > times[35]]
    match = match_call(
        times[35:], digests[35:], [came_ms[n] for n in alone], [received[n] for n in alone]
    )
    assert match.lost == 3


def test_a_call_that_falls_mute_has_lost_all_that_follows() -> None:
    """No frame behind it is ever recognised."""
    times, digests = sent(200)
    heard = range(100)
    match = match_call(times, digests, [times[n] + 2.0 for n in heard], digests[:100])
    assert match.lost == 100
    assert match_call(times, digests, [], []).lost == 200
    assert match_call(times, digests, [], [], begin_ms=times[150]).lost == 50


def test_silence_to_the_end_is_counted_too() -> None:
    """A caller who does not speak again: each frame has its silence, or is lost."""
    times, digests = sent(300)
    received = [d if n < 20 else S for n, d in enumerate(digests)]
    later = [6000.0 + 20.0 * n for n in range(50)]  # of frames of the last second
    came_ms = [t_ms + 3.0 for t_ms in [*times, *later]]
    assert match_call(times, digests, came_ms, [*received, *[S] * 50]).lost == 0
    kept = [n for n in range(300) if not 200 <= n < 230]
    at = [times[n] + 3.0 for n in kept] + [t_ms + 3.0 for t_ms in later]
    marks = [received[n] for n in kept] + [S] * 50
    assert 27 <= match_call(times, digests, at, marks).lost <= 30


def test_nothing_sent_is_nothing_matched() -> None:
    """A call that had not begun has no figures, and no error."""
    assert match_call([], [], [], []).live_ms == ()
    assert match_call([], [], [5.0], [S]).lost == 0


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 60)), max_size=80))
def test_whatever_a_server_got_latencies_are_not_negative(rows: list[tuple[float, int]]) -> None:
    """Audio that was never sent, or twice, or before it was sent, is not given a latency."""
    times, digests = sent(50)
    ordered = sorted(rows)
    match = match_call(times, digests, [t for t, _ in ordered], [1000 + d for _, d in ordered])
    assert all(each >= 0 for each in (*match.live_ms, *match.silent_ms))


def test_a_session_is_tied_to_the_call_that_most_of_its_audio_is_of() -> None:
    """Silence says nothing; one frame that happens to be alike does not count."""
    ours = columns([(20.0 * n, call, 100 * call + n) for call in (1, 2) for n in range(10)])
    theirs = columns(
        [(20.0 * n + 3, 7, 200 + n) for n in range(8)]
        + [(163.0, 7, 108), (170.0, 8, SILENT_DIGEST)]
        + [(20.0 * n + 3, 9, 100 + n) for n in range(4)]
    )
    assert tie_sessions(ours, theirs) == {7: 2, 9: 1}


def test_nobody_is_tied_where_nothing_was_sent() -> None:
    """Neither to a call that is silent, nor before the first."""
    assert tie_sessions(columns(), columns([(1.0, 1, 5)])) == {}
    assert tie_sessions(columns([(1.0, 1, 5)]), columns()) == {}


def test_audio_that_comes_in_blocks_is_late_by_them() -> None:
    """Five frames at a time: the first of them has waited for the last."""
    times, _ = sent(100)
    blocks = [times[n + 4] + 5.0 for n in range(0, 100, 5)]
    match = match_positions(times, blocks, [800] * len(blocks))
    assert min(match.live_ms) == pytest.approx(5.0)
    assert max(match.live_ms) == pytest.approx(85.0)
    assert len(match.live_ms) == 95


def test_audio_of_any_cut_is_found_by_its_place() -> None:
    """Also where the first frames were never sent on."""
    times, _ = sent(100)
    match = match_positions(times, [t + 7.0 for t in times[30:]], [160] * 70)
    assert match.live_ms == pytest.approx([7.0] * 69)
    late = match_positions(times[:50], [t + 7.0 for t in times], [160] * 100)
    assert late.live_ms == pytest.approx([7.0] * 49)
    assert match_positions([], [], []).live_ms == ()


def test_audio_that_is_missing_at_its_end_is_lost() -> None:
    """As many frames as the pieces are short of."""
    times, _ = sent(100)
    match = match_positions(times, [t + 7.0 for t in times[:80]], [160] * 80)
    assert match.lost == pytest.approx(20, abs=1)
    assert match_positions(times, [t + 7.0 for t in times], [160] * 100).lost == 0


def test_sessions_without_common_audio_are_tied_in_order() -> None:
    """Those that are known already are left alone."""
    calls = [
        EventRow(30.0, 3, "dialled"),
        EventRow(10.0, 1, "dialled"),
        EventRow(20.0, 2, "dialled"),
    ]
    sessions = [EventRow(15.0, 8, "session"), EventRow(26.0, 9, "session")]
    assert tie_in_order(calls, sessions, {}) == {8: 1, 9: 2}
    assert tie_in_order(calls, sessions, {8: 2}) == {9: 1}
