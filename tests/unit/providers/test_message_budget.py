"""What a server may send: all that a call can use at once, and no more than its share for long."""

from __future__ import annotations

import pytest

from voxgate.providers.message_budget import MessageBudget


def _time_of(n_messages: int, n_bytes: int, *, every_ms: float) -> float:
    """Return when so many messages are read that come at a pace, in ms."""
    budget = MessageBudget(0.0)
    now_ms = 0.0
    for number in range(n_messages):
        now_ms = max(now_ms, number * every_ms)
        now_ms += budget.spend(n_bytes, now_ms)
    return now_ms


def test_a_long_answer_at_ten_times_real_time_never_waits() -> None:
    """10 kB of base64 each 20 ms: 2 s of mu-law in 200 ms."""
    assert _time_of(3000, 11_000, every_ms=20.0) == 2999 * 20.0


def test_half_a_minute_in_one_piece_never_waits() -> None:
    assert _time_of(150, 2200, every_ms=0.0) == 0.0


def test_messages_without_end_are_held_to_their_share() -> None:
    n_messages = 100_000
    took_ms = _time_of(n_messages, 100, every_ms=0.0)
    assert n_messages / took_ms == pytest.approx(2.0, rel=0.05)


def test_large_messages_count_by_their_bytes() -> None:
    took_ms = _time_of(1000, 1_000_000, every_ms=0.0)
    assert 1e9 / took_ms == pytest.approx(40_000, rel=0.05)


def test_a_quiet_while_is_made_good_only_so_far() -> None:
    budget = MessageBudget(0.0)
    waits = [budget.spend(0, 3_600_000.0) for _ in range(1000)]
    assert waits[199] == pytest.approx(0.0, abs=1e-6)
    assert waits[201] > 0.0


def test_a_clock_that_goes_back_earns_nothing() -> None:
    budget = MessageBudget(1000.0)
    for _ in range(200):
        budget.spend(0, 1000.0)
    assert budget.spend(0, 0.0) == pytest.approx(0.5, abs=1e-6)
