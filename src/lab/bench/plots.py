"""The report of a bench as pictures.

Invariant: drawn from the judged rows alone, without a display; gates differ in marker and line as
well as in colour.
"""

from __future__ import annotations

__all__ = ["draw_conditions", "draw_latency", "draw_right_against_false"]

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..evaluate.summary import Share, figures_of
from .gates import GATES
from .groups import GROUPS, Rows
from .report import figures_by_condition

_DPI = 150
_COLOURS = (
    "#000000",
    "#0072b2",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
    "#8c8c8c",
    "#b2a400",
)
"""Of Okabe and Ito."""
_MARKERS = "osDv^<>Ph"
_LINES = ("solid", "dashed", "dotted", "dashdot")
_GROUP = "return loss of 6 dB and more"


def draw_right_against_false(rows: Mapping[str, Rows], path: Path) -> None:
    """Draw each gate at its false and right barge-ins, with 95 % Wilson intervals."""
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    axes = figure.add_subplot()
    for gate, of in _ordinary(rows).items():
        number = list(GATES).index(gate)
        figures = figures_of(of)
        false, right = figures.false_barge_ins.turns, figures.recall
        if false.percent is None or right.percent is None:
            continue
        axes.errorbar(
            [false.percent],
            [right.percent],
            xerr=_error_bars(false),
            yerr=_error_bars(right),
            fmt=_MARKERS[number % len(_MARKERS)],
            color=_COLOURS[number % len(_COLOURS)],
            capsize=3,
            label=GATES[gate].title,
        )
    axes.set(xlim=(-3, 103), ylim=(-3, 103), title=f"Barge-ins, {_GROUP}")
    axes.set_xlabel("false, % of agent turns")
    axes.set_ylabel("right within 1 s, % of interruptions")
    _finish(axes)
    _save(figure, path)


def draw_latency(rows: Mapping[str, Rows], path: Path) -> None:
    """Draw what share of the interruptions each gate has let in, over the time since the onset."""
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    axes = figure.add_subplot()
    for gate, of in _ordinary(rows).items():
        number = list(GATES).index(gate)
        turns = [turn for row in of for turn in row.verdict.turns if turn.onset_ms is not None]
        latencies = sorted(t.open_latency_ms for t in turns if t.open_latency_ms is not None)
        if not latencies:
            continue
        axes.step(
            [-20.0, *latencies, 1000.0],
            [
                0.0,
                *(100.0 * (np.arange(len(latencies)) + 1) / len(turns)),
                100.0 * len(latencies) / len(turns),
            ],
            where="post",
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_LINES[number % len(_LINES)],
            label=GATES[gate].title,
        )
    axes.set(xlim=(-20, 1000), ylim=(0, 100), title=f"Onset to open, {_GROUP}")
    axes.set_xlabel("time since the caller's onset, ms")
    axes.set_ylabel("let in, % of interruptions")
    _finish(axes)
    _save(figure, path)


def draw_conditions(rows: Mapping[str, Rows], path: Path) -> None:
    """Draw false and right barge-ins of each gate in each condition, as two maps."""
    by_gate = {gate: figures_by_condition(of) for gate, of in rows.items()}
    conditions = list(
        dict.fromkeys(
            (tag, value) for tags in by_gate.values() for tag in tags for value in tags[tag]
        )
    )
    height = 1.8 + 0.2 * len(conditions)
    figure = Figure(figsize=(6.0 + 0.9 * len(by_gate), height), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    shown = [[by_gate[gate][tag].get(value) for gate in by_gate] for tag, value in conditions]
    false = [[_value(of.false_barge_ins.turns) if of else np.nan for of in row] for row in shown]
    recall = [[_value(of.recall) if of else np.nan for of in row] for row in shown]
    _map(left, "false, % of agent turns", np.array(false, ndmin=2), list(by_gate), "magma_r")
    _map(right, "right, % of interruptions", np.array(recall, ndmin=2), list(by_gate), "viridis")
    left.set_yticks(range(len(conditions)), [f"{tag}: {value}" for tag, value in conditions])
    left.tick_params(axis="y", labelsize=7)
    _save(figure, path)


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")


def _map(
    axes: Axes,
    title: str,
    values: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    gates: list[str],
    colours: str,
) -> None:
    axes.imshow(values, vmin=0, vmax=100, cmap=colours, aspect="auto")
    axes.set_xticks(range(len(gates)), gates, rotation=60, ha="right", fontsize=7)
    axes.set_title(title, fontsize=9)
    is_dark_high = colours.endswith("_r")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            is_dark = (value > 50) == is_dark_high
            colour = "white" if is_dark else "black"
            axes.text(
                column, row, f"{value:.0f}", ha="center", va="center", fontsize=6, color=colour
            )


def _ordinary(rows: Mapping[str, Rows]) -> dict[str, Rows]:
    return {gate: [row for row in of if GROUPS[_GROUP](row)] for gate, of in rows.items()}


def _value(share: Share) -> float:
    return np.nan if share.percent is None else share.percent


def _error_bars(share: Share) -> list[list[float]]:
    """Return how far the Wilson interval reaches below and above a share."""
    low, high = share.wilson_95_percent or (0.0, 0.0)
    percent = share.percent or 0.0
    return [[max(0.0, percent - low)], [max(0.0, high - percent)]]


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=_DPI)
