"""Slots that were skipped are told at once, then once in 10 s."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from voxgate.call.skipped_slots import SkippedSlots


def test_a_call_that_skips_nothing_is_not_told_of() -> None:
    """A machine that keeps up logs nothing."""
    skipped = SkippedSlots("call")
    with capture_logs() as logged:
        for now_ms in range(0, 60_000, 20):
            skipped.receive(0, now_ms)
    assert logged == []


def test_the_first_slots_are_told_at_once_with_the_cause() -> None:
    """An operator reads what it is, how much it was, and what to do about."""
    with capture_logs() as logged:
        SkippedSlots("call").receive(3, 5.0)
    assert logged == [
        {
            "event": "call.slots_skipped",
            "log_level": "warning",
            "call_id": "call",
            "cause": "too little CPU",
            "slots": 3,
            "skipped_ms": 60,
            "slots_of_call": 3,
        }
    ]


@pytest.mark.parametrize("start_ms", [0.0, 5e9])
def test_a_call_logs_one_line_in_ten_seconds_and_counts_all(start_ms) -> None:
    """However many are skipped between two lines, the second has them all."""
    skipped = SkippedSlots("call")
    with capture_logs() as logged:
        for number in range(1001):
            skipped.receive(2, start_ms + 20 * number)
    assert [line["slots"] for line in logged] == [2, 1000, 1000]
    assert logged[-1]["slots_of_call"] == 2002


def test_what_had_to_wait_is_told_when_its_time_has_come() -> None:
    """The last slots that were skipped are told though no more are."""
    skipped = SkippedSlots("call")
    with capture_logs() as logged:
        skipped.receive(1, 0.0)
        skipped.receive(4, 9_000.0)
        skipped.receive(0, 9_980.0)
        skipped.receive(0, 10_000.0)
        skipped.receive(0, 30_000.0)
    assert [line["slots"] for line in logged] == [1, 4]
