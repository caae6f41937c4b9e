"""The pictures of the tuning guide."""

from __future__ import annotations

from draw_settings import state_intervals


def event(t_ms: float, kind: str) -> dict[str, object]:
    return {"t_ms": t_ms, "type": kind, "reason": "any"}


def test_events_become_intervals() -> None:
    """The gate is open at first; what is no change of state changes nothing."""
    events = [
        event(500, "gate_closed"),
        event(900, "candidate_started"),
        event(940, "barge_in_committed"),
        event(940, "onset_released"),
        event(1400, "interrupted"),
    ]
    assert state_intervals(events, 2000) == [
        (0.0, 500.0, "open"),
        (500.0, 900.0, "closed"),
        (900.0, 940.0, "candidate"),
        (940.0, 1400.0, "barge_in"),
        (1400.0, 2000, "open"),
    ]


def test_a_state_of_no_length_is_left_out() -> None:
    """Two changes in one frame are one."""
    events = [event(0, "gate_closed"), event(100, "candidate_started"), event(100, "resumed")]
    assert state_intervals(events, 200) == [(0.0, 100.0, "closed"), (100.0, 200, "closed")]
