"""The comparison of :mod:`.peers` as tables and as a picture."""

from __future__ import annotations

__all__ = ["draw_peers", "peers_text"]

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peer_comparison import (
    CONDITIONS_DB,
    Comparison,
    Promise,
    full_core_calls,
    held_calls,
)
from voxgate.lab.load import LATE_MS, LoadFigures, Percentiles, rig_limits

_ALIKE = ("", "echo", "CPU-s", "MiB", "frames, ms", "yields, ms", "missed", "answers", "cut off")
_RAMP = ("", "calls", "CPU-s", "core", "frames, ms", "lost", "wake-ups", "load core", "others")
_FOOT = """\
CPU-s: of the engine, per second of a call. Frames: from the line in to the provider out, p50, p99
and longest; Pipecat converts the caller's audio, so that its frames are timed by their place in it,
and what all are late by alike is not in the figure. Yields: from the caller's first frame over the
agent to the agent's last. Cut off: answers that ended while the caller was silent."""


def peers_text(comparison: Comparison, judged: Sequence[Promise]) -> str:
    """Return the tables, the promises, and what is no result."""
    parts = []
    if comparison.alike:
        rows = [
            _alike_row(name, erl_db, by[erl_db])
            for erl_db in CONDITIONS_DB
            for name, by in comparison.alike.items()
        ]
        calls = next(iter(next(iter(comparison.alike.values())).values())).calls
        parts.append(f"The same {calls} calls\n{_table(_ALIKE, rows)}")
    if comparison.ramps:
        rows = [_ramp_row(name, step) for name, ramp in comparison.ramps.items() for step in ramp]
        parts.append(f"More and more calls\n{_table(_RAMP, rows)}")
        parts.append("\n".join(_capacity(name, ramp) for name, ramp in comparison.ramps.items()))
    parts.append(_FOOT)
    parts.append("\n".join(_promise(promise) for promise in judged))
    disturbed = sum(bool(rig_limits(step)) for step in comparison.steps)
    if disturbed:
        parts.append(
            f"{disturbed} of {len(comparison.steps)} measurements are no result (marked *): others "
            "had the engine's core, or callers and server were the limit."
        )
    return "\n\n".join(part for part in parts if part)


def draw_peers(comparison: Comparison, path: Path) -> None:
    """Draw cost and lateness over the calls, and what callers hear, side by side.

    Raises:
        ModuleNotFoundError: matplotlib is not installed (extra ``bench``).
        OSError: the file can't be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasAgg(figure)
    (cost, late), (yields, cut) = figure.subplots(2, 2)
    for name, ramp in comparison.ramps.items():
        calls = [step.calls for step in ramp]
        costs = [1000 * (step.cpu_per_call or float("nan")) for step in ramp]
        cost.plot(calls, costs, "o-", label=name)
        p99 = [step.line_to_provider.p99_ms or float("nan") for step in ramp]
        late.plot(calls, p99, "o-", label=name)
        disturbed = [at for at, step in enumerate(ramp) if rig_limits(step)]
        for axes, heights in ((cost, costs), (late, p99)):
            axes.plot([calls[at] for at in disturbed], [heights[at] for at in disturbed], "kx")
    if any(rig_limits(step) for ramp in comparison.ramps.values() for step in ramp):
        figure.suptitle("x: no result, others had the core or the callers were the limit")
    cost.set(xlabel="calls", ylabel="engine: CPU-ms per second of a call", ylim=(0, None))
    late.axhline(LATE_MS, color="grey", linestyle=":")
    late.set(xlabel="calls", ylabel="line in to provider out, p99, ms (dotted: 20)")
    late.set_yscale("log")
    _bars(yields, comparison, lambda step: step.barge_in.p50_ms)
    yields.set_ylabel("barge-in to the agent's silence, p50, ms")
    _bars(cut, comparison, lambda s: 100 * s.self_interruptions / s.answers if s.answers else 0.0)
    cut.set_ylabel("answers cut off by the agent's own echo, %")
    names = cost if comparison.ramps else yields
    figure.legend(*names.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path)


def _bars(axes: Any, comparison: Comparison, value: Any) -> None:
    width = 0.8 / max(1, len(comparison.alike))
    for at, (name, by) in enumerate(comparison.alike.items()):
        places = [each + at * width for each in range(len(CONDITIONS_DB))]
        heights = [value(by[erl_db]) or 0.0 for erl_db in CONDITIONS_DB]
        axes.bar(places, heights, width, label=name)
    axes.set_xlabel("echo return loss")
    axes.set_xticks([each + 0.4 - width / 2 for each in range(len(CONDITIONS_DB))])
    axes.set_xticklabels([_echo(erl_db) for erl_db in CONDITIONS_DB])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    every = [head, *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in every
    )


def _alike_row(name: str, erl_db: float | None, step: LoadFigures) -> Sequence[str]:
    n_bytes = step.memory_per_call_bytes
    return (
        name + _mark(step),
        _echo(erl_db),
        _cpu(step),
        "-" if n_bytes is None else f"{n_bytes / 2**20:.2f}",
        _times(step.line_to_provider),
        _times(step.barge_in),
        f"{step.missed_barge_ins} of {step.barge_ins}",
        str(step.answers),
        str(step.self_interruptions),
    )


def _ramp_row(name: str, step: LoadFigures) -> Sequence[str]:
    return (
        name + _mark(step),
        str(step.calls),
        _cpu(step),
        _percent(step.core_share),
        _times(step.line_to_provider),
        str(step.lost_frames),
        "-" if step.wakeups_per_s is None else f"{step.wakeups_per_s:.0f}",
        _percent(step.load_share),
        _percent(step.others_share),
    )


def _capacity(name: str, ramp: Sequence[LoadFigures]) -> str:
    full = full_core_calls(ramp)
    full_text = "no result" if full is None else f"{full:.0f} calls"
    in_time = held_calls(ramp, may_be_late=False)
    kept_up = held_calls(ramp, may_be_late=True)
    return (
        f"{name}: a core is full with {full_text}; of the steps, {kept_up} calls were held, and "
        f"{in_time} with p99 within {LATE_MS:.0f} ms"
    )


def _promise(promise: Promise) -> str:
    words = f"calls per core, {promise.ours} against {promise.theirs}:"
    if promise.times is None:
        return f"{words} no result"
    if promise.at_least is None:
        return f"{words} {promise.times:.2f} times"
    verdict = "MISSED" if promise.is_missed else "met"
    return f"{words} {promise.times:.2f} times (at least {promise.at_least:g}): {verdict}"


def _mark(step: LoadFigures) -> str:
    return " *" if rig_limits(step) else ""


def _echo(erl_db: float | None) -> str:
    return "none" if erl_db is None else f"{erl_db:.0f} dB"


def _cpu(step: LoadFigures) -> str:
    return "-" if step.cpu_per_call is None else f"{step.cpu_per_call:.5f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _times(times: Percentiles) -> str:
    if times.p50_ms is None or times.p99_ms is None or times.max_ms is None:
        return "-"
    return f"{times.p50_ms:.0f} / {times.p99_ms:.0f} / {times.max_ms:.0f}"
