"""The summary as JSON: what ``voxgate evaluate --json`` writes.

Invariant: everything but ``timing`` is decided by manifest, recordings and configuration.
"""

from __future__ import annotations

__all__ = ["figures_as_json", "share_as_json", "summary_as_json", "timing_as_json"]

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from .evaluation import EvaluatedRow
from .judge import AudioShare
from .manifest import RowNote, RowProblem
from .summary import Delays, Figures, Latency, Mistakes, Share, figures_by_tag, figures_of


def summary_as_json(
    evaluated: Sequence[EvaluatedRow],
    problems: Sequence[RowProblem],
    notes: Sequence[RowNote],
    *,
    setting: dict[str, Any],
) -> dict[str, Any]:
    """Return everything there is to say of a manifest.

    Args:
        evaluated: The rows that could be judged.
        problems: What was wrong with the others.
        notes: What else is worth knowing.
        setting: Names the manifest and the gate, and comes first.
    """
    return {
        **setting,
        "overall": figures_as_json(figures_of(evaluated)),
        "tags": {
            tag: {value: figures_as_json(figures) for value, figures in by_value.items()}
            for tag, by_value in figures_by_tag(evaluated).items()
        },
        "bad_rows": [
            {"line": bad.line, "id": bad.row_id, "field": bad.field, "message": bad.message}
            for bad in problems
        ],
        "notes": [
            {"line": note.line, "field": note.field, "message": note.message} for note in notes
        ],
        "timing": timing_as_json(evaluated),
    }


def timing_as_json(rows: Sequence[EvaluatedRow]) -> dict[str, float | None]:
    """Return what the gate took for a 20 ms slot, in us: medians of the rows' medians."""
    runs = [row.run for row in rows]
    return {
        "us_per_frame_p50": _median(run.us_per_frame_p50 for run in runs),
        "us_agent_audible_p50": _median(run.us_agent_audible_p50 for run in runs),
        "us_agent_silent_p50": _median(run.us_agent_silent_p50 for run in runs),
    }


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 2) if known else None


def figures_as_json(figures: Figures) -> dict[str, Any]:
    """Return the figures with their units in the names; percentages are 0..100."""
    return {
        "rows": figures.rows,
        "rows_passed_through": figures.rows_passed_through,
        "minutes": _rounded(figures.duration_ms / 60_000),
        "agent_turns": figures.agent_turns,
        "agent_minutes": _rounded(figures.agent_minutes),
        "interruptions": figures.recall.of,
        "barge_ins": figures.barge_ins,
        "recall": share_as_json(figures.recall),
        "onset_to_open_ms": _latency(figures.open_latency),
        "onset_to_pause_ms": _latency(figures.pause_latency),
        "false_barge_ins": _mistakes(figures.false_barge_ins),
        "needless_pauses": _mistakes(figures.needless_pauses),
        "needless_delay_ms": _delays(figures.needless_delays),
        "stray_barge_ins": figures.stray_barge_ins,
        "caller_speech_lost": _audio(figures.speech_lost),
        "caller_speech_lost_over_agent": _audio(figures.speech_lost_over_agent),
        "caller_speech_lost_in_barge_ins": _audio(figures.speech_lost_in_barge_ins),
        "non_speech_forwarded": _audio(figures.non_speech_forwarded),
        "idle_forwarded": _audio(figures.idle_forwarded),
        "echo_forwarded": _audio(figures.echo_forwarded),
    }


def share_as_json(share: Share) -> dict[str, Any]:
    """Return a share as count, percent and its 95 % Wilson interval in percent."""
    interval = share.wilson_95_percent
    return {
        "count": share.count,
        "of": share.of,
        "percent": _rounded(share.percent),
        "wilson_95_percent": None if interval is None else [_rounded(bound) for bound in interval],
    }


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        "count": latency.count,
        "p50": _rounded(latency.p50_ms),
        "p95": _rounded(latency.p95_ms),
    }


def _mistakes(mistakes: Mistakes) -> dict[str, Any]:
    return {
        "count": mistakes.count,
        "per_agent_minute": _rounded(mistakes.per_agent_minute),
        "agent_turns": share_as_json(mistakes.turns),
    }


def _delays(delays: Delays) -> dict[str, Any]:
    return {
        "count": delays.count,
        "total": _rounded(delays.total_ms),
        "p50": _rounded(delays.p50_ms),
        "per_agent_minute": _rounded(delays.per_agent_minute_ms),
    }


def _audio(share: AudioShare) -> dict[str, Any]:
    return {
        "ms": _rounded(share.part_ms),
        "of_ms": _rounded(share.of_ms),
        "percent": _rounded(share.percent),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
