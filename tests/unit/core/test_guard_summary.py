"""The guard's summary for the logs."""

from __future__ import annotations

import pytest

from voxgate.core.gate_decision import GateEventType, GateReason
from voxgate.core.gate_output import GateOutput
from voxgate.core.guard_summary import GuardSummary


def count(summary: GuardSummary, start_ms: int, end_ms: int, kind: str) -> list[tuple[float, int]]:
    """Count a frame of a kind every 20 ms; return time and count of each report."""
    reports = []
    for now_ms in range(start_ms, end_ms, 20):
        output = GateOutput(now_ms, GateReason.LINE_NOISE)
        summary.count(
            output,
            is_noise=kind == "noise",
            is_music=kind == "music",
            is_quieter=kind == "quieter",
        )
        assert all(event.type is GateEventType.GUARD_SUMMARY for event in output.events)
        reports += [(event.t_ms, event.count, event.reason) for event in output.events]
    return reports


def test_noise_is_told_every_5_s() -> None:
    """A report comes at most every 5 s and counts the frames since the last one."""
    reports = count(GuardSummary(0.0), 20, 16_000, "noise")
    assert [t_ms for t_ms, *_ in reports] == [5000, 10_000, 15_000]
    assert [n for _, n, _ in reports] == [250, 250, 250]


@pytest.mark.parametrize("kind", ["silence", "speech"])
def test_what_is_not_noise_is_not_told(kind) -> None:
    """Silence kept back is nothing lost: no report, ever."""
    assert count(GuardSummary(0.0), 20, 60_000, kind) == []


def test_a_late_burst_of_noise_waits_for_its_report() -> None:
    """A quiet stretch resets the time: noise right after a due time is told 5 s later."""
    summary = GuardSummary(0.0)
    assert count(summary, 20, 5020, "silence") == []
    assert count(summary, 5020, 9000, "noise") == []
    ((t_ms, n_frames, _),) = count(summary, 9000, 10_020, "silence")
    assert (t_ms, n_frames) == (10_000, 199)


def test_the_reason_is_what_there_was_more_of() -> None:
    """Mostly music is music, else noise."""
    summary = GuardSummary(0.0)
    count(summary, 20, 3000, "music")
    ((*_, reason),) = count(summary, 3000, 5020, "noise")
    assert reason is GateReason.LINE_MUSIC
    ((*_, reason),) = count(summary, 5020, 10_020, "noise")
    assert reason is GateReason.LINE_NOISE


def test_a_call_may_start_at_any_time() -> None:
    """5 s count from the start of the call."""
    assert count(GuardSummary(70_000.0), 70_020, 74_980, "noise") == []


def test_voices_turned_down_are_told() -> None:
    """They count as what is kept back does, and are named if there was most of them."""
    summary = GuardSummary(0.0)
    count(summary, 20, 4000, "quieter")
    ((_, n_frames, reason),) = count(summary, 4000, 5020, "music")
    assert (n_frames, reason) == (250, GateReason.QUIETER_VOICE)
