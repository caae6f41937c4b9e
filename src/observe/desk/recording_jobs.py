"""What the desk's worker does with recorded calls: a preview of other thresholds, a report.

These run in a process of their own. Invariant: arguments and results can be pickled and are
bounded.
"""

from __future__ import annotations

__all__ = ["preview_fields", "preview_job", "report_job"]

from pathlib import Path
from typing import Any

from ...core.config import GatingConfig
from ...lab.replay.preview import PreviewResult, preview
from ...recordings import open_call


def preview_job(
    root: Path, config: GatingConfig, against: GatingConfig, minutes: float, identity: str | None
) -> dict[str, Any]:
    """Return what changed thresholds come to on the last recorded minutes, as the page gets it.

    Args:
        root: Folder of the recorded calls.
        config: With the changes.
        against: In force.
        minutes: Recorded time to go through.
        identity: Opens encrypted calls.
    """
    result = preview(root, config, minutes=minutes, identity=identity, against=against)
    return preview_fields(result)


def preview_fields(result: PreviewResult) -> dict[str, Any]:
    """Return a preview as the page gets it."""
    return {
        "calls": len(result.calls),
        "minutes": round(result.minutes, 1),
        "decisions": result.points,
        "differ": result.points_differ,
        "frames": sum(call.frames for call in result.calls),
        "frames_differ": sum(call.frames_differ for call in result.calls),
        "text": str(result),
        "note": result.note,
        "skipped": len(result.skipped),
        "calls_differ": [
            {
                "call_id": call.call_id,
                "started_at": call.started_at,
                "decisions": call.points,
                "differ": call.points_differ,
                "differences": [
                    {
                        "t_s": round(point.t_ms / 1000, 2),
                        "type": point.type,
                        "reason": point.reason,
                        "change": point.change,
                    }
                    for point in call.differing
                ],
            }
            for call in result.calls
            if call.points_differ
        ],
    }


def report_job(folder: Path, identity: str | None) -> str:
    """Return the report of a recorded call: one page, which needs nothing else.

    Raises:
        RecordingError: the call can't be read.
        ModuleNotFoundError: what draws it is not installed (extra ``bench``).
    """
    from ...lab.report import render_page  # what draws takes a second to load

    return render_page(open_call(folder, identity=identity))
