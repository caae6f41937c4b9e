"""Counters add up."""

from __future__ import annotations

from dataclasses import fields

from voxgate.core.call_stats import CallStats
from voxgate.integrations.realtime_proxy.session_counters import SessionCounters


def test_a_gate_is_counted_in_time() -> None:
    """Frames become milliseconds; a second gate adds to the first."""
    counters = SessionCounters()
    stats = CallStats(silence_frames=3, released_frames=2, surplus_frames=1, barge_ins=1)
    counters.add_gate(stats)
    counters.add_gate(stats)
    assert (counters.silence_ms, counters.onset_ms, counters.left_out_ms) == (120, 80, 40)
    assert counters.barge_ins == 2


def test_every_counter_is_added() -> None:
    """None is left out when sessions are summed up."""
    names = [field.name for field in fields(SessionCounters)]
    total = SessionCounters(**{name: n for n, name in enumerate(names)})
    total.add(SessionCounters(**dict.fromkeys(names, 100)))
    assert [getattr(total, name) for name in names] == [100 + n for n in range(len(names))]
