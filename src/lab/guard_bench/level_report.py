"""The curve of the level rule as tables for a person, as JSON, and as a picture.

Invariant: drawn without a display; modes and falls differ in marker and line as well as in colour.
"""

from __future__ import annotations

__all__ = ["curve_as_json", "curve_tables", "draw_level_curve"]

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich import box
from rich.table import Table

from ...core.config import AudioGuardConfig, QuieterVoices
from ..guard_scenes.turning_away import CourseKind
from .level_curve import CurveCondition, CurvePoint

Curve = Sequence[Sequence[CurvePoint]]
"""The points of each condition, in one order."""

_DPI = 150
_COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7")
"""Of Okabe and Ito."""
_MARKERS = "osDv"
_LINES = {QuieterVoices.ATTENUATE: "solid", QuieterVoices.WITHHOLD: "dotted"}
_TITLES = {
    QuieterVoices.ATTENUATE: "turned down (attenuate)",
    QuieterVoices.WITHHOLD: "kept back (withhold)",
}


def curve_tables(curve: Curve) -> list[Table]:
    """Return a table of what is forwarded of others, and one of what callers lose."""
    others = [points for points in curve if _is_other(points[0].condition)]
    return [
        _table("Forwarded of others, far from the caller's speech, %", others, "idle_forwarded"),
        _table("Lost of callers' speech, %", curve, "speech_lost"),
    ]


def curve_as_json(curve: Curve) -> list[dict[str, Any]]:
    """Return every figure of every point."""
    return [
        {
            "condition": point.condition.name,
            "quieter_voices": str(point.quieter_voices),
            "quieter_voice_db": point.threshold_db,
            "speech_lost_percent": point.speech_lost.percent,
            "idle_forwarded_percent": point.idle_forwarded.percent,
        }
        for points in curve
        for point in points
    ]


def draw_level_curve(curve: Curve, path: Path) -> None:
    """Draw what is forwarded of a television against what callers who turn away lose.

    The setting that is the default is filled.
    """
    figure = Figure(figsize=(13.0, 4.8), layout="constrained")
    televisions = [points for points in curve if points[0].condition.kind == "tv"]
    callers = [points for points in curve if points[0].condition.kind is CourseKind.AWAY]
    plots = figure.subplots(1, len(televisions), sharey=True, squeeze=False)[0]
    for axes, television in zip(plots, televisions, strict=True):
        for number, caller in enumerate(callers):
            for mode in _LINES:
                _draw_line(axes, television, caller, mode, number)
        before = television[0].idle_forwarded.percent or 0.0
        axes.axvline(before, color="#8c8c8c", linewidth=1.0)
        axes.set(xlim=(0, 102), title=f"television {television[0].condition.below_db:g} dB below")
        axes.set_xlabel("forwarded of it, % (grey: without the rule)")
        axes.grid(alpha=0.3)
    plots[0].set_ylabel("lost of what the caller says while turned away, %")
    plots[-1].legend(fontsize="x-small", title="caller turns away by", title_fontsize="x-small")
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=_DPI)


def _draw_line(
    axes: Axes,
    television: Sequence[CurvePoint],
    caller: Sequence[CurvePoint],
    mode: QuieterVoices,
    number: int,
) -> None:
    pairs = [
        (tv.idle_forwarded.percent or 0.0, of.speech_lost.percent or 0.0, of.threshold_db)
        for tv, of in zip(television, caller, strict=True)
        if of.quieter_voices is mode
    ]
    colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
    axes.plot(
        [forwarded for forwarded, *_ in pairs],
        [lost for _, lost, _ in pairs],
        color=colour,
        linestyle=_LINES[mode],
        marker=marker,
        markersize=4,
        markerfacecolor="white",
        label=f"{caller[0].condition.below_db:g} dB, {_TITLES[mode]}",
    )
    default = AudioGuardConfig()
    if mode is default.quieter_voices:
        chosen = [pair for pair in pairs if pair[2] == default.quieter_voice_db]
        axes.plot(
            [forwarded for forwarded, *_ in chosen],
            [lost for _, lost, _ in chosen],
            color=colour,
            linestyle="none",
            marker=marker,
            markersize=7,
        )


def _is_other(condition: CurveCondition) -> bool:
    return condition.kind in {"tv", "babble"}


def _table(title: str, curve: Curve, share: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("", no_wrap=True)
    for points in curve:
        table.add_column(points[0].condition.name, justify="right")
    for row in zip(*curve, strict=True):
        values = (getattr(point, share).percent for point in row)
        table.add_row(
            _setting(row[0]), *("-" if value is None else f"{value:.1f}" for value in values)
        )
    return table


def _setting(point: CurvePoint) -> str:
    if point.threshold_db is None:
        return str(point.quieter_voices)
    return f"{point.quieter_voices} from {point.threshold_db:g} dB"
