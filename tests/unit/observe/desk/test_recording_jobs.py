"""A preview as the page gets it."""

from __future__ import annotations

from pathlib import Path

from voxgate.core.config import GatingConfig
from voxgate.lab.replay.preview import PreviewedCall, PreviewedPoint, PreviewResult
from voxgate.observe.desk.recording_jobs import preview_fields, preview_job


def previewed(call_id: str, n_differ: int) -> PreviewedCall:
    point = PreviewedPoint(t_ms=3216.0, type="barge_in_committed", reason="barge_in", change="gone")
    return PreviewedCall(
        call_id=call_id,
        started_at="2026-11-22T12:00:00+00:00",
        minutes=1.25,
        points=7,
        points_differ=n_differ,
        points_shifted=0,
        frames=3750,
        frames_differ=10 * n_differ,
        differing=(point,) * n_differ,
    )


def test_what_differs_is_listed_by_call() -> None:
    """With sums over all; calls in which nothing differs are counted only."""
    result = PreviewResult(calls=(previewed("one", 2), previewed("two", 0)), skipped=("x: why",))
    fields = preview_fields(result)
    assert fields["text"] == "with this setting, 2 of 14 decisions differ"
    assert (fields["calls"], fields["minutes"], fields["decisions"]) == (2, 2.5, 14)
    assert (fields["differ"], fields["frames"], fields["frames_differ"]) == (2, 7500, 20)
    assert fields["skipped"] == 1
    (call,) = fields["calls_differ"]
    assert (call["call_id"], call["decisions"], call["differ"]) == ("one", 7, 2)
    assert call["differences"][0] == {
        "t_s": 3.22,
        "type": "barge_in_committed",
        "reason": "barge_in",
        "change": "gone",
    }


def test_a_folder_without_calls_is_nothing_to_try_it_on(tmp_path: Path) -> None:
    """It is no error."""
    fields = preview_job(tmp_path, GatingConfig(), GatingConfig(), 10.0, None)
    assert (fields["calls"], fields["calls_differ"]) == (0, [])
