"""The report of a load run as text: one column a step."""

from __future__ import annotations

__all__ = ["load_text"]

from collections.abc import Callable, Sequence

from .load_figures import LoadFigures, Percentiles

_NONE = "-"


def load_text(steps: Sequence[LoadFigures]) -> str:
    """Return the figures of all steps as a table."""
    rows = [[name, *(cell(step) for step in steps)] for name, cell in _ROWS]
    widths = [max(len(row[at]) for row in rows) for at in range(len(steps) + 1)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _times(times: Percentiles) -> str:
    if times.p50_ms is None or times.p99_ms is None or times.max_ms is None:
        return _NONE
    return f"{times.p50_ms:.1f} / {times.p99_ms:.1f} / {times.max_ms:.1f}"


def _timed(step: LoadFigures) -> str:
    certain = step.line_to_provider.count
    every = certain + step.uncertain_frames
    return f"{certain} of {every}" if every else _NONE


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.0f}"


def _cpu(step: LoadFigures) -> str:
    return _NONE if step.cpu_per_call is None else f"{step.cpu_per_call:.5f}"


def _memory(step: LoadFigures) -> str:
    n_bytes = step.memory_per_call_bytes
    return _NONE if n_bytes is None else f"{n_bytes / 2**20:.2f}"


_ROWS: Sequence[tuple[str, Callable[[LoadFigures], str]]] = (
    ("calls", lambda step: str(step.calls)),
    ("engine: CPU-s per call-s", _cpu),
    ("engine: share of a core", lambda step: _percent(step.core_share)),
    ("engine: MiB per call", _memory),
    ("engine: share of a core without calls", lambda step: _percent(step.idle_share)),
    ("others: share of the engine's core", lambda step: _percent(step.others_share)),
    ("engine: wake-ups per second", lambda step: _number(step.wakeups_per_s)),
    ("engine: waited for its core", lambda step: _percent(step.waited_share)),
    ("line in to provider out, ms (p50/p99/max)", lambda step: _times(step.line_to_provider)),
    ("... of frames let through as they came", lambda step: _times(step.live_to_provider)),
    ("frames that took more than 20 ms", lambda step: str(step.late_frames)),
    ("frames let through or replaced at times that are certain", _timed),
    ("frames lost", lambda step: str(step.lost_frames)),
    ("provider out to line, ms", lambda step: _times(step.provider_to_line)),
    ("between two frames at the line, ms", lambda step: _times(step.line_interval)),
    ("gaps above 40 ms at the line", lambda step: str(step.line_gaps)),
    ("barge-in to the agent's silence, ms", lambda step: _times(step.barge_in)),
    ("barge-ins (missed)", lambda step: f"{step.barge_ins} ({step.missed_barge_ins})"),
    ("answers (cut off by the agent's echo)", lambda s: f"{s.answers} ({s.self_interruptions})"),
    ("questions without an answer", lambda step: str(step.unanswered)),
    ("calls lost", lambda step: str(step.lost_calls)),
    ("callers and server: share of a core", lambda step: _percent(step.load_share)),
    ("callers late, ms", lambda step: _times(step.caller_lag)),
    ("server late, ms", lambda step: _times(step.server_lag)),
)
