"""How many frames a peer may send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxgate.observe.desk.frame_budget import BURST_FRAMES, FRAMES_PER_S, FrameBudget


def test_a_flood_is_cut_and_time_forgives_it() -> None:
    """The burst passes, and what comes on top of it does not; a second later its share does."""
    budget = FrameBudget(7.0)
    assert sum(budget.take(7.0) for _ in range(10_000)) == BURST_FRAMES
    assert sum(budget.take(8.0) for _ in range(10_000)) == FRAMES_PER_S
    assert sum(budget.take(1e6) for _ in range(10_000)) == BURST_FRAMES


@given(st.lists(st.integers(0, 400), max_size=200))
def test_a_phone_is_never_cut(held_up_ms: list[int]) -> None:
    """Fifty frames a second, handed over whenever its network likes."""
    budget, sent, now_ms = FrameBudget(0.0), 0, 0
    for waited_ms in held_up_ms:
        now_ms += waited_ms
        while sent * 20 <= now_ms:
            assert budget.take(now_ms / 1000)
            sent += 1
